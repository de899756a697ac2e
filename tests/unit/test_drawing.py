"""Figures are written whole, the same each time, with one clear message where one cannot be drawn."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import drawing
from analysis.figures import Drawing, discover
from reproductions.errors import SurveyError

FORMULA = '=HYPERLINK("x")'


def module(**changes):
    def make(tables):
        data = changes.get("data", tables["small"])
        return Drawing(
            title="Two <b>points</b> are drawn",
            subtitle="Made-up numbers, n = 2",
            limits="Nothing follows from them; run `snakemake` to fill the table.",
            description=" ".join(["word"] * 40),
            data=data,
            draw=changes.get("draw", lambda figure: figure.subplots().plot(data["x"], data["y"])),
            sources=("this machine", "unknown_source"),
        )

    return SimpleNamespace(SECTION="performance", ORDER=0, REQUIRES=("small",), make=changes.get("make", make))


@pytest.fixture
def tables(tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    pd.DataFrame({"x": [1, 2], "y": [3.5, 4.0], "label": [FORMULA, "-0.5"]}).to_csv(folder / "small.csv", index=False)
    return folder


@pytest.fixture
def registry(monkeypatch):
    figures = {"small": module()}
    monkeypatch.setattr(drawing, "discover", lambda: figures)
    return figures


def test_a_second_run_writes_the_same_bytes(tables, registry, tmp_path):
    for folder in ("one", "two"):
        drawing.draw_all(tables, tmp_path / folder)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in ("one", "two"))
    assert one == two
    assert set(one) == {"small.page.svg", "small.svg", "small.png", "small.csv", "figures.json"}


SIDE_BY_SIDE = """
import sys
from analysis import drawing
from tests.unit.test_drawing import module
drawing.discover = lambda: {name: module() for name in ("one", "two", "three")}
drawing.draw_all(sys.argv[1], sys.argv[2], processes=int(sys.argv[3]))
"""


def test_figures_drawn_side_by_side_are_the_same_bytes(tables, tmp_path, root):
    # In processes of their own: a fork of this one would take the locks of its threads along.
    for processes in ("1", "2"):
        command = [sys.executable, "-c", SIDE_BY_SIDE, str(tables), str(tmp_path / processes), processes]
        subprocess.run(command, cwd=root, check=True, timeout=120)
    one, two = ({p.name: p.read_bytes() for p in (tmp_path / f).iterdir()} for f in "12")
    assert one == two and len(one) == 13


def test_the_index_describes_the_files(tables, registry, tmp_path):
    drawing.draw_all(tables, tmp_path)
    (record,) = json.loads((tmp_path / "figures.json").read_text())
    assert record["id"] == "small"
    for entry in record["files"].values():
        content = (tmp_path / entry["name"]).read_bytes()
        assert entry["bytes"] == len(content)
        assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_only_the_standalone_picture_carries_its_frame(tables, registry, tmp_path):
    drawing.draw_all(tables, tmp_path)
    alone, page = (tmp_path / "small.svg").read_text(), (tmp_path / "small.page.svg").read_text()
    assert "Two &lt;b&gt;points&lt;/b&gt; are drawn" in alone
    assert "<b>" not in alone
    assert "measured on this machine" in alone
    assert "points" not in page
    ids = re.findall(r'\sid="([^"]+)"', alone)
    assert len(ids) == len(set(ids))


def test_text_stays_text(tables, registry, tmp_path):
    drawing.draw_all(tables, tmp_path)
    assert "<text" in (tmp_path / "small.page.svg").read_text()


def test_formulas_are_inert_and_numbers_are_not(tables, registry, tmp_path):
    drawing.draw_all(tables, tmp_path)
    written = pd.read_csv(tmp_path / "small.csv", dtype=str)
    assert written["label"].tolist() == ["'" + FORMULA, "-0.5"]
    assert written["y"].tolist() == ["3.5", "4"]


def test_an_absent_table_is_named_with_its_remedy(registry, tmp_path):
    with pytest.raises(drawing.DrawingError, match=r"figure small: its table .*small\.csv is absent; make it with"):
        drawing.draw_all(tmp_path / "nothing", tmp_path)


@pytest.mark.parametrize("where", ["make", "draw"])
def test_a_module_that_raises_is_named(tables, registry, tmp_path, where):
    def fail(_):
        raise ValueError("row 3 is odd")

    registry["broken"] = module(**{where: fail})
    with pytest.raises(drawing.DrawingError) as caught:
        drawing.draw_all(tables, tmp_path)
    message = str(caught.value)
    assert "figure broken" in message
    assert "small.csv" in message
    assert "ValueError: row 3 is odd" in message
    assert (tmp_path / "small.svg").exists(), "the other figures are drawn"
    assert not list(tmp_path.glob(".*")), "nothing half-written stays"


def test_a_figure_without_rows_says_what_it_needs(tables, registry, tmp_path):
    registry["small"] = module(data=pd.DataFrame({"x": [], "y": []}))
    drawing.draw_all(tables, tmp_path)
    assert "run snakemake to fill" in (tmp_path / "small.page.svg").read_text()


def test_one_figure_can_be_drawn_alone(tables, registry, tmp_path):
    registry["other"] = module()
    drawing.draw_all(tables, tmp_path)
    before = (tmp_path / "figures.json").read_bytes()
    records = drawing.draw_all(tables, tmp_path, only=["other"])
    assert [record["id"] for record in records] == ["small", "other"]
    assert (tmp_path / "figures.json").read_bytes() == before


def test_an_unknown_figure_gets_a_suggestion(tables, registry, tmp_path):
    with pytest.raises(drawing.DrawingError, match="did you mean small"):
        drawing.draw_all(tables, tmp_path, only=["smal"])


def test_every_reference_follows_its_id():
    svg = '<g id="a"/><use xlink:href="#a"/><g clip-path="url(#a)"/><use href="#a"/>'
    assert drawing.prefix_ids(svg, "f-") == (
        '<g id="f-a"/><use xlink:href="#f-a"/><g clip-path="url(#f-a)"/><use href="#f-a"/>'
    )


def test_a_module_without_its_parts_is_named(monkeypatch):
    module = importlib.import_module("analysis.figures.adoption_stars")
    monkeypatch.setattr(module, "SECTION", "adoptions")
    with pytest.raises(SurveyError, match=r"adoption_stars\.py: SECTION: adoptions is not one of findings, "):
        discover()
    monkeypatch.delattr(module, "ORDER")
    with pytest.raises(SurveyError, match=r"adoption_stars\.py: ORDER: missing"):
        discover()
