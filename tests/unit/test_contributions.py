"""What leaves a machine is whole, plausible and names nobody; what is dropped in is checked each time it is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
import yaml

from analysis.measured_sets import landed_sets
from reproductions import __main__ as cli
from reproductions import contributions, harness
from reproductions.errors import SurveyError
from tests.measured_fixtures import reference_rows, rows, write_results

MACHINE = "example-cpu-2c-abc123"


@pytest.fixture
def results(tmp_path):
    return write_results(tmp_path / "results", rows(workloads=("cnn_mnist",), sweep=False, rounds=2))


@pytest.fixture
def landed(results, tmp_path):
    return contributions.export(results, tmp_path / "measurements")


def edit(folder, change, name="cnn_mnist"):
    path = folder / "performance" / f"{name}.csv"
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    change(table)
    table.to_csv(path, index=False)


def test_an_export_is_a_set_that_reads_like_the_run(landed, results):
    assert landed.name == MACHINE
    (found,) = landed_sets(landed.parent)
    own = pd.read_csv(results / "measurements" / "cnn_mnist.csv")
    assert len(found.rows) == len(own) and set(found.rows["origin"]) == {"contributed"} and found.machine == MACHINE
    about = json.loads((landed / "environment.json").read_text())
    assert about["versions"]["pytorch"] == ["2.13.0"] and set(about["profiles"]) == {"as_shipped", "tuned"}
    assert sorted(path.name for path in landed.iterdir()) == sorted(
        ["accuracy", "datasets", "environment.json", "machine.json", "parity", "performance"]
    )


def test_the_schema_knows_every_column_that_is_measured():
    schema = yaml.safe_load((contributions.SCHEMAS / "measurements.schema.yaml").read_text())
    assert set(harness.COLUMNS) <= set(schema["properties"])


def test_an_existing_set_is_replaced_only_on_demand(landed, results):
    with pytest.raises(SurveyError, match="exists already; give --replace"):
        contributions.export(results, landed.parent)
    contributions.export(results, landed.parent, origin="landed", replace=True)
    assert landed_sets(landed.parent)[0].origin == "landed"
    assert [path.name for path in landed.parent.iterdir()] == [MACHINE], "nothing half-made stays"


def test_an_export_that_is_not_plausible_leaves_the_old_one(landed, results):
    table = pd.read_csv(results / "measurements" / "cnn_mnist.csv")
    table.loc[table["kind"] == "block", "wall_ms"] = -1
    table.to_csv(results / "measurements" / "cnn_mnist.csv", index=False)
    with pytest.raises(SurveyError, match="wall_ms"):
        contributions.export(results, landed.parent, replace=True)
    assert contributions.check(landed) > 0
    assert [path.name for path in landed.parent.iterdir()] == [MACHINE]


def test_paths_and_names_in_notes_are_taken_out(results, tmp_path, monkeypatch):
    monkeypatch.setattr(contributions, "_names", lambda: ("gandalf",))
    path = results / "measurements" / "cnn_mnist.csv"
    table = pd.read_csv(path)
    table["note"] = table["note"].astype(object)
    table.loc[0, "note"] = "failed in /home/gandalf/src/model.py, line 3, on gandalf"
    table.to_csv(path, index=False)
    made = contributions.export(results, tmp_path / "out")
    text = (made / "performance" / "cnn_mnist.csv").read_text()
    assert "gandalf" not in text and "/home" not in text and "failed in …/model.py, line 3, on <name>" in text


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("see /usr/lib/python3/site.py: no", "see …/site.py: no"),
        ("C:\\Users\\me\\x.py failed", "…/x.py failed"),
        ("open ~/secret/file", "open …/file"),
        ("https://doi.org/10.1/x and tokens/s and pytorch-eager / tensorflow-xla", None),
        ("file:///home/me/x", "…/x"),
    ],
)
def test_only_absolute_paths_are_cut(text, left):
    assert contributions.redact(text) == (left or text)


def today(days):
    return (datetime.now(UTC).date() + timedelta(days=days)).isoformat()


def block(table):
    return table.index[table["kind"] == "block"][0]


FAULTS = {
    "time": (lambda t: t.__setitem__("wall_ms", t["wall_ms"].mask(t.index == block(t), "-3")), "wall_ms: -3 "),
    "cpu": (lambda t: t.__setitem__("cpu_ms", t["cpu_ms"].mask(t.index == block(t), "5000")), "cpu_ms: 5000 ms of CPU"),
    "version": (lambda t: t.__setitem__("version", ""), "version: missing"),
    "date": (lambda t: t.__setitem__("date", today(3)), "date: .* lies in the future"),
    "machine": (lambda t: t.__setitem__("machine", "another-1c-ffffff"), f"machine: .* is not '{MACHINE}'"),
    "workload": (lambda t: t.__setitem__("workload", "gru_text"), "workload: .* is not 'cnn_mnist'"),
    "mode": (lambda t: t.__setitem__("mode", t["mode"].replace("xla", "compile")), "mode: .* no mode of tensorflow"),
    "status": (lambda t: t.__setitem__("status", "fine"), "status: 'fine' is not one of"),
    "path": (lambda t: t.__setitem__("note", "in /home/somebody/x.py"), "note: holds the path '/home/somebody/x.py'"),
    "mail": (lambda t: t.__setitem__("note", "ask me@example.org"), "note: holds the address"),
    "text": (lambda t: t.__setitem__("steps", "four"), "steps: 'four' is not of type"),
    "twice": (lambda t: t.__setitem__("round", t["round"].replace("1.0", "0.0")), "round: the same block stands twice"),
    "pairs": (
        lambda t: t.__setitem__("session", t["session"].where(t["framework"] != "pytorch", "other")),
        "session: no block of one framework ran in a round of the other",
    ),
    "memory": (
        lambda t: t.__setitem__("peak_host_mib", t["peak_host_mib"].mask(t["kind"] == "memory", "900000")),
        "peak_host_mib: 900000 exceeds the machine's memory",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_not_plausible_is_named_with_file_row_field_and_remedy(landed, name):
    change, message = FAULTS[name]
    edit(landed, change)
    with pytest.raises(SurveyError, match=rf"performance/cnn_mnist\.csv: row \d+: {message}") as caught:
        contributions.check(landed)
    assert all(";" in line for line in str(caught.value).split("\n") if not line.startswith("and "))


def test_a_renamed_folder_is_noticed(landed):
    other = landed.rename(landed.with_name("other-2c-000000"))
    with pytest.raises(SurveyError, match=r"machine\.json: machine: .* is not the name of its folder"):
        contributions.check(other)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "machine.json").unlink(), "machine.json: missing"),
        (lambda folder: (folder / "diary.txt").write_text("x"), "diary.txt: not part of a set; remove it"),
        (lambda folder: (folder / "performance" / "cnn_mnist.csv").unlink(), "performance: holds no rows"),
        (lambda folder: (folder / "parity" / "cnn_mnist.json").write_text("{"), "parity/cnn_mnist.json: not JSON"),
        (
            lambda folder: (folder / "machine.json").write_text(
                json.dumps(json.loads((folder / "machine.json").read_text()) | {"hostname": "x"})
            ),
            "machine.json: .*hostname",
        ),
    ],
)
def test_a_broken_folder_says_what_to_do(landed, change, message):
    change(landed)
    with pytest.raises(SurveyError, match=message):
        contributions.check(landed)


def test_missing_columns_are_named_not_crashed_on(landed):
    path = landed / "performance" / "cnn_mnist.csv"
    table = pd.read_csv(path, dtype=str)
    table.drop(columns=["framework", "round"]).to_csv(path, index=False)
    with pytest.raises(SurveyError, match=r"row 1: framework: column missing"):
        contributions.check(landed)
    table.drop(columns=["round"]).to_csv(path, index=False)
    with pytest.raises(SurveyError, match="round: column missing, so no block can be paired"):
        contributions.check(landed)


def test_commands_say_what_they_did(results, tmp_path, capsys):
    assert cli.main(["export", "--results", str(results), "--out", str(tmp_path / "m")]) == 0
    assert cli.main(["check-measurements", str(tmp_path / "m")]) == 0
    assert "1 set, " in capsys.readouterr().out
    assert cli.main(["export", "--results", str(results), "--out", str(tmp_path / "m")]) == 2
    assert cli.main(["check-measurements", str(tmp_path / "nothing" / "here")]) == 0, "no set is no fault"
    assert "there is no such folder" in capsys.readouterr().out


def test_a_place_that_cannot_be_written_is_named(results, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SurveyError, match="file/m: cannot be written"):
        contributions.export(results, tmp_path / "file" / "m")


def test_what_usability_left_of_the_same_machine_stays_when_a_set_is_exported(results, tmp_path):
    folder = tmp_path / "measurements" / MACHINE
    folder.mkdir(parents=True)
    (folder / "machine.json").write_text(json.dumps({"machine": MACHINE}))
    (folder / "usability_programs.csv").write_text("machine\n")
    (folder / "unfinished").mkdir()
    assert landed_sets(folder.parent) == [], "usability alone is no set of timed rows"
    for replace in (False, True):
        contributions.export(results, folder.parent, replace=replace)
        assert (folder / "usability_programs.csv").exists() and len(landed_sets(folder.parent)) == 1


def test_rows_against_the_ecosystem_travel_and_are_checked(results, tmp_path):
    reference_rows().to_csv(results / "reference.csv", index=False)
    landed = contributions.export(results, tmp_path / "measurements")
    assert len(landed_sets(landed.parent)[0].reference) == 3
    reference_rows(machine="another").to_csv(landed / "reference.csv", index=False)
    with pytest.raises(SurveyError, match=r"reference.csv: row 2: machine: 'another' is not this one"):
        contributions.check(landed)


def test_one_set_is_checked_without_its_neighbours(landed, capsys):
    neighbour = landed.parent / "another"
    neighbour.mkdir()
    (neighbour / "usability_programs.csv").write_text("nonsense\n1\n")
    assert cli.main(["check-measurements", str(landed)]) == 0
    assert cli.main(["check-measurements", str(landed.parent)]) == 2


def test_upkeep_of_a_machine_is_checked_as_well(landed, capsys):
    (landed / "upkeep_builds.csv").write_text("maschine,date\nx,2026-11-27\n")
    assert cli.main(["check-measurements", str(landed)]) == 2
    assert 'upkeep_builds.csv: row 1: column "maschine" is not known' in capsys.readouterr().err


def test_numbers_beside_words_are_checked_as_both(landed):
    schema = {"properties": {"workers": {"anyOf": [{"type": "integer"}, {"const": "auto"}]}}, "required": []}
    good = pd.DataFrame({"workers": ["0", "2", "auto"]})
    assert list(contributions._column_faults(good, schema)) == []
    (fault,) = contributions._column_faults(pd.DataFrame({"workers": ["0", "many"]}), schema)
    assert fault[:2] == (3, "workers")


def test_a_table_beside_the_rows_without_its_columns_is_named(landed):
    (landed / "pipelines.csv").write_text("framework\npytorch\n")
    with pytest.raises(SurveyError, match=r"pipelines.csv: row 1: machine: column missing"):
        contributions.check(landed)
