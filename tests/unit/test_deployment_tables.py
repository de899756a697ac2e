"""From what machines tried to the tables of the page: counted by hand, checked against the schemas, side by side."""

from __future__ import annotations

import csv
import re
from datetime import date

import numpy as np
import pandas as pd
import pytest
import yaml

from analysis import deployment, deployment_page, runtimes
from analysis.report import build_table, load_page_tables
from reproductions import __main__ as cli
from reproductions import contributions
from reproductions.deployment import environments, runner, servers, serving, spec, states
from reproductions.errors import SurveyError
from tests.deployment_fixtures import HOSTILE, MACHINES, SURPRISE, TENSORFLOW, write_deployment

HERE, ELSEWHERE = MACHINES
FEW = ("torch_eager", "keras_eager", "litert_torch", "tf_litert")
STATIC = {"deployment_states", "deployment_environments"}


@pytest.fixture(scope="module")
def measurements(tmp_path_factory):
    return write_deployment(tmp_path_factory.mktemp("deployed"), few=FEW)


@pytest.fixture(scope="module")
def tables(measurements):
    return deployment.tables(deployment.read(measurements))


@pytest.fixture
def edited(tmp_path):
    """Return a function that changes cells of one table of one machine, then checks it."""

    def check(table, change):
        folder = write_deployment(tmp_path / "m", machines=(HERE,), few=FEW)
        path = folder / HERE / "deployment" / f"{table}.csv"
        with path.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        change(rows)
        pd.DataFrame(rows).to_csv(path, index=False)
        return contributions.check_deployment(folder / HERE)

    return check


def first(rows, **wanted):
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


# -- what is there and what is not -------------------------------------------------------------------------------------
def test_nothing_tried_gives_every_table_and_only_the_registries_have_rows(tmp_path):
    made = deployment.write_tables(tmp_path / "none", tmp_path / "out")
    assert set(made) == set(deployment.COLUMNS) == {path.stem for path in (tmp_path / "out").iterdir()}
    assert {name for name, frame in made.items() if len(frame)} == STATIC


def test_the_workflow_names_every_table(root):
    text = (root / "workflow" / "rules" / "common.smk").read_text()
    listed = re.search(r"DEPLOYMENT_TABLES = \[(.*?)\]", text, re.S)[1]
    assert re.findall(r'"(\w+)"', listed) == list(deployment.COLUMNS)


@pytest.mark.parametrize(
    ("table", "columns"),
    [("matrix", runner.COLUMNS), ("rounds", runner.ROUND_COLUMNS), ("serving", serving.COLUMNS)],
)
def test_the_schemas_know_exactly_the_columns_that_are_written(root, table, columns):
    schema = yaml.safe_load((root / "workflow" / "schemas" / f"deployment_{table}.schema.yaml").read_text())
    assert set(schema["properties"]) == set(schema["required"]) == set(columns)


def test_the_schemas_know_every_status_and_stage(root):
    schema = yaml.safe_load((root / "workflow" / "schemas" / "deployment_matrix.schema.yaml").read_text())
    assert set(schema["properties"]["status"]["enum"]) == set(spec.STATUSES) <= set(deployment.OUTCOMES)
    assert set(schema["properties"]["stage"]["enum"]) == set(spec.STAGES) <= set(deployment.STAGES)


def test_machines_stand_side_by_side_with_their_day(tables):
    for name in set(tables) - STATIC - {"deployment_serving", "deployment_servers"}:
        assert set(tables[name]["machine"]) == {HERE, ELSEWHERE}, name
        assert "2026-11-26" in set(tables[name]["date"]), name


def test_every_path_stands_once_a_model_in_the_order_of_the_registry(tables):
    paths = tables["deployment_paths"]
    own = paths[paths["machine"] == HERE]
    wanted = [(path.id, model) for path in spec.discover().values() for model in spec.MODELS if model in path.models]
    assert list(own[["path", "model"]].itertuples(index=False, name=None)) == wanted


def test_what_a_machine_did_not_try_is_a_row_that_says_how_to(tables):
    paths = tables["deployment_paths"]
    own = paths[(paths["machine"] == ELSEWHERE) & (paths["path"] == "torch_openvino")]
    assert set(own["outcome"]) == {"not tried"} and set(own["reached"]) == {"not tried"}
    assert own["note"].str.contains("deploy run --only torch_openvino").all() and own["latency_p50_ms"].isna().all()


