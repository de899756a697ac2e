"""The command that plants faults: resumption, rows of other faults, the report; no framework is started."""

import argparse
import json

import pytest
import yaml

from reproductions.usability.faults import catalogue, commands, measuring
from reproductions.usability.programs import read


@pytest.fixture
def plant(tmp_path, monkeypatch, lock):
    """Return a function that runs the command with programs that all stay silent, and what was run each time."""
    played = []

    def run(*arguments, stop_after=None):
        def measure(faults, *, cells, done, skip, **_):
            played.append([])
            for fault in faults:
                for cell in (cell for cell in fault.cells() if cell in cells and not skip(fault.id, cell)):
                    if len(played[-1]) == stop_after:
                        raise KeyboardInterrupt
                    played[-1].append((fault.id, cell))
                    done(measuring._blank(fault, cell) | {"status": "ran", "noticed": "silent", "stage": "never"})

        monkeypatch.setattr(commands, "measure", measure)
        parser = argparse.ArgumentParser()
        commands.add_options(parser)
        report = tmp_path / "report.json"
        options = ["--out", str(tmp_path / "out"), "--report", str(report), *arguments]
        assert commands.run(parser.parse_args(options)) == 0
        return read(tmp_path / "out" / commands.TABLE), json.loads(report.read_text())

    run.played = played
    return run


def test_a_killed_run_goes_on_and_nothing_is_run_twice(plant, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        plant("log_of_zero", stop_after=2)
    assert not (tmp_path / "report.json").exists()
    rows, report = plant("log_of_zero")
    assert [len(cells) for cells in plant.played] == [2, 4]
    assert len(rows) == 6 and report["rows"] == {"ran": 6}
    assert not (tmp_path / "out" / "unfinished" / "usability_faults.jsonl").exists()


def test_what_a_quick_run_left_is_not_taken_for_a_full_one(plant):
    with pytest.raises(KeyboardInterrupt):
        plant("log_of_zero", "--quick", stop_after=2)
    plant("log_of_zero")
    assert [len(cells) for cells in plant.played] == [2, 6]


def test_rows_of_other_faults_and_modes_stay(plant):
    plant("log_of_zero", "wrong_device")
    rows, _ = plant("log_of_zero", "--mode", "keras-fit")
    assert len(plant.played[1]) == 1
    assert len(rows) == 12
    assert [row["fault"] for row in rows] == sorted(row["fault"] for row in rows)
    assert {row["mode"] for row in rows if row["status"] == "not_applicable"} == {"xla", "fit"}


def test_the_schema_has_the_columns_of_the_table(root):
    schema = yaml.safe_load((root / "workflow/schemas/usability_faults.schema.yaml").read_text())
    assert tuple(schema["properties"]) == measuring.COLUMNS
    assert schema["properties"]["kind"]["enum"] == list(catalogue.KINDS)
