"""The tables of the trends: with the embedded figures alone, and with snapshots of an archive with a known truth."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest

from analysis import adoption, archive_clusters
from analysis.harvesting.snapshots import Snapshot, land, render
from analysis.trends import archive as archives
from analysis.trends import envelope, fields, simulate, statements, tables
from analysis.trends.statements import Direction, hedged
from tests.unit.trends_fixtures import archive_tables, detector_tables, make_archive, share

ROOT = Path(__file__).parents[2]
NAMES = {
    "trend_classes": tables.CLASS_COLUMNS,
    "trend_envelope": envelope.COLUMNS,
    "trend_sensitivity": envelope.SENSITIVITY,
    "trend_curves": tables.CURVE_COLUMNS,
    "trend_fields": tables.FIELD_COLUMNS,
    "trend_corrected": tables.CORRECTED_COLUMNS,
    "trend_fit": tables.FIT_COLUMNS,
}


def counted(folder):
    names = ("adoption_figures", "adoption_sources", "adoption_quotes")
    adoption.write_tables(*(ROOT / f"data/{name}.csv" for name in names), ROOT / "workflow/schemas", folder)
    return folder


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    folder = counted(tmp_path_factory.mktemp("embedded"))
    return folder, tables.write_tables(folder, None, folder / "absent.csv")


@pytest.fixture(scope="module")
def snapshots(tmp_path_factory):
    folder, home = tmp_path_factory.mktemp("parquet"), tmp_path_factory.mktemp("snapshots")
    provenance = {"retrieved": "2026-11-22", "span": "2016-01/2025-07"}
    found = {name: table.to_dicts() for name, table in archive_tables(folder).items()}
    for source, content in (("pwc_archive", found), ("repository_detector", detector_tables())):
        land(home, source, date(2026, 11, 22), render(Snapshot(content, span="", upstream=""), source), provenance)
    return home


@pytest.fixture(scope="module")
def refreshed(tmp_path_factory, snapshots):
    folder = counted(tmp_path_factory.mktemp("refreshed"))
    return tables.write_tables(folder, snapshots, folder / "absent.csv")


def test_every_table_is_written_with_its_columns(embedded):
    folder, _ = embedded
    for name, columns in NAMES.items():
        assert tuple(pd.read_csv(folder / f"{name}.csv").columns) == columns


def test_absent_data_say_what_they_need(embedded):
    made = embedded[1]
    for name in (
        "trend_classes",
        "trend_envelope",
        "trend_sensitivity",
        "trend_curves",
        "trend_statements",
        "trend_fit",
    ):
        table = made[name]
        needs = table.loc[(table["indicator"] == "code_labels") & (table["needs"] != ""), "needs"]
        assert needs.str.contains("snakemake --cores 8 refresh").any(), name
    assert made["trend_corrected"]["needs"].str.contains("refresh").all()
    assert made["interval_coverage"]["needs"].tolist() == ["python -m analysis simulate"]
    assert made["quote_checks"].query("quote == 'pwc2023'")["needs"].str.contains("refresh").all()


def test_written_again_the_bytes_are_the_same(embedded):
    folder, _ = embedded
    before = {path.name: path.read_bytes() for path in folder.glob("*.csv")}
    tables.write_tables(folder, None, folder / "absent.csv")
    assert before == {path.name: path.read_bytes() for path in folder.glob("*.csv")}


def test_indicators_without_interval_claim_no_probability(embedded):
    rows = embedded[1]["trend_statements"]
    rows = rows[rows["indicator"].isin(["pypi_downloads_30d", "github_stars", "transformers_modules"])]
    assert rows[["low", "high", "probability"]].isna().all().all()
    assert rows["sentence"].str.contains("No interval:").all()


def test_every_statement_with_a_value_has_a_sentence(embedded):
    rows = embedded[1]["trend_statements"]
    assert (rows["sentence"].notna() | (rows["needs"] != "")).all()
    assert not rows["sentence"].fillna("").str.contains("nan|inf").any()


def test_curves_end_with_the_last_whole_quarter(embedded):
    rows = embedded[1]["trend_curves"].query("indicator == 'hiring_posts'")
    assert rows[rows["observed"] == False]["period"].max() == "2024-03"  # noqa: E712
    assert rows[rows["observed"] == True]["period"].max() == "2024-05"  # noqa: E712


def test_breaks_of_a_source_are_marked(embedded):
    rows = embedded[1]["trend_curves"].query("indicator == 'pypi_downloads_30d'")
    marks = rows[rows["break"] != ""]
    assert {"2018-08", "2024-11", "2025-07"} <= set(marks["period"])


def test_missing_table_names_the_command(tmp_path):
    with pytest.raises(Exception, match="python -m analysis count"):
        tables.write_tables(tmp_path, None, tmp_path / "absent.csv")


def test_archive_has_classes_that_hold_every_paper(refreshed, snapshots):
    rows = refreshed["trend_classes"]
    rows = rows[rows["series"] == "papers, all repositories"]
    four = rows[rows["what"].isin(["pytorch", "tensorflow", "both", "other"])]
    papers = archives.read_archive(snapshots).kinds.query("repositories == 'all'")
    assert four["count"].sum() == papers.drop(columns=["repositories", "month"]).to_numpy().sum()
    assert ((four["low"] <= four["share"]) & (four["share"] <= four["high"])).all()
    assert {"two_way", "coverage"} <= set(rows["what"])
    assert rows.loc[rows["t"] > 2024.6, "incomplete"].all()


def test_archive_crosses_when_the_truth_does(refreshed):
    rows = refreshed["trend_statements"].query("indicator == 'code_labels' and statement == 'crossing' and field == ''")
    assert len(rows) == 2  # by the band, and by owners drawn anew
    assert ((rows["low"] < 2019.0) & (rows["high"] > 2019.0) | (abs(rows["value"] - 2019.0) < 0.25)).all()


def test_every_rule_of_the_archive_stands_beside_the_default(refreshed):
    rows = refreshed["trend_envelope"].query("indicator == 'code_labels'")
    rules = set(rows["rule"])
    assert {f"{which} papers, both {both}" for which in ("all", "official") for both in archives.BOTH} <= rules
    assert {"all repositories", "official repositories", *archives.BOUNDS} <= rules
    assert set(rows.loc[rows["default"].astype(bool), "rule"]) == {archives.DEFAULT}
    assert rows.loc[rows["rule"] == "Keras dropped", "note"].str.contains("not distinguishable").all()


def test_half_lies_between_dropped_and_apart_never_outside_the_bounds(refreshed):
    rows = refreshed["trend_envelope"].query("indicator == 'code_labels' and share == share")
    wide = rows.pivot_table(index="period", columns="rule", values="share", aggfunc="first").astype(float)
    default = wide[archives.DEFAULT]
    low, high = (wide[name] for name in archives.BOUNDS)
    assert ((low <= default + 1e-9) & (default <= high + 1e-9)).all()
    assert (wide["all papers, both apart"] <= default + 1e-9).all()


def test_sensitivity_says_how_far_each_rule_moves_each_statement(refreshed):
    rows = refreshed["trend_sensitivity"].query("indicator == 'code_labels'")
    assert {"crossing", "last_share", "direction"} == set(rows["statement"])
    known = rows[rows["moved"].notna()]
    assert np.allclose((known["value"] - known["default_value"]).astype(float), known["moved"].astype(float))
    assert rows["rule"].str.contains("whole periods only").any()


def test_corrected_series_is_nearer_to_the_truth_than_the_raw_one(refreshed):
    rows = refreshed["trend_corrected"].query("n > 0")
    truth = 0.6 / 0.66
    assert abs(rows["share"].mean() - truth) < abs(rows["uncorrected"].mean() - truth)
    assert (rows["low"] < truth).all()
    assert (truth < rows["high"]).all()
    assert rows["break"].notna().tolist() == [True, False, False, False]
    assert rows.loc[rows["period"] < "2025-07", "difference"].notna().all()
    assert rows.loc[rows["period"] > "2025-07", "archive"].isna().all()


def test_fields_hold_every_decided_paper_and_are_shrunken(refreshed, snapshots):
    rows = refreshed["trend_fields"].query("indicator == 'code_labels' and which == 'primary'")
    papers = archives.read_archive(snapshots).kinds.query("repositories == 'all'")
    assert rows["n"].sum() == papers[["pytorch", "tensorflow"]].to_numpy().sum()
    assert {"robotics", "speech", "other sciences"} <= set(rows["field"])
    assert rows["shrunken"].notna().all()
    assert rows.loc[rows["merged"].astype(bool), "grain"].eq("year").all()


def test_quoted_points_stand_beside_ours(refreshed):
    rows = refreshed["quote_checks"].query("measure == 'code_labels'")
    assert (rows["needs"] == "").all()
    assert rows["explanation"].str.contains("by the day a repository was made").all()
    assert np.allclose((rows["ours_percent"] - rows["quoted_percent"]).astype(float), rows["difference"].astype(float))


def test_owner_tables_agree_with_the_counts(tmp_path):
    links, papers, records = make_archive(tmp_path, papers_a_month=15)
    made = archive_clusters.cluster_tables(links, papers)
    month = made["clustering_by_month"].filter(repositories="all")
    assert (month["repository_share_by_paper"] * month["papers"]).sum() > month["papers"].sum()
    samples = made["bootstrap_by_quarter"].filter(repositories="all")
    per_sample = samples.group_by("sample").agg(total=samples["pytorch"].sum())
    assert per_sample.height == archive_clusters.SAMPLES
    drawn = samples["pytorch"].sum() + samples["tensorflow"].sum()
    assert abs(drawn / archive_clusters.SAMPLES / month["papers"].sum() - 1) < 0.05
    fields = archive_clusters.field_tables(links, papers, records.head(0))["papers_by_field"]
    assert set(fields.filter(which="primary")["field"]) == {archive_clusters.NOT_ON_ARXIV}


def test_owners_are_allowed_for_within_fields(tmp_path):
    links, papers, records = make_archive(tmp_path, papers_a_month=40)
    table = archive_clusters.field_tables(links, papers, records)
    effects = table["clustering_by_field"].filter(which="primary")
    decided = table["papers_by_field"].filter(which="primary").filter(~polars.col("labels").str.contains("pytorch.*tf"))
    decided = decided.filter(polars.col("labels").str.contains("pytorch|tf"))
    assert effects["papers"].sum() == decided["papers"].sum()
    assert (effects["owners"] <= effects["papers"]).all()
    samples = table["bootstrap_by_field"]
    assert samples["sample"].n_unique() == archive_clusters.FIELD_SAMPLES
    assert set(samples["field"]) == set(effects["field"]) == set(table["clustering_by_field_quarter"]["field"])
    names = ("papers_by_field", "clustering_by_field", "clustering_by_field_quarter")
    counts, owners, linked = (pd.DataFrame(table[name].to_dicts()) for name in names)
    plain, series = fields.from_archive(counts, 2025.5)
    alike = owners.assign(share_by_owner=4.0)
    wide, clustered = fields.from_archive(counts, 2025.5, alike, linked)
    ratio = (wide["high"] - wide["low"]) / (plain["high"] - plain["low"])
    assert ratio.median() > 1.5
    assert wide["count"].tolist() == plain["count"].tolist()
    assert all(one.scores is None and "owners" in one.note for _, one in series)
    assert all(one.scores is not None and not one.note for _, one in clustered)


def test_fields_cross_when_the_truth_does_by_both_ways(refreshed):
    rows = refreshed["trend_statements"].query("indicator == 'code_labels' and statement == 'crossing' and field != ''")
    again = rows["method"].str.startswith(statements.RESAMPLED)
    assert sorted(rows.loc[again, "field"]) == sorted(rows.loc[~again, "field"])
    both = rows[again].merge(rows[~again], on="field")
    assert ((both["value_x"] - both["value_y"]).abs() < 0.2).all()
    assert ((both["low_x"] < both["high_y"]) & (both["low_y"] < both["high_x"])).all()


def test_rules_for_keras_and_for_papers_naming_both():
    papers = [
        ("2020-01", frozenset(names))
        for names in ({"pytorch"}, {"keras"}, {"pytorch", "tensorflow"}, {"keras", "pytorch"})
    ]
    made = envelope.from_named(papers, ["2020-01"])
    counts = {rule: np.round([k[0], n[0]], 9).tolist() for rule, (_, k, n) in made.items()}
    found = {rule: tuple(pair) for rule, pair in counts.items() if "half" not in rule}
    assert found == {
        "keras with TensorFlow, both dropped": (1, 2),
        "keras with TensorFlow, both apart": (1, 4),
        "keras apart, both dropped": (2, 2),
        "keras apart, both apart": (2, 3),
        "keras dropped, both dropped": (1, 1),
        "keras dropped, both apart": (1, 2),
    }
    _, k, n = made["keras with TensorFlow, both half"]
    assert np.isclose(k[0] / n[0], 0.5)


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ((0.999, 0.001, 0.0), "is rising (probability above 99 %)"),
        ((0.1, 0.85, 0.05), "is probably level (85 %)"),
        ((0.3, 0.3, 0.4), "cannot be told (falling: 40 %)"),
    ],
)
def test_words_claim_no_more_than_the_probability(chances, words):
    assert words in hedged(Direction(0.0, -0.1, 0.1, *chances))


def test_simulation_is_the_same_whatever_the_number_of_processes():
    one, two = (simulate.simulate(3, seed=3, processes=number) for number in (1, 2))
    pd.testing.assert_frame_equal(one, two)


def test_intervals_hold_the_truth_in_a_few_worlds():
    made = simulate.simulate(20, seed=1, processes=1).set_index(["kind", "condition"])
    for kind in simulate.KINDS[:-1]:
        assert made.loc[(kind, simulate.ALL), "covered"] > 0.8, kind
    assert made.loc[("trend", simulate.CONTRASTS[0]), "covered"] < made.loc[("trend", simulate.ALL), "covered"]
    assert abs(made.loc[("crossing date", simulate.ALL), "bias"]) < 0.15
    assert share(2019.0) == 0.5


def test_page_of_the_method_shows_the_kept_simulation():
    kept = pd.read_csv(ROOT / "data/simulations/interval_coverage.csv")
    page = (ROOT / "docs/trends.md").read_text(encoding="utf-8")
    assert simulate.render(kept) in page


def test_kept_simulation_is_a_whole_one_that_meets_its_goals():
    kept = pd.read_csv(ROOT / "data/simulations/interval_coverage.csv")
    assert kept["worlds"].max() == simulate.WORLDS
    overall = kept[(kept["condition"] == simulate.ALL) & kept["met"].notna()]
    assert overall["met"].eq("yes").all()


def test_archive_without_clustering_tables_says_that_owners_are_missing(tmp_path):
    from analysis import archive_labels

    links, papers, _ = make_archive(tmp_path, papers_a_month=3)
    found = archive_labels.count(links, papers)
    archive = archives.make_archive({name: pd.DataFrame(table.to_dicts()) for name, table in found.items()})
    assert {series.note for series in archives.archive_series(archive)} == {archives.UNCLUSTERED}
