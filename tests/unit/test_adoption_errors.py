"""Faulty adoption data end in a message that says file, row, field and remedy."""

import csv
from pathlib import Path

import pytest

from analysis.adoption import AdoptionDataError, read_figures, read_quotes, write_tables

ROOT = Path(__file__).parents[2]
DATA, SCHEMAS = ROOT / "data", ROOT / "workflow" / "schemas"

FIGURES = [["indicator", "period", "stratum", "framework", "count", "total", "source"]] + [
    ["conference_papers", "2019-06", venue, framework, "200", "250", "he_2019"]
    for venue in ("A", "B", "C")
    for framework in ("pytorch", "tensorflow")
]


@pytest.fixture
def fault(tmp_path):
    """Return the message for the figures with some cells of row 7 (as in a spreadsheet) changed."""

    def fault(**cells):
        rows = [list(row) for row in FIGURES]
        for name, value in cells.items():
            rows[6][FIGURES[0].index(name)] = value
        return message(tmp_path, rows)

    return fault


def message(folder, rows):
    path = folder / "adoption_figures.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(AdoptionDataError) as caught:
        read_figures(path, DATA / "adoption_sources.csv", SCHEMAS)
    return str(caught.value).replace(str(folder), "data")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"count": "300"}, "count 300 exceeds total 250; fix the row or remove it"),
        ({"count": "-3"}, "count -3 is below 0; fix the row or remove it"),
        ({"count": "many"}, 'count "many" is not a whole number; fix the row or remove it'),
        ({"count": "2.5"}, 'count "2.5" is not a whole number; fix the row or remove it'),
        ({"count": ""}, "count is empty; fix the row or remove it"),
        ({"total": "all"}, 'total "all" is not a whole number; fix the row or remove it'),
        ({"stratum": ""}, "stratum is empty; fix the row or remove it"),
        (
            {"framework": "tensorfow"},
            'framework "tensorfow" is not known; did you mean "tensorflow"?; fix the row or remove it',
        ),
        (
            {"period": "June 2019"},
            'period "June 2019" is not a period; write it like 2019, 2020Q1, 2019-06, 2019-06-14',
        ),
        (
            {"period": "2019-13"},
            'period "2019-13" does not exist (month must be in 1..12); fix the row or remove it',
        ),
        (
            {"period": "2019"},
            'period "2019" is a year, but conference_papers counts by month; write it like 2019-06',
        ),
        (
            {"period": "2023-06"},
            'period "2023-06" lies outside 2015-06/2022-05, the span of source he_2019; fix the row or remove it',
        ),
        ({"source": "he_2020"}, 'source "he_2020" is not known; did you mean "he_2019"?; fix the row or remove it'),
        (
            {"indicator": "conference_paper"},
            'indicator "conference_paper" is not known; did you mean "conference_papers"?; '
            "or define it in analysis/indicators.yaml",
        ),
        (
            {"indicator": "hiring_posts"},
            'indicator "hiring_posts" is not what source he_2019 counts (conference_papers); fix the row or remove it',
        ),
        (
            {"framework": "pytorch"},
            "repeats row 6 (same indicator, period, stratum, framework, source); keep one of the two",
        ),
    ],
    ids=lambda value: "-".join(value.values()) if isinstance(value, dict) else "",
)
def test_a_faulty_row_is_named_with_its_field_and_remedy(fault, cells, words):
    reported = fault(**cells)
    found = reported.removeprefix("data/adoption_figures.csv: row 7: ")
    # Python versions word the impossible month differently.
    assert found.startswith(words.split(" (month")[0]) if "(month" in words else found == words


def test_all_faults_are_reported_together_and_twenty_written_out(tmp_path):
    rows = FIGURES[:1] + [
        ["conference_papers", "2019-06", f"venue {i}", "pytorch", "9", "8", "he_2019"] for i in range(30)
    ]
    lines = message(tmp_path, rows).splitlines()
    assert len(lines) == 21
    assert lines[0] == "data/adoption_figures.csv: row 2: count 9 exceeds total 8; fix the row or remove it"
    assert lines[-1] == "and 10 more"


def test_a_misspelt_column_is_named(tmp_path):
    rows = [list(row) for row in FIGURES]
    rows[0][5] = "totals"
    assert message(tmp_path, rows).splitlines() == [
        'data/adoption_figures.csv: row 1: column "total" is missing; add it',
        'data/adoption_figures.csv: row 1: column "totals" is not known; did you mean "total"?; '
        "rename the column or remove it",
    ]


def test_a_row_with_a_comma_too_many_is_named(tmp_path):
    rows = [*FIGURES, [*FIGURES[1], "more"]]
    assert message(tmp_path, rows) == (
        "data/adoption_figures.csv: row 8: 8 fields instead of 7; fix the row or remove it (quote commas)"
    )


def test_an_absent_and_an_empty_file_are_named(tmp_path):
    sources = DATA / "adoption_sources.csv"
    path = tmp_path / "adoption_figures.csv"
    with pytest.raises(AdoptionDataError, match=r"adoption_figures\.csv: no such file; restore it"):
        read_figures(path, sources, SCHEMAS)
    path.write_text("", encoding="utf-8")
    with pytest.raises(AdoptionDataError, match=r"adoption_figures\.csv: no rows; restore the file"):
        read_figures(path, sources, SCHEMAS)
    path.write_bytes(b"indicator,\xff\xfe")
    with pytest.raises(AdoptionDataError, match="is not UTF-8; save the file as UTF-8"):
        read_figures(path, sources, SCHEMAS)


def test_a_faulty_source_is_named(tmp_path):
    text = (DATA / "adoption_sources.csv").read_text(encoding="utf-8")
    path = tmp_path / "adoption_sources.csv"
    path.write_text(text.replace("2020Q1/2025Q3", "2025Q3/2020Q1"), encoding="utf-8")
    with pytest.raises(AdoptionDataError, match=r'row 2: span "2025Q3/2020Q1" cannot be read \(.*ends before'):
        read_figures(DATA / "adoption_figures.csv", path, SCHEMAS)


def test_a_faulty_quote_is_named(tmp_path):
    text = (DATA / "adoption_quotes.csv").read_text(encoding="utf-8")
    path = tmp_path / "adoption_quotes.csv"
    path.write_text(text.replace(",47,18,", ",147,18,"), encoding="utf-8")
    with pytest.raises(AdoptionDataError, match=r"row 3: pytorch_percent 147\.0 is above 100; fix the row"):
        read_quotes(path, SCHEMAS)


def test_faulty_data_write_no_table(tmp_path):
    path = tmp_path / "adoption_figures.csv"
    text = (DATA / "adoption_figures.csv").read_text(encoding="utf-8").replace(",pytorch,", ",pytoch,", 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(AdoptionDataError, match='did you mean "pytorch"'):
        write_tables(path, DATA / "adoption_sources.csv", DATA / "adoption_quotes.csv", SCHEMAS, tmp_path / "out")
    assert not (tmp_path / "out").exists()