def test_an_expected_failure_keeps_its_reason_and_its_report(tables):
    matrix = tables["deployment_matrix"]
    row = first(matrix.to_dict("records"), path="tf_tf2onnx", model="bert_encoder", machine=HERE)
    known = spec.find("tf_tf2onnx").expected["bert_encoder"]
    assert row["outcome"] == "failed, as expected, at loading"
    assert known.reason in row["note"] and row["report_url"] == known.report


def test_a_failure_that_was_expected_and_did_not_happen_is_measured_and_says_so(tables):
    row = first(tables["deployment_paths"].to_dict("records"), path=SURPRISE[0], model=SURPRISE[1], machine=HERE)
    assert row["outcome"] == "measured, although expected to fail" and row["latency_p50_ms"] > 0


def test_times_with_all_threads_stand_beside_those_with_one(tables):
    paths, matrix = tables["deployment_paths"], tables["deployment_matrix"]
    row = first(paths.to_dict("records"), path="torch_eager", model="cnn_mnist", machine=HERE)
    one, two = (
        first(matrix.to_dict("records"), path="torch_eager", model="cnn_mnist", machine=HERE, threads=threads)
        for threads in (1, 2)
    )
    assert (row["latency_p50_ms"], row["latency_all_ms"]) == (one["latency_p50_ms"], two["latency_p50_ms"])
    assert row["threads_all"] == 2 and row["batch_words"] == "any"


def test_a_path_that_fails_with_more_threads_keeps_its_numbers_and_says_so(tmp_path):
    folder = write_deployment(tmp_path, machines=(HERE,), few=FEW)
    path = folder / HERE / "deployment" / "matrix.csv"
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    where = (frame["path"] == "torch_eager") & (frame["threads"] == "2")
    frame.loc[where, ["status", "note"]] = ["failed", "died"]
    frame.to_csv(path, index=False)
    made = deployment.tables(deployment.read(folder))
    row = first(made["deployment_paths"].to_dict("records"), path="torch_eager", model="cnn_mnist")
    assert row["outcome"] == "failed, while it was measured, with 2 threads" and row["latency_p50_ms"] > 0
    counts = made["deployment_counts"].set_index("framework").loc["pytorch"]
    assert counts["failed"] >= 2


def test_every_path_and_model_is_counted_once(tables):
    counts = tables["deployment_counts"]
    for machine in (HERE, ELSEWHERE):
        own = counts[counts["machine"] == machine]
        total = own[["ok", "wrong", "expected", "failed", "unsupported", "skipped", "not_tried"]].to_numpy().sum()
        assert total == sum(len(path.models) for path in spec.discover().values())
        assert (own["tried"] <= total).all()


def test_an_empty_cell_of_the_page_says_in_words_why(tables, root):
    (entry,) = (t for t in load_page_tables(root / "analysis" / "page_tables.yaml") if t.id == "deployment_paths")
    frame = tables["deployment_paths"]
    shown = build_table(entry, frame[frame["machine"] == HERE], date(2026, 11, 26))
    place = [column.column for column in entry.columns].index("latency_p50_ms")
    states_seen = {row[place].text for row in shown["rows"] if row[place].state}
    assert {"not measured here", "failed, as expected", "wrong numbers", "not supported"} < states_seen
    assert any(text.startswith("failed: ") for text in states_seen)
    assert set(shown["legend"]) >= {"not measured here", "failed", "failed, as expected", "wrong numbers"}
    untried = build_table(entry, frame[frame["machine"] == ELSEWHERE], date(2026, 11, 26))
    assert "not tried" in {row[place].text for row in untried["rows"]}
    assert all(cell.text for made in (shown, untried) for row in made["rows"] for cell in row)


