"""What every figure of the registry keeps to, whoever wrote it."""

from __future__ import annotations

import functools
import io
import re

import pandas as pd
import pytest

from analysis import style
from analysis.drawing import draw_all
from analysis.figures import Drawing, discover, required_tables
from analysis.report import SECTIONS
from tests.page_fixtures import real_tables  # noqa: F401  a fixture

FIGURES = discover()
FORBIDDEN = re.compile(r"\b(significant|proves|wins|beats|best|dominates)\b", re.IGNORECASE)
URL = re.compile(r"https?://\S+")


@pytest.fixture(scope="module")
def tables(real_tables):  # noqa: F811
    return {name: pd.read_csv(real_tables / f"{name}.csv", low_memory=False) for name in required_tables(FIGURES)}


@pytest.fixture(scope="module")
def drawings(tables):
    return {
        name: module.make({table: tables[table].copy() for table in module.REQUIRES})
        for name, module in FIGURES.items()
    }


@pytest.fixture(params=FIGURES)
def name(request):
    return request.param


@pytest.fixture
def drawing(name, drawings) -> Drawing:
    return drawings[name]


@pytest.fixture(scope="module")
def pictures(drawings):
    """Return a function that gives the picture of a figure, drawn once."""
    return functools.cache(lambda name: picture(drawings[name]))


def words(drawing: Drawing) -> str:
    finding = drawing.finding
    found = (finding.question, finding.answer, finding.estimate, finding.evidence) if finding else ()
    return URL.sub("", " ".join((drawing.title, drawing.subtitle, drawing.limits, drawing.description, *found)))


def picture(drawing: Drawing) -> str:
    from matplotlib.figure import Figure

    style.use()
    figure = Figure(figsize=drawing.size)
    drawing.draw(figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def test_module_says_where_it_stands(name):
    module = FIGURES[name]
    assert module.SECTION in SECTIONS
    assert isinstance(module.ORDER, int)
    assert module.REQUIRES


def test_title_is_a_finding_in_ten_words(drawing):
    assert 3 <= len(drawing.title.split()) <= 10
    assert not drawing.title.endswith(".")


def test_description_serves_who_cannot_see_it(drawing):
    assert len(drawing.description.split()) >= 40
    assert "TODO" not in drawing.description
    assert re.search(r"\d", drawing.description)


def test_the_amount_of_evidence_is_told(drawing):
    evidence = drawing.finding.evidence if drawing.finding else ""
    assert re.search(r"\bn\b|\d", f"{drawing.subtitle} {evidence}")


def test_limits_are_told_in_a_sentence(drawing):
    assert len(drawing.limits.split()) >= 5


def test_words_stay_sober(drawing):
    assert not FORBIDDEN.search(words(drawing))


def test_no_number_is_missing_in_the_words(drawing):
    assert not re.search(r"\b(nan|NaN|None|inf|NaT)\b", words(drawing))


def test_rows_are_given_and_sources_named(drawing):
    assert len(drawing.data)
    assert drawing.sources


def test_the_picture_is_the_same_each_time(name, tables, drawing, pictures):
    again = FIGURES[name].make({table: tables[table].copy() for table in FIGURES[name].REQUIRES})
    assert picture(again) == pictures(name)
    assert again.data.to_csv() == drawing.data.to_csv()


def test_every_colour_has_a_dark_partner_and_text_is_text(name, pictures):
    svg = pictures(name)
    colors = set(re.findall(r"#[0-9a-f]{6}\b", re.sub(r"<!--.*?-->", "", svg, flags=re.S)))
    assert colors <= set(style.ROLES), "take every colour from analysis.style"
    assert "<text" in svg


def test_tables_are_left_as_they_came(name, tables):
    given = {table: tables[table].copy() for table in FIGURES[name].REQUIRES}
    FIGURES[name].make(given)
    for table, frame in given.items():
        pd.testing.assert_frame_equal(frame, tables[table])


MEASURED = [name for name, module in FIGURES.items() if module.SECTION in ("performance", "deployment", "usability")]


@pytest.mark.parametrize("figure", MEASURED)
def test_without_rows_it_says_what_it_needs(figure, tables, tmp_path):
    for table in FIGURES[figure].REQUIRES:
        tables[table].head(0).to_csv(tmp_path / f"{table}.csv", index=False)
    (record,) = draw_all(tmp_path, tmp_path / "out", only=[figure])
    assert "snakemake" in record["limits"]
    assert len(record["description"].split()) >= 40
    assert "snakemake" in (tmp_path / "out" / f"{figure}.page.svg").read_text("utf-8")


@pytest.mark.parametrize("figure", [name for name, module in FIGURES.items() if module.SECTION == "performance"])
def test_failures_alone_still_make_a_picture(figure, tables, tmp_path):
    for table in FIGURES[figure].REQUIRES:
        frame = tables[table].assign(status="failed", note="crashed")
        frame.to_csv(tmp_path / f"{table}.csv", index=False)
    (record,) = draw_all(tmp_path, tmp_path / "out", only=[figure])
    assert len(record["title"].split()) <= 10
