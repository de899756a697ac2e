"""Hostile files and repeatability without a framework: how outcomes are judged and results told apart."""

import argparse
import fcntl
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from reproductions.__main__ import main
from reproductions.journal import Journal
from reproductions.upkeep import commands, hostile, opening, planning, repeating, rows, safety, training


@pytest.mark.parametrize(
    ("error", "warnings", "effect", "outcome"),
    [
        ("UnpicklingError: no", [], False, "refused"),
        ("", ["UserWarning: skipping ../x"], False, "refused"),
        ("", [], True, "executed"),
        ("ValueError: too late", [], True, "executed"),
        ("", ["UserWarning: careful"], True, "warned"),
        ("", [], False, "loaded"),
    ],
)
def test_outcome_follows_from_effect_and_words(error, warnings, effect, outcome):
    said = {"error": error, "warnings": warnings, "effect": effect, "version": "torch 1"}
    assert safety.judge(said)["outcome"] == outcome


def test_messages_keep_no_folder_and_no_control_character():
    assert safety.inert("Error: /tmp/upkeep-1/made/model.pt\x1b[2J bad\nsecond line") == "Error: model.pt bad"


def test_every_reader_opens_a_file_that_is_made_and_every_file_is_opened():
    assert {reader.file for reader in opening.READERS.values()} == set(hostile.FILES) == set(hostile.MAKERS)


def run(digest, ms):
    return {"status": "ok", "version": "torch 1", "digest": digest, "step_ms": ms}


def test_one_digest_is_identical_and_the_switches_cost_what_the_medians_say():
    found = {
        ("pytorch", "eager", "unseeded"): [run(str(number), 10) for number in range(6)],
        ("pytorch", "eager", "seeded"): [run("a", 10 + number / 10) for number in range(6)],
        ("pytorch", "eager", "deterministic"): [run("a", 20 + number / 10) for number in range(6)],
    }
    rows = repeating.summarise(found)
    assert [(row["identical"], row["distinct"]) for row in rows] == [("no", 6), ("yes", 1), ("yes", 1)]
    assert rows[2]["cost"] == pytest.approx(20.25 / 10.25)
    assert rows[2]["cost_low"] < rows[2]["cost"] < rows[2]["cost_high"]
    assert rows == repeating.summarise(found), "the same runs, the same interval"


def test_few_runs_get_no_interval_and_a_failed_one_is_told():
    assert set(repeating.cost([1, 2], [1, 1], np.random.default_rng(0))) == {"cost"}
    (row,) = repeating.summarise({("tensorflow", "xla", "seeded"): [{"status": "not_run", "note": "not installed"}]})
    assert row["status"] == "not_run" and row["runs"] == 0 and row["identical"] is None
    failed = {"status": "failed", "note": "UnimplementedError: none deterministic"}
    rows = repeating.summarise(
        {("pytorch", "eager", "seeded"): [run("a", 10)], ("pytorch", "compile", "seeded"): [failed]}
    )
    assert [(row["version"], row["status"]) for row in rows] == [("torch 1", "ok"), ("torch 1", "failed")]


def test_an_error_is_told_by_the_line_that_names_it():
    text = (
        "W0000 op_kernel.cc:1858] a log line of UNIMPLEMENTED: not this\n"
        "Traceback (most recent call last):\n"
        '  File "training.py", line 128, in _steps\n'
        "tensorflow.python.framework.errors_impl.UnimplementedError: there is no deterministic MaxPool\n"
        "\t [[{{node gradient_tape/MaxPoolGrad}}]]\n"
        "\ttf2xla conversion failed. Run with TF_DUMP_GRAPH_PREFIX=/dump\n"
    )
    assert repeating.last_error(text) == "UnimplementedError: there is no deterministic MaxPool"
    assert repeating.last_error("torch 2 sees no GPU\n") == "torch 2 sees no GPU" and repeating.last_error("") == ""


def test_a_killed_repetition_goes_on_behind_the_last_whole_run(tmp_path, monkeypatch):
    cells = [("pytorch", "eager", "unseeded"), ("pytorch", "eager", "seeded")]
    asked = []

    def once(cell, device, scratch, options):
        asked.append(cell)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return run("a", 10.0)

    monkeypatch.setattr(repeating, "once", once)
    options = repeating.Options(runs=2, workers=1, cells=cells)
    with pytest.raises(KeyboardInterrupt):
        repeating.measure(tmp_path, options)
    rows = repeating.measure(tmp_path, options)
    assert len(asked) == 5 and [row["runs"] for row in rows] == [2, 2]
    assert not list((tmp_path / "unfinished").glob("*")), "what is whole leaves no journal"


def test_a_cell_that_failed_is_not_run_again(tmp_path, monkeypatch):
    asked = []
    failed = {"status": "failed", "note": "broken"}
    monkeypatch.setattr(repeating, "once", lambda cell, device, scratch, options: asked.append(cell) or failed)
    options = repeating.Options(runs=3, workers=1, cells=[("tensorflow", "xla", "seeded")])
    (row,) = repeating.measure(tmp_path, options)
    assert len(asked) == 1 and row["status"] == "failed" and row["note"] == "broken"
    assert row["command"] == "python -m reproductions upkeep repeatability tensorflow-xla"


