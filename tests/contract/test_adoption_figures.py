"""What every adoption figure keeps to: words, numbers, and the same picture twice."""

import io
import re
from pathlib import Path

import pandas as pd
import pytest

from analysis.adoption import write_tables
from analysis.figures import discover

ROOT = Path(__file__).parents[2]
FIGURES = {name: module for name, module in discover().items() if module.SECTION == "adoption"}
FORBIDDEN = re.compile(r"\b(significant|proves|wins|beats|best|dominates)\b", re.IGNORECASE)
# Every title needs one of these: a title without a verb names a topic and states no finding.
VERBS = {"took", "agree", "named", "name", "leads", "tag", "passes", "holds", "ships", "turned", "put", "puts"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    """Return the tables as the workflow reads them back."""
    folder = tmp_path_factory.mktemp("tables")
    data = (ROOT / "data" / f"adoption_{name}.csv" for name in ("figures", "sources", "quotes"))
    write_tables(*data, ROOT / "workflow" / "schemas", folder)
    return {path.stem: pd.read_csv(path, low_memory=False) for path in folder.glob("*.csv")}


@pytest.fixture(scope="module")
def drawings(tables):
    return {
        name: module.make({table: tables[table].copy() for table in module.REQUIRES})
        for name, module in FIGURES.items()
    }


@pytest.fixture(params=FIGURES)
def drawing(request, drawings):
    return drawings[request.param]


def texts(drawing):
    finding = drawing.finding
    more = (finding.question, finding.answer, finding.estimate, finding.evidence) if finding else ()
    return (drawing.title, drawing.subtitle, drawing.limits, drawing.description, *more)


def picture(drawing, kind="svg"):
    from matplotlib.figure import Figure

    from analysis import style

    style.use()
    figure = Figure(figsize=drawing.size)
    drawing.draw(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format=kind, metadata={"Date": None} if kind == "svg" else None)
    return buffer.getvalue()


def test_the_eight_panels_are_there():
    assert len(FIGURES) == 8
    assert next(iter(FIGURES)) == "adoption_conferences"


def test_the_title_states_a_finding_in_ten_words(drawing):
    words = drawing.title.split()
    assert len(words) <= 10
    assert VERBS & set(words)


def test_the_description_is_long_enough_and_holds_numbers(drawing):
    assert len(drawing.description.split()) >= 40
    assert len(re.findall(r"\d", drawing.description)) >= 8


def test_words_that_claim_too_much_are_not_used(drawing):
    for text in texts(drawing):
        assert not FORBIDDEN.search(text)


def test_no_text_shows_a_missing_value(drawing):
    for text in texts(drawing):
        assert not re.search(r"\b(?:nan|None|NaT)\b", text)


def test_the_subtitle_says_n_and_what_interval_there_is(drawing):
    assert re.search(r"\bn\b", drawing.subtitle)
    assert re.search("interval", drawing.subtitle)


def test_every_source_is_named_and_known(drawing, tables):
    known = set(tables["sources"]["source"]) | set(tables["adoption_quotes"]["citation"])
    assert drawing.sources
    assert set(drawing.sources) <= known


def test_the_data_behind_the_picture_are_handed_over(drawing):
    assert len(drawing.data) > 0
    assert not drawing.data.columns.duplicated().any()


def test_drawing_twice_gives_the_same_bytes(drawing):
    assert picture(drawing) == picture(drawing)


@pytest.mark.parametrize("name", ["adoption_conferences", "adoption_developers", "adoption_pypi"])
def test_three_figures_carry_a_finding_with_an_interval_or_the_reason_for_none(drawings, name):
    finding = drawings[name].finding
    assert finding.question.endswith("?")
    assert "interval" in finding.estimate or re.search(r"\[\d+, \d+\]", finding.estimate)
    assert re.search(r"\d", finding.evidence)


@pytest.fixture(scope="module")
def mirrored(tmp_path_factory):
    """Return the tables of a world in which every count of the two frameworks is exchanged."""
    folder = tmp_path_factory.mktemp("mirrored")
    figures = pd.read_csv(ROOT / "data" / "adoption_figures.csv", dtype=str)
    other = {"pytorch": "tensorflow", "tensorflow": "pytorch"}
    figures["framework"] = figures["framework"].replace(other)
    strata = {"torch": "tensorflow", "pytorch/pytorch": "tensorflow/tensorflow"}
    figures["stratum"] = figures["stratum"].replace({**strata, **{after: before for before, after in strata.items()}})
    figures.to_csv(folder / "adoption_figures.csv", index=False)
    data = [
        folder / "adoption_figures.csv",
        *(ROOT / "data" / f"adoption_{name}.csv" for name in ("sources", "quotes")),
    ]
    write_tables(*data, ROOT / "workflow" / "schemas", folder / "tables")
    return {path.stem: pd.read_csv(path, low_memory=False) for path in (folder / "tables").glob("*.csv")}


@pytest.mark.parametrize("name", FIGURES)
def test_a_world_that_goes_the_other_way_is_drawn_and_told_so(name, mirrored, drawings):
    if name == "adoption_code_labels":
        pytest.skip("quotes have no counts to exchange")
    drawing = FIGURES[name].make({table: mirrored[table] for table in FIGURES[name].REQUIRES})
    assert drawing.title != drawings[name].title
    assert len(drawing.title.split()) <= 10
    assert VERBS & set(drawing.title.split())
    assert not any(re.search(r"\b(?:nan|None|NaT)\b", text) or FORBIDDEN.search(text) for text in texts(drawing))
    assert picture(drawing)


def test_the_code_label_panel_says_why_it_is_quoted_and_what_will_fill_it(drawings):
    drawing = drawings["adoption_code_labels"]
    assert len(drawing.data) == 3
    for words in ("licence is share-alike", "`snakemake --cores 8 refresh` fetches it", "beside these points"):
        assert words in drawing.subtitle