# -- ratios and the test -----------------------------------------------------------------------------------------------
def test_the_ratio_of_frameworks_through_one_runtime_is_the_planted_one(tables):
    rows = tables["deployment_ratios"]
    rows = rows[(rows["kind"] == runtimes.THROUGH) & (rows["runtime"] == "LiteRT") & (rows["machine"] == HERE)]
    pair = rows[(rows["first"] == "litert_torch") & (rows["second"] == "tf_litert")]
    assert len(pair) == 8, "two models, two batch sizes, two numbers of threads"
    assert (pair["ratio"] / TENSORFLOW - 1).abs().max() < 0.01
    assert (pair["low"] <= pair["ratio"]).all() and (pair["ratio"] <= pair["high"]).all()
    assert set(pair.loc[pair["threads"] == 1, "clock"]) == {"cpu"} and set(pair["rounds"]) == {8, 12}


def test_paths_of_different_clocks_are_compared_by_wall_time(tables):
    rows = tables["deployment_ratios"]
    pair = rows[(rows["runtime"] == "onnxruntime_web") & (rows["machine"] == HERE)]
    assert len(pair) and set(pair["clock"]) == {"wall"}


def test_quantised_paths_take_no_part(tables):
    quantised = {path.id for path in spec.discover().values() if path.quantized}
    rows = tables["deployment_ratios"]
    assert not quantised & ({*rows["first"]} | {*rows["second"]})


def test_effects_of_a_table_are_those_of_its_rows_and_columns():
    runtime = runtimes.effects(np.log([[1.0, 2.0, 4.0], [1.0, 2.0, 4.0]]))
    assert runtime["framework_factor"] == pytest.approx(1) and runtime["runtime_factor"] == pytest.approx(2 ** (4 / 3))
    assert np.isinf(runtime["quotient"]) and runtime["share_runtime"] == pytest.approx(1)
    framework = runtimes.effects(np.log([[1.0, 1.0], [3.0, 3.0]]))
    assert framework["framework_factor"] == pytest.approx(3) and framework["quotient"] == 0
    crossed = runtimes.effects(np.log([[1.0, 2.0], [2.0, 1.0]]))
    assert crossed["quotient"] == pytest.approx(1) and crossed["share_both"] == pytest.approx(1)
    many = runtimes.effects(np.zeros((2, 3, 5)))
    assert many["quotient"].shape == (5,) and (many["quotient"] == 1).all()


def test_the_verdict_goes_by_the_whole_interval(tables):
    factors = tables["deployment_factors"]
    good = factors[(factors["status"] == "ok") & (factors["machine"] == HERE)]
    assert len(good) == 16 and set(good["verdict"]) == {runtimes.MORE}
    assert (good["quotient_low"] > 1).all() and (good["share_runtime"] > good["share_framework"]).all()
    plain = good[(good["scope"] == "shared runtimes") & (good["model"] == "cnn_mnist")]
    assert set(plain["levels"]) == {"ONNX Runtime, LiteRT, OpenVINO"}
    assert (plain["framework_factor"] / TENSORFLOW - 1).abs().max() < 0.02


def test_with_fewer_than_two_runtimes_the_question_is_not_tested_and_says_so(tables):
    factors = tables["deployment_factors"]
    alone = factors[(factors["scope"] == "shared runtimes") & (factors["machine"] == ELSEWHERE)]
    assert set(alone["verdict"]) == {"not tested"} and set(alone["status"]) == {"not_tried"}
    assert alone["note"].str.startswith("only LiteRT ran from both frameworks").all()


def made_up(restarts, times, unit=1.0, shift=0.001):
    """Return what came of comparing made-up paths, ``{path: milliseconds}``.

    unit    factor of all times
    shift   spread of the restarts on the logarithmic scale, the same in all paths
    """
    matrix, rounds = _made_up(restarts, times, shift)
    rounds[["clock_ms", "wall_ms"]] *= unit
    return runtimes.compare(matrix, rounds)


def _made_up(restarts, times, shift):
    """Return matrix and rounds of made-up paths; their rounds differ by a tenth of a per cent."""
    known = spec.discover()
    rng = np.random.default_rng(1)
    matrix = pd.DataFrame(
        [
            {
                **{
                    "path": name,
                    "path_title": name,
                    "framework": known[name].framework,
                    "runtime": known[name].runtime,
                },
                **{"model": "m", "model_title": "M", "threads": 1, "status": "ok", "clock": "cpu", "quantized": "no"},
            }
            for name in times
        ]
    )
    rounds = pd.DataFrame(
        [
            {
                **{"path": name, "model": "m", "threads": 1, "batch_size": 1, "restart": restart, "round": number},
                **{"clock_ms": ms * np.exp(rng.normal(0, 0.001)), "wall_ms": float(ms)},
            }
            for restart in range(restarts)
            for number in range(4)
            for name, ms in times.items()
        ]
    )
    moved = np.exp(rng.normal(0, shift, restarts))[rounds["restart"]]
    rounds[["clock_ms", "wall_ms"]] *= moved[:, None]
    return matrix, rounds


