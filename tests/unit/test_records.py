"""Pages to parts, the newest state of a paper, papers by month."""

import errno
from dataclasses import dataclass
from pathlib import Path

import polars
import pytest

from analysis.harvesting import records
from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import RECORD_COLUMNS, oai
from reproductions.errors import SurveyError

PROTOCOLS = Path(__file__).parents[1] / "fixtures" / "protocols" / "oai_pmh"
PAGES = [PROTOCOLS / f"ListRecords_arXiv_{name}.xml" for name in ("p1", "p2", "p3_last_no_token")]


@dataclass
class Made:
    """A page of made-up records."""

    records: list


def paper(name, **fields):
    row = dict.fromkeys(RECORD_COLUMNS, "") | {"arxiv_id": name, "created": "2024-01-05", "deleted": False}
    return row | fields


def ingest(folder, *pages, rows_per_part=20_000):
    return records.ingest(pages, lambda rows: Made(rows), folder, rows_per_part)


def test_pages_become_parts_and_nothing_is_lost(tmp_path):
    pages = [PAGES[0].read_bytes(), PAGES[1].read_bytes, PAGES[2].read_bytes]
    assert records.ingest(pages, oai.parse, tmp_path, rows_per_part=6) == 11
    found = records.parts(tmp_path)
    assert [path.name for path in found] == ["part-00000.parquet", "part-00001.parquet"]
    table = polars.read_parquet(found)
    expected = [record for page in PAGES for record in oai.parse(page.read_bytes()).records]
    assert table.schema == polars.Schema(records.RECORD_SCHEMA)
    assert table.to_dicts() == expected
    assert "2401.90010" in table["arxiv_id"]


def test_parts_that_exist_are_not_touched(tmp_path):
    ingest(tmp_path, [paper("2401.90001")])
    before = records.parts(tmp_path)[0].read_bytes()
    ingest(tmp_path, [paper("2401.90002")])
    assert len(records.parts(tmp_path)) == 2
    assert records.parts(tmp_path)[0].read_bytes() == before


def test_a_bad_page_leaves_the_parts_before_it(tmp_path):
    pages = [PAGES[0].read_bytes(), PAGES[1].read_bytes()[:900]]
    with pytest.raises(Violation):
        records.ingest(pages, oai.parse, tmp_path, rows_per_part=2)
    assert polars.read_parquet(records.parts(tmp_path)).height == 4
    assert [path.name for path in tmp_path.iterdir()] == ["part-00000.parquet"]


def test_a_full_disk_leaves_no_half_part(tmp_path, monkeypatch):
    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("reproductions.files.os.fsync", full)
    with pytest.raises(SurveyError, match="no space"):
        ingest(tmp_path, [paper("2401.90001")])
    assert list(tmp_path.iterdir()) == []


def test_the_newest_state_of_a_paper_wins_whatever_the_order(tmp_path):
    old, new = {"datestamp": "2024-02-01", "title": "old"}, {"datestamp": "2024-03-01", "title": "new"}
    ingest(tmp_path, [paper("2401.90001", **new), paper("2401.90002", **old)])
    ingest(tmp_path, [paper("2401.90001", **old), paper("2401.90002", **new)])
    table = records.latest(tmp_path).collect().sort("arxiv_id")
    assert table["title"].to_list() == ["new", "new"]
    assert table.columns == list(RECORD_COLUMNS)


def test_among_equal_dates_the_higher_version_wins_and_then_the_later_row(tmp_path):
    same = {"updated": "2024-02-01"}
    ingest(tmp_path, [paper("2401.90001", version="v10", title="ten", **same), paper("2401.90002", title="a", **same)])
    ingest(tmp_path, [paper("2401.90001", version="v9", title="nine", **same), paper("2401.90002", title="b", **same)])
    assert dict(records.latest(tmp_path).select("arxiv_id", "title").collect().rows()) == {
        "2401.90001": "ten",
        "2401.90002": "b",
    }


def test_a_paper_is_found_newest_also_where_rows_are_looked_at_in_shares(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "ROWS_AT_ONCE", 7)
    names = [f"2401.{90000 + n}" for n in range(40)]
    for day in ("2024-02-01", "2024-02-03", "2024-02-02"):
        ingest(tmp_path, [paper(name, datestamp=day, title=day) for name in names], rows_per_part=15)
    table = records.latest(tmp_path).collect()
    assert sorted(table["arxiv_id"]) == names
    assert set(table["title"]) == {"2024-02-03"}


def test_a_deleted_paper_leaves_and_can_come_back(tmp_path):
    ingest(
        tmp_path,
        [paper("2401.90001", datestamp="2024-02-01"), paper("2401.90002", datestamp="2024-02-01")],
        [paper("2401.90001", datestamp="2024-03-01", deleted=True)],
    )
    assert records.latest(tmp_path).collect()["arxiv_id"].to_list() == ["2401.90002"]
    ingest(tmp_path, [paper("2401.90001", datestamp="2024-04-01")])
    assert records.latest(tmp_path).collect().height == 2


def test_pages_ingested_again_change_nothing(tmp_path):
    pages = [page.read_bytes() for page in PAGES]
    records.ingest(pages, oai.parse, tmp_path)
    once = records.latest(tmp_path).collect().sort("arxiv_id")
    records.ingest(pages, oai.parse, tmp_path)
    assert records.latest(tmp_path).collect().sort("arxiv_id").equals(once)
    assert once.height == 10


def test_an_empty_folder_names_the_remedy(tmp_path):
    with pytest.raises(SurveyError, match="fetch"):
        records.latest(tmp_path)


def test_months_count_a_paper_once_among_the_chosen_categories(tmp_path):
    frame = polars.DataFrame(
        [
            paper("2401.90001", categories="cs.LG cs.CV", primary_category="cs.LG"),
            paper("2401.90002", categories="math.DG cs.LG", primary_category="math.DG"),
            paper("2401.90003", categories="cs.LGX q-bio", primary_category="cs.LGX"),
            paper("2402.90001", categories="cs.CV", primary_category="cs.CV", created="2024-02-01"),
        ],
        schema=records.RECORD_SCHEMA,
    )
    assert records.months(frame, ["cs.LG", "cs.CV"]).rows() == [
        ("2024-01", "(any chosen)", 1, 2),
        ("2024-01", "cs.CV", 0, 1),
        ("2024-01", "cs.LG", 1, 2),
        ("2024-02", "(any chosen)", 1, 1),
        ("2024-02", "cs.CV", 1, 1),
        ("2024-02", "cs.LG", 0, 0),
    ]
