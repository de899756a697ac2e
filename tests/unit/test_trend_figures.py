"""The trend figures say what the intervals allow, and where data are absent, what would bring them."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.drawing import draw_all
from analysis.figures import discover
from analysis.indicators import load_indicators
from analysis.trends import uses
from analysis.trends.archive import make_archive, make_detector
from analysis.trends.tables import build, read
from tests.page_fixtures import real_tables  # noqa: F401  a fixture

ROOT = Path(__file__).parents[2]
REST = ("interval_coverage", "detector_confusion", "mention_roles")
FIELDS = ("computer vision", "language", "machine learning", "robotics", "speech", "other sciences")


def archive_tables(seed: int = 3) -> dict[str, pd.DataFrame]:
    """Return an invented archive snapshot: PyTorch passes one half late in 2018; robotics and speech are small."""
    random = np.random.default_rng(seed)
    papers, repositories, coverage, fields = [], [], [], []
    for number in range(12 * 9 + 7):
        month = f"{2016 + number // 12}-{number % 12 + 1:02d}"
        t = 2016 + number / 12
        share = 0.9 / (1 + np.exp(-(t - 2018.7) / 0.7)) + 0.02
        volume = int(60 + 9 * number)
        for which, part in (("all", 1.0), ("official", 0.6)):
            for labels, weight in (
                ("pytorch", share),
                ("tf", 1 - share),
                ("pytorch+tf", 0.06),
                ("jax", 0.05),
                ("none", 0.6),
            ):
                count = random.poisson(volume * part * weight)
                papers.append({"month": month, "repositories": which, "labels": labels, "papers": count})
        for framework, weight in (("pytorch", share * 1.1), ("tf", 1.15 * (1 - share)), ("none", 0.7)):
            for official, part in (("true", 0.6), ("false", 0.4)):
                count = random.poisson(volume * weight * part)
                repositories.append(
                    {
                        "month": month,
                        "framework": framework,
                        "official": official,
                        "mentioned_in_paper": "true",
                        "repositories": count,
                    }
                )
        coverage.append(
            {"month": month, "papers": 9 * volume, "with_repository": 2 * volume, "with_label": int(1.1 * volume)}
        )
    for number in range(4 * 9 + 2):
        quarter, t = f"{2016 + number // 4}Q{number % 4 + 1}", 2016 + number / 4
        for place, field in enumerate(FIELDS):
            share = 0.88 / (1 + np.exp(-(t - 2018.6 - 0.15 * place) / 0.6)) + 0.02
            size = (12 + 6 * number) * (0.25 if field in ("robotics", "speech") else 1.5)
            for which, more in (("primary", 1.0), ("any", 1.4)):
                for labels, weight in (("pytorch", share), ("tf", 1 - share), ("none", 0.5)):
                    fields.append(
                        {
                            "quarter": quarter,
                            "which": which,
                            "field": field,
                            "labels": labels,
                            "papers": random.poisson(size * more * weight),
                            "inflation": 1.1,
                        }
                    )
    return {
        "papers_by_month": pd.DataFrame(papers),
        "repositories_by_month": pd.DataFrame(repositories),
        "coverage_by_month": pd.DataFrame(coverage),
        "papers_by_field": pd.DataFrame(fields),
    }


def detector_tables(seed: int = 4) -> dict[str, pd.DataFrame]:
    """Return an invented snapshot of the detector: 2025 by month, and a calibration sample of 600 repositories."""
    random = np.random.default_rng(seed)
    rates = {
        "pytorch": {"pytorch": 0.93, "tf": 0.01, "mixed": 0.03, "none": 0.03},
        "tf": {"pytorch": 0.03, "tf": 0.88, "mixed": 0.05, "none": 0.04},
        "jax": {"pytorch": 0.03, "tf": 0.02, "mixed": 0.05, "none": 0.9},
        "none": {"pytorch": 0.12, "tf": 0.03, "mixed": 0.01, "none": 0.84},
    }
    confusion = [
        {"archive_label": truth, "detector_label": label, "repositories": random.poisson(150 * rate)}
        for truth, row in rates.items()
        for label, rate in row.items()
    ]
    months = [
        {"month": f"2025-{month:02d}", "label": label, "repositories": random.poisson(count)}
        for month in range(1, 13)
        for label, count in (("pytorch", 210), ("tf", 16), ("mixed", 12), ("none", 160))
    ]
    strata = [
        {"archive_label": truth, "repositories": count}
        for truth, count in zip(rates, (9000, 2500, 300, 8000), strict=True)
    ]
    return {
        "confusion": pd.DataFrame(confusion),
        "labels_by_month": pd.DataFrame(months),
        "calibration_strata": pd.DataFrame(strata),
    }


def build_with_archive(folder: Path, *, coverage: Path) -> dict[str, pd.DataFrame]:
    """Return the trend tables of the embedded data with the invented archive and detector beside them."""
    from dataclasses import replace

    data = read(folder, None, coverage, load_indicators())
    archive, detector = make_archive(archive_tables()), make_detector(detector_tables())
    return build(replace(data, archive=archive, detector=detector))


TRENDS = [name for name, module in discover().items() if name.startswith("trend_") or name in REST]
LIGHT = 400_000  # bytes of a picture
SURE = re.compile(r"\b(always|never|certainly|undoubtedly|clearly|will)\b", re.IGNORECASE)


@pytest.fixture(scope="module")
def embedded(real_tables):  # noqa: F811
    return {path.stem: pd.read_csv(path, low_memory=False) for path in real_tables.glob("*.csv")}


@pytest.fixture(scope="module")
def coverage(tmp_path_factory):
    """Return an invented result of the simulation, as it is written."""
    path = tmp_path_factory.mktemp("simulation") / "interval_coverage.csv"
    kinds = {"share of a month": (0.947, "yes"), "trend": (0.952, "yes"), "crossing date": (0.912, "no")}
    rows = [
        {
            "kind": kind,
            "condition": condition,
            "covered": covered - 0.2 * apart,
            "low": covered - 0.2 * apart - 0.01,
            "high": covered - 0.2 * apart + 0.01,
            "goal": "" if apart else "93% to 97%",
            "met": "" if apart else met,
            "worlds": 1000,
            "bias": 0.01 if kind == "crossing date" and not apart else np.nan,
            "bias_low": 0.0 if kind == "crossing date" and not apart else np.nan,
            "bias_high": 0.02 if kind == "crossing date" and not apart else np.nan,
            "date": "2026-11-22",
            "seed": 1,
            "version": "0.1.0",
        }
        for kind, (covered, met) in kinds.items()
        for condition, apart in (("all worlds", 0), ("small counts", 0), ("owners not allowed for", 1))
    ]
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


@pytest.fixture(scope="module")
def archived(real_tables, coverage, tmp_path_factory):  # noqa: F811
    """Return the tables with the invented archive, detector and simulation, as the workflow reads them back."""
    folder = tmp_path_factory.mktemp("archived")
    for path in real_tables.glob("*.csv"):
        (folder / path.name).write_bytes(path.read_bytes())
    for name, table in build_with_archive(real_tables, coverage=coverage).items():
        table.to_csv(folder / f"{name}.csv", index=False, float_format="%.6f")
    return {path.stem: pd.read_csv(path, low_memory=False) for path in folder.glob("*.csv")}


def made(name: str, tables: dict[str, pd.DataFrame]):
    module = discover()[name]
    return module.make({table: tables[table].copy() for table in module.REQUIRES})


def drawn(name: str, tables: dict[str, pd.DataFrame], folder: Path) -> tuple[dict, str]:
    """Draw a figure from tables; return its record and its picture."""
    for table in discover()[name].REQUIRES:
        tables[table].to_csv(folder / f"{table}.csv", index=False)
    (record,) = draw_all(folder, folder / "out", only=[name])
    return record, (folder / "out" / f"{name}.page.svg").read_text("utf-8")


def said(picture: str) -> str:
    """Return the words of a picture, with the lines of a text joined."""
    return " ".join(" ".join(re.findall(r"<text[^>]*>([^<]*)", picture)).split())


@pytest.mark.parametrize("name", TRENDS)
@pytest.mark.parametrize("world", ["embedded", "archived"])
def test_a_figure_is_drawn_and_stays_light(name, world, request, tmp_path):
    record, picture = drawn(name, request.getfixturevalue(world), tmp_path)
    assert len(picture.encode()) <= LIGHT
    assert 3 <= len(record["title"].split()) <= 10
    assert not SURE.search(record["title"])
    assert len(record["description"].split()) >= 40
    assert "n = " in record["subtitle"]


@pytest.mark.parametrize("name", ["trend_headline", "trend_crossings", "trend_directions", "trend_sensitivity"])
def test_what_the_archive_would_show_is_said_in_its_place(name, embedded, tmp_path):
    record, picture = drawn(name, embedded, tmp_path)
    assert "snakemake --cores 8 refresh" in said(picture)
    assert "Papers with Code" in record["limits"]


def test_fields_without_papers_say_what_they_need(embedded, tmp_path):
    _, picture = drawn("trend_fields", embedded, tmp_path)
    assert {"robotics", "speech"} <= set(re.findall(r"<text[^>]*>([^<]*)", picture))
    assert said(picture).count("snakemake") == 3


@pytest.mark.parametrize("name", [name for name in TRENDS if name.startswith("trend_")])
def test_nothing_is_needed_where_the_data_are_there(name, archived, tmp_path):
    record, picture = drawn(name, archived, tmp_path)
    assert "snakemake" not in said(picture) + record["limits"]


@pytest.mark.parametrize("name", TRENDS)
def test_with_nothing_but_needs_there_is_no_picture_but_words(name, embedded, tmp_path):
    command = "snakemake --cores 8 refresh"
    tables = {
        table: frame.head(1).assign(
            **{column: np.nan for column in frame.columns if column != "needs"}, needs=f"the archive: {command}"
        )
        if "needs" in frame and table != "sources"
        else frame
        for table, frame in embedded.items()
    }
    record, picture = drawn(name, tables, tmp_path)
    assert len(record["title"].split()) <= 10
    assert not re.search(r"\b(nan|NaN|None|NaT)\b", " ".join((record["title"], record["subtitle"], record["limits"])))
    if name != "mention_roles":
        assert command in said(picture)
        assert "n = 0" in record["subtitle"]


def test_the_headline_is_the_archive_where_it_is_there(embedded, archived):
    assert "conference papers" in made("trend_headline", embedded).title
    drawing = made("trend_headline", archived)
    assert "papers with code" in drawing.title
    assert drawing.finding is not None
    assert {"count", "trend", "coverage", "range over counting rules", "detector, corrected"} == set(
        drawing.data["drawn"]
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict", "words"),
    [
        (0.78, 0.89, "ahead", "PyTorch led"),
        (0.4, 0.6, "open", "Neither surely led"),
        (0.2, 0.3, "behind", "TensorFlow"),
    ],
)
def test_the_headline_claims_what_the_band_allows(embedded, low, high, verdict, words):
    tables = dict(embedded)
    statements = tables["trend_statements"].copy()
    own = (statements["series"] == "all venues") & (statements["statement"] == "last_share")
    statements.loc[own, ["low", "high"]] = [low, high]
    statements.loc[own, "verdict"] = verdict
    tables["trend_statements"] = statements
    assert made("trend_headline", tables).title.startswith(words)


def test_dates_differ_only_where_their_intervals_do_not_overlap(embedded):
    assert "before" in made("trend_crossings", embedded).title
    tables = dict(embedded)
    statements = tables["trend_statements"].copy()
    hiring = (statements["indicator"] == "hiring_posts") & (statements["statement"] == "crossing")
    statements.loc[hiring, "low"] = 2018.9
    tables["trend_statements"] = statements
    assert "do not disagree" in made("trend_crossings", tables).title


def test_a_direction_counts_only_with_its_probability(embedded):
    assert "2 of 3" in made("trend_directions", embedded).title
    tables = dict(embedded)
    statements = tables["trend_statements"].copy()
    statements.loc[statements["statement"] == "direction", "probability"] = 0.7
    tables["trend_statements"] = statements
    drawing = made("trend_directions", tables)
    assert "none" in drawing.title
    assert "open (rising: 70 %)" in drawing.description


def test_a_flipped_leader_is_told(embedded):
    assert made("trend_sensitivity", embedded).title.startswith("No counting rule")
    tables = dict(embedded)
    moved = tables["trend_sensitivity"].copy()
    hiring = (moved["indicator"] == "hiring_posts") & (moved["statement"] == "last_share")
    moved.loc[hiring, "value"] = 44.0
    tables["trend_sensitivity"] = moved
    assert made("trend_sensitivity", tables).title == "A counting rule changes who is ahead in 1 series"


def test_small_cells_are_counted_and_kept(embedded):
    drawing = made("trend_fields", embedded)
    small = drawing.data[drawing.data["n"] < 20]
    assert len(small) == 1
    assert drawing.limits.startswith("1 of 16 cells")


def test_coverage_outside_its_goal_is_told(archived):
    drawing = made("interval_coverage", archived)
    assert drawing.title == "2 of 3 kinds of interval meet their goal"
    assert "crossing date, all worlds: 91.2 %" in drawing.description
    assert "python -m analysis simulate" in drawing.limits


def test_without_a_simulation_the_command_is_named(embedded, tmp_path):
    tables = embedded | {"interval_coverage": pd.DataFrame([{"kind": np.nan, "needs": "python -m analysis simulate"}])}
    record, picture = drawn("interval_coverage", tables, tmp_path)
    assert "not simulated" in record["title"]
    assert "python -m analysis simulate" in said(picture)


def test_the_detector_is_held_against_the_archive(archived):
    from analysis.figures import detector_confusion

    counts = make_detector(detector_tables()).confusion
    drawing = detector_confusion.make({"trend_corrected": archived["trend_corrected"], "detector_confusion": counts})
    assert re.search(r"confirms \d+ to \d+ % of PyTorch", drawing.title)
    assert drawing.data.groupby("archive_label")["share"].sum().tolist() == pytest.approx([1.0] * 4)


def test_mentions_that_are_no_use_are_left_out_year_by_year(embedded, tmp_path):
    drawing, picture = drawn("mention_roles", embedded, tmp_path)
    assert "2026" in said(picture)
    assert "of mentions" in said(picture) and "of uses" in said(picture)
    assert "moves the share of PyTorch" in drawing["description"]


def test_roles_come_with_intervals_and_rare_frameworks_stay():
    from analysis.figures import mention_roles

    roles = ["used"] * 30 + ["released"] * 10 + ["studied"] * 5 + ["listed"] * 15
    labels = pd.DataFrame({"framework": ["pytorch"] * 60 + ["theano"] * 3, "role": [*roles, "used", "used", "listed"]})
    sources = pd.DataFrame(columns=["indicator", "source"])
    needs = pd.DataFrame([{"needs": uses.NEEDS}], columns=uses.COLUMNS)
    drawing = mention_roles.make({"sources": sources, "mention_labels": labels, "trend_uses": needs})
    assert drawing.title == "54 to 77 % of mentions mean use or release"
    assert set(drawing.data["framework"]) == {"pytorch", "others"}
    assert (drawing.data["low"] <= drawing.data["share"]).all()