def compared(restarts, times):
    """Return the factors of made-up paths through shared runtimes."""
    rows = made_up(restarts, times)["factors"]
    return next(row for row in rows if row["scope"] == "shared runtimes")


@pytest.mark.parametrize(
    ("restarts", "times", "verdict"),
    [
        (3, {"litert_torch": 1, "tf_litert": 1.02, "torch_openvino": 3, "keras_openvino": 3.1}, runtimes.MORE),
        (3, {"litert_torch": 1, "tf_litert": 3, "torch_openvino": 1.02, "keras_openvino": 3.1}, runtimes.LESS),
        (3, {"litert_torch": 1, "tf_litert": 1, "torch_openvino": 1, "keras_openvino": 1}, runtimes.OPEN),
        (1, {"litert_torch": 1, "tf_litert": 1.02, "torch_openvino": 3, "keras_openvino": 3.1}, runtimes.ALONE),
    ],
)
def test_either_answer_is_found_where_it_is_planted(restarts, times, verdict):
    assert compared(restarts, times)["verdict"] == verdict


def test_intervals_do_not_depend_on_the_unit_of_time():
    times = {"litert_torch": 1, "tf_litert": 1.3, "torch_openvino": 3, "keras_openvino": 3.1}
    ms, us = (made_up(3, times, unit, shift=0.2) for unit in (1.0, 1000.0))
    for one, other in zip(ms["levels"], us["levels"], strict=True):
        assert [1000 * one[name] for name in ("ms", "low", "high")] == pytest.approx(
            [other[name] for name in ("ms", "low", "high")]
        )
        assert one["low"] < one["ms"] < one["high"] < 10 * one["ms"]
    for one, other in zip(ms["factors"], us["factors"], strict=True):
        for name in ("framework_factor", "runtime_factor", "quotient"):
            assert [one.get(name + end) for end in ("", "_low", "_high")] == pytest.approx(
                [other.get(name + end) for end in ("", "_low", "_high")]
            )


def test_only_rounds_in_which_every_path_ran_are_compared(tmp_path):
    folder = write_deployment(tmp_path, machines=(HERE,), few=FEW)
    path = folder / HERE / "deployment" / "rounds.csv"
    frame = pd.read_csv(path)
    gone = (frame["path"] == "tf_litert") & (frame["restart"] == 0) & (frame["threads"] == 1)
    frame[~gone].to_csv(path, index=False)
    rows = deployment.tables(deployment.read(folder))["deployment_ratios"]
    pair = rows[(rows["second"] == "tf_litert") & (rows["first"] == "litert_torch") & (rows["threads"] == 1)]
    assert set(pair["rounds"]) == {8} and set(pair["restarts"]) == {2}


def test_the_same_measurements_give_the_same_tables(measurements):
    made = [deployment.tables(deployment.read(measurements)) for _ in range(2)]
    for name in made[0]:
        pd.testing.assert_frame_equal(made[0][name], made[1][name])


# -- servers, states, environments -------------------------------------------------------------------------------------
def test_a_server_is_told_by_the_rates_that_it_kept_up_with(tables):
    rows = tables["deployment_servers"].to_dict("records")
    row = first(rows, server="litserve_pytorch", model="cnn_mnist")
    assert (row["lowest_rate"], row["kept_rate"], row["saturated_rate"]) == (25, 200, 400)
    assert row["unanswered"] == 480 and row["low_p50_low_ms"] < row["low_p50_ms"] < row["low_p50_high_ms"]
    failed = first(rows, server="ray_serve_onnx", model="bert_encoder")
    assert failed["outcome"] == "failed, at its start" and failed["note"] == HOSTILE and pd.isna(failed["kept_rate"])
    skipped = first(rows, server="tensorflow_serving", model="cnn_mnist")
    assert skipped["outcome"] == "not measured here" and "get it:" in skipped["note"]