def test_a_cell_has_another_neighbour_in_each_round(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(
        repeating, "once", lambda cell, device, scratch, options: asked.append(cell) or run(str(cell), 1.0)
    )
    rows = repeating.measure(tmp_path, repeating.Options(runs=4, workers=1))
    size = len(repeating.CELLS)
    rounds = [tuple(asked[first : first + size]) for first in range(0, 4 * size, size)]
    assert all(set(each) == set(repeating.CELLS) for each in rounds) and len(set(rounds)) == 4
    assert [(row["side"], row["mode"], row["switches"]) for row in rows] == list(repeating.CELLS)


def test_each_device_has_rows_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(repeating, "once", lambda cell, device, scratch, options: run(device, 1.0))
    options = repeating.Options(runs=2, devices=("cpu", "gpu"), cells=[("pytorch", "eager", "seeded")])
    rows = repeating.measure(tmp_path, options)
    assert [(row["device"], row["runs"], row["identical"]) for row in rows] == [("cpu", 2, "yes"), ("gpu", 2, "yes")]


def test_steps_are_timed_when_no_other_process_starts_or_is_timed(tmp_path):
    turn = tmp_path / "turn"
    for other in (fcntl.LOCK_SH, fcntl.LOCK_EX):  # one that still imports or compiles, one that is being timed
        seen = []
        with turn.open("a") as held, turn.open("a") as own, ThreadPoolExecutor(1) as pool:
            fcntl.flock(held, other)
            if other == fcntl.LOCK_SH:
                fcntl.flock(own, fcntl.LOCK_SH)
            ended = pool.submit(training._steps, seen.append, "cpu", own)
            with pytest.raises(TimeoutError):
                ended.result(timeout=0.3)
            assert len(seen) == training.WARM, "the warm-up waits for nobody"
            fcntl.flock(held, fcntl.LOCK_UN)
            assert ended.result(timeout=30) >= 0
        assert len(seen) == training.STEPS


def test_a_run_of_some_rows_leaves_the_others_in_their_places(tmp_path):
    path, columns = tmp_path / "table.csv", ("id", "value")
    rows.write(path, columns, [{"id": name, "value": 1} for name in "abc"], ("id",), chosen=False)
    rows.write(path, columns, [{"id": "b", "value": 2}, {"id": "d", "value": 2}], ("id",), chosen=True)
    assert path.read_text().split() == ["id,value", "a,1", "b,2", "d,2", "c,1"]
    rows.write(path, columns, [{"id": "e", "value": 3}], ("id",), chosen=False)
    assert path.read_text().split() == ["id,value", "e,3"]
    rows.write(path, ("id", "other"), [{"id": "e", "other": 4}], ("id",), chosen=True)
    assert path.read_text().split() == ["id,other", "e,4"], "rows of other columns are of another time"


def test_the_command_of_a_row_carries_what_was_chosen_and_no_path(capsys):
    parser = argparse.ArgumentParser()
    commands.add_parser(parser.add_subparsers())
    given = ["upkeep", "moving", "--extra", "onnx", "--environment", "onnx2tf=/some/where/python"]
    flags = commands._flags(parser.parse_args(given), "extra")
    assert flags == ["--extra", "onnx", "--extra", "onnx2tf"]
    given = ["upkeep", "repeatability", "--smoke", "--runs", "3", "--device", "cpu"]
    flags = commands._flags(parser.parse_args(given), "runs", "threads", "device")
    assert rows.again("repeatability", "pytorch-eager", flags=flags) == (
        "python -m reproductions upkeep repeatability pytorch-eager --smoke --runs 3 --threads 2 --device cpu"
    )
    with pytest.raises(SystemExit):
        parser.parse_args(["upkeep", "repeatability", "--runs", "0"])
    assert "no number from 1 on" in capsys.readouterr().err


def test_the_plan_says_minutes_environments_and_what_a_killed_run_has_left(tmp_path, capsys):
    journal = Journal(tmp_path / "unfinished" / "upkeep_defaults.jsonl")
    for row in ({"plan": {}}, {"key": "a"}, {"key": "b"}):
        journal.add(row)
    folders = ["--out", str(tmp_path), "--cache", str(tmp_path)]
    assert main(["upkeep", "plan", "--extra", "onnx", *folders]) == 0
    said = capsys.readouterr().out
    assert "a killed run left 2 of its results" in said and "environment onnx: 2.8 GiB" in said
    assert re.search(r"Estimated: \d+ minutes on 2 cores", said) and "without onnx2torch, onnx2tf, old_files" in said


def test_what_is_usual_stays_under_half_an_hour_on_two_cores_and_more_takes_longer():
    usual = [planning.minutes(part, planning.Amount()) for part in planning.PARTS]
    assert 10 < sum(usual) < 26, "the index takes some minutes more"
    assert all(0 < planning.minutes(part, planning.Amount(smoke=True)) < 2 for part in planning.PARTS)
    more = planning.Amount(runs=20, seeds=16, extra=("onnx", "onnx2torch", "old_files"))
    for part in ("repeatability", "moving", "defaults", "old_files"):
        assert planning.minutes(part, more) > planning.minutes(part, planning.Amount())


def test_without_a_sandbox_nothing_is_opened_and_every_row_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(safety.sandbox, "unavailable", lambda: "this system allows no network namespace")
    monkeypatch.setattr(safety.sandbox, "run", lambda *given, **more: pytest.fail("something was opened"))
    rows = safety.measure(tmp_path, safety.Options())
    assert {row["status"] for row in rows} == {"not_run"} and all("namespace" in row["note"] for row in rows)
