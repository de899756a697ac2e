import json
import os
from pathlib import Path

import pytest

from reproductions.errors import SurveyError
from reproductions.files import write_csv, write_json, write_text
from reproductions.journal import Journal


def test_written_file_is_whole_and_nothing_lies_beside_it(tmp_path):
    write_json(tmp_path / "a" / "card.json", {"b": 1})
    assert json.loads((tmp_path / "a" / "card.json").read_text()) == {"b": 1}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["card.json"]


def test_failed_write_leaves_the_old_file_and_names_the_remedy(tmp_path, monkeypatch):
    target = tmp_path / "table.csv"
    write_text(target, "old")
    monkeypatch.setattr(os, "fsync", lambda handle: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(
        SurveyError, match=r"table\.csv: no space left to write it; free some disk and run the same command"
    ):
        write_text(target, "new")
    assert target.read_text() == "old" and [path.name for path in tmp_path.iterdir()] == ["table.csv"]


def test_unknown_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="not in fieldnames"):
        write_csv(tmp_path / "a.csv", ["x"], [{"x": 1, "y": 2}])


def test_journal_keeps_rows_over_a_restart(tmp_path):
    journal = Journal(tmp_path / "j.jsonl")
    journal.add({"n": 1})
    journal.add({"n": 2})
    assert Journal(tmp_path / "j.jsonl").rows == [{"n": 1}, {"n": 2}]


@pytest.mark.parametrize("torn", [b'{"n": 3', b'{"n": 3}', b"\xff\xfe\n", b'{"n"\n{"n": 4}\n'])
def test_line_torn_by_a_kill_is_dropped_and_the_next_one_is_whole(tmp_path, torn):
    path = tmp_path / "j.jsonl"
    Journal(path).add({"n": 1})
    with path.open("ab") as handle:
        handle.write(torn)
    journal = Journal(path)
    assert journal.rows == [{"n": 1}]
    journal.add({"n": 5})
    assert Journal(path).rows == [{"n": 1}, {"n": 5}]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_full_disk_is_said_with_its_remedy(tmp_path):
    path = tmp_path / "j.jsonl"
    path.symlink_to("/dev/full")
    journal = Journal.__new__(Journal)
    journal.path, journal.rows = path, []
    with pytest.raises(SurveyError, match="no space left to write it; free some disk"):
        journal.add({"n": 1})
    assert journal.rows == [], "a row that is not on disk is not finished"