def test_every_tool_that_is_used_has_a_state_with_day_and_source(tables):
    found = tables["deployment_states"]
    used = {path.tool for path in spec.discover().values()}
    used |= {module.SERVER.tool for module in servers.discover().values()}
    assert used <= set(found["tool"])
    assert found["looked"].map(contributions._is_date).all() and (found["source"].str.len() > 0).all()
    assert (found["why"].str.len() > 0).all() and set(found["state"]) <= set(states.STATES)


def test_every_extra_environment_stands_with_what_it_takes_and_what_needs_it(tables):
    found = tables["deployment_environments"].set_index("environment")
    assert list(found.index) == list(environments.load())
    assert (found["mib"] > 0).all() and (found["seconds"] > 0).all() and (found["used_by"].str.len() > 0).all()


# -- the checks --------------------------------------------------------------------------------------------------------
def test_what_is_whole_is_counted(measurements, capsys):
    count = sum(contributions.check_deployment(folder) for folder in contributions.sets(measurements))
    assert count > 2_000
    assert cli.main(["check-measurements", str(measurements)]) == 0
    assert f"{count:,} of deployment, 0 of upkeep, nothing to complain about" in capsys.readouterr().out


def test_a_machine_without_deployment_and_one_that_was_cut_off_have_no_rows(tmp_path):
    assert contributions.check_deployment(tmp_path) == 0
    (tmp_path / "deployment" / "unfinished").mkdir(parents=True)
    assert contributions.check_deployment(tmp_path) == 0


def good(rows):
    return first(rows, status="ok")


FAULTS = {
    "status": ("matrix", lambda rows: rows[0].update(status="fine"), "status: 'fine' is not one of"),
    "machine": ("matrix", lambda rows: rows[0].update(machine="another"), "machine: 'another' is not this one"),
    "future": ("matrix", lambda rows: rows[0].update(date="2099-01-01"), "date: 2099-01-01 lies in the future"),
    "day": ("matrix", lambda rows: rows[0].update(date="2026-02-31"), "date: '2026-02-31' is no date"),
    "twice": ("matrix", lambda rows: rows.append(dict(rows[0])), "path: stands twice"),
    "reason": ("matrix", lambda rows: good(rows).update(status="failed"), "note: empty, although failed needs its"),
    "latency": ("matrix", lambda rows: good(rows).update(latency_p50_ms=""), "latency_p50_ms: empty, although the"),
    "interval": (
        "matrix",
        lambda rows: good(rows).update(latency_p50_low_ms="9999"),
        "latency_p50_low_ms: .* are not in this order",
    ),
    "change": ("matrix", lambda rows: good(rows).update(accuracy="0.5"), "accuracy_change: is not accuracy less"),
    "logits": (
        "matrix",
        lambda rows: first(rows, status="ok", quantized="false").update(max_logit_difference="0.5"),
        "status: ok, although a logit is 0.5 off",
    ),
    "memory": ("matrix", lambda rows: good(rows).update(peak_memory_mib="9e6"), "peak_memory_mib: exceeds the"),
    "path": ("matrix", lambda rows: rows[0].update(note="in /home/somebody/x.py"), "note: holds the path"),
    "report": (
        "matrix",
        lambda rows: rows[0].update(report_url="javascript:alert(1)"),
        "report_url: .* does not match",
    ),
    "alone": (
        "rounds",
        lambda rows: rows.__setitem__(slice(None), [row for row in rows if row["path"] != "torch_eager"]),
        "path: torch_eager has no round",
    ),
    "stray": ("rounds", lambda rows: rows[0].update(path="nothing"), "path: nothing has no such row in matrix.csv"),
    "again": ("rounds", lambda rows: rows.append(dict(rows[0])), "path: stands twice"),
    "clock": (
        "rounds",
        lambda rows: first(rows, path="torch_eager", threads="1").update(clock_ms="999"),
        "clock_ms: 999 ms of CPU do not fit",
    ),
    "zero": ("rounds", lambda rows: rows[0].update(wall_ms="0"), "wall_ms: 0 is less than or equal to the minimum"),
    "sum": ("serving", lambda rows: good(rows).update(errors="7"), "sent: is not answered, errors and rejected"),
    "order": ("serving", lambda rows: good(rows).update(latency_p99_ms="0.1"), "latency_p50_ms: .* are not in this"),
    "rate": ("serving", lambda rows: good(rows).update(achieved_per_s=""), "achieved_per_s: empty at a rate that"),
    "never": ("serving", lambda rows: good(rows).update(rate_per_s=""), "rate_per_s: empty, although the server is ok"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_plausible_is_named_with_file_row_field_and_remedy(edited, name):
    table, change, message = FAULTS[name]
    wanted = rf"deployment/(matrix|{table})\.csv: row \d+: {message}"
    with pytest.raises(SurveyError, match=wanted) as caught:
        edited(table, change)
    assert all(";" in line for line in str(caught.value).split("\n") if not line.startswith("and "))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda own: (own / "rounds.csv").unlink(), "deployment/rounds.csv: missing, and matrix.csv"),
        (lambda own: (own / "diary.txt").write_text("x"), "deployment/diary.txt: not part of deployment; remove it"),
        (lambda own: (own / "environment.json").write_text("{}"), "deployment/environment.json: .*missing; add it"),
        (lambda own: (own.parent / "machine.json").unlink(), "machine.json: cannot be read"),
        (lambda own: own.parent.rename(own.parent.with_name("renamed-2c")), "machine.json: machine: .* rename the"),
    ],
)
def test_a_broken_folder_says_what_to_do(tmp_path, change, message):
    change(write_deployment(tmp_path, machines=(HERE,), few=FEW) / HERE / "deployment")
    with pytest.raises(SurveyError, match=message):
        deployment.read(tmp_path)


