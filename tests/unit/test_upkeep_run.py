"""Hostile files and repeatability without a framework: how outcomes are judged and results told apart."""

import numpy as np
import pytest

from reproductions.upkeep import hostile, opening, repeating, safety


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


def test_a_killed_repetition_goes_on_behind_the_last_whole_run(tmp_path, monkeypatch):
    cells = [("pytorch", "eager", "unseeded"), ("pytorch", "eager", "seeded")]
    asked = []

    def once(cell, scratch, options):
        asked.append(cell)
        if len(asked) == 3:
            raise KeyboardInterrupt
        return run("a", 10.0)

    monkeypatch.setattr(repeating, "once", once)
    options = repeating.Options(runs=2, cells=cells)
    with pytest.raises(KeyboardInterrupt):
        repeating.measure(tmp_path, options)
    rows = repeating.measure(tmp_path, options)
    assert len(asked) == 5 and [row["runs"] for row in rows] == [2, 2]
    assert not list((tmp_path / "unfinished").glob("*")), "what is whole leaves no journal"


def test_a_cell_that_failed_is_not_run_again(tmp_path, monkeypatch):
    asked = []
    failed = {"status": "failed", "note": "broken"}
    monkeypatch.setattr(repeating, "once", lambda cell, scratch, options: asked.append(cell) or failed)
    (row,) = repeating.measure(tmp_path, repeating.Options(runs=3, cells=[("tensorflow", "xla", "seeded")]))
    assert len(asked) == 1 and row["status"] == "failed" and row["note"] == "broken"


def test_without_a_sandbox_nothing_is_opened_and_every_row_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(safety.sandbox, "unavailable", lambda: "this system allows no network namespace")
    monkeypatch.setattr(safety.sandbox, "run", lambda *given, **more: pytest.fail("something was opened"))
    rows = safety.measure(tmp_path, safety.Options())
    assert {row["status"] for row in rows} == {"not_run"} and all("namespace" in row["note"] for row in rows)