def test_notes_leave_without_paths_and_names(monkeypatch):
    monkeypatch.setattr(contributions, "_names", lambda: ("gandalf",))
    (row,) = contributions.tidied([{"path": "a", "note": "failed in /home/gandalf/src/model.py on gandalf"}])
    assert row == {"path": "a", "note": "failed in …/model.py on <name>"}
    assert contributions.tidied([{"path": "a"}]) == [{"path": "a", "note": ""}]


# -- the page ----------------------------------------------------------------------------------------------------------
def test_every_path_and_server_is_unfolded_with_its_reasons(tables):
    shown = deployment_page.context(tables)
    assert [entry["id"] for entry in shown["paths"]] == list(spec.discover())
    assert {entry["id"] for entry in shown["servers"]} == set(servers.discover())
    entry = next(entry for entry in shown["paths"] if entry["id"] == "tf_tf2onnx")
    assert entry["expected"][0]["url"].startswith("https://") and entry["tool"]["looked"]
    assert any(line["url"] == entry["expected"][0]["url"] for line in entry["lines"])
    assert "failed, as expected, at loading with the text transformer" in entry["summary"]


def test_threads_that_ended_alike_share_a_line(tables):
    entry = next(entry for entry in deployment_page.context(tables)["paths"] if entry["id"] == "torch_eager")
    assert [line["threads"] for line in entry["lines"]] == [["1", "2"], ["1", "2"]]
    assert entry["lines"][0]["measured"] == [f"{HERE}, 2026-11-26", f"{ELSEWHERE}, 2026-11-26"]


def test_without_measurements_the_page_says_which_command_brings_them(tmp_path, root):
    from analysis.drawing import draw_all
    from analysis.figures import discover
    from analysis.report import render

    deployment.write_tables(tmp_path / "none", tmp_path / "tables")
    draw_all(
        tmp_path / "tables",
        tmp_path / "figures",
        only=[name for name, module in discover().items() if module.SECTION == "deployment"],
    )
    page = render(
        tmp_path / "tables",
        tmp_path / "figures",
        None,
        tmp_path / "report" / "index.html",
        built="2026-11-26",
        preset="quick",
        template_dir=root / "workflow" / "report",
    ).read_text("utf-8")
    section = page[page.index('<section id="deployment"') : page.index('<section id="usability"')]
    assert "No deployment path has been tried on a machine yet" in section
    assert "No server has been under load on a machine yet" in section
    assert section.count("holds no row yet") >= 5 and section.count(deployment.COMMAND) >= 7
    assert "TorchServe" in section, "states and environments need no machine"
