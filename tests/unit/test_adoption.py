"""Shares, rates and crossing dates, on the embedded figures and on small made-up ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis.adoption import count_rates, count_shares, find_crossings, read_figures, read_quotes, write_tables
from analysis.indicators import load_indicators
from analysis.intervals import wilson
from analysis.periods import parse_breaks, parse_period, parse_span

ROOT = Path(__file__).parents[2]
DATA, SCHEMAS = ROOT / "data", ROOT / "workflow" / "schemas"


@pytest.fixture(scope="module")
def embedded():
    return read_figures(DATA / "adoption_figures.csv", DATA / "adoption_sources.csv", SCHEMAS)


@pytest.fixture(scope="module")
def shares(embedded):
    return count_shares(embedded[0])


@pytest.fixture(scope="module")
def crossings(shares, embedded):
    return find_crossings(shares, embedded[1])


@pytest.fixture
def row_of(crossings):
    def row_of(indicator, series, rule=None):
        rule = rule or load_indicators()[indicator].default_rule.id
        rows = crossings.query("indicator == @indicator and series == @series and rule == @rule")
        assert len(rows) == 1
        return rows.iloc[0]

    return row_of


def made_up(indicator, counts, total=None, source="made_up"):
    """Return figures of one stratum: {period: (pytorch, tensorflow)}, None for an absent row."""
    rows = [
        (indicator, period, "one", framework, count, total, source)
        for period, pair in counts.items()
        for framework, count in zip(("pytorch", "tensorflow"), pair, strict=True)
        if count is not None
    ]
    names = ["indicator", "period", "stratum", "framework", "count", "total", "source"]
    return pd.DataFrame(rows, columns=names).astype({"total": "Int64"})


def crossing_of(counts, indicator="github_topic_pushers", retrieved="2021-01-01", total=None):
    sources = pd.DataFrame({"source": ["made_up"], "retrieved": [retrieved]})
    return find_crossings(count_shares(made_up(indicator, counts, total)), sources).iloc[0]


# He's conferences


@pytest.mark.parametrize(
    ("venue", "year", "share"),
    [("CVPR", "2019", 0.665), ("NeurIPS", "2020", 0.768), ("EMNLP", "2020", 0.876), ("ACL", "2017", 0.024)],
)
def test_he_shares_come_out_to_three_digits(shares, venue, year, share):
    rows = shares[(shares["series"] == f"{venue} (accepted papers)") & shares["period"].str.startswith(year)]
    assert [round(value, 3) for value in rows["share"]] == [share]


def test_every_he_row_becomes_one_share_of_its_two_counts(shares, embedded):
    he = embedded[0].query("source == 'he_2019'")
    assert len(he) == 70
    wide = he.pivot_table(index=["stratum", "period"], columns="framework", values="count")
    ours = shares.query("indicator == 'conference_papers' and series == stratum").set_index(["series", "period"])
    assert len(ours) == 35
    expected = wide["pytorch"] / (wide["pytorch"] + wide["tensorflow"])
    assert np.allclose(ours["share"], expected.loc[ours.index], equal_nan=True)


def test_pooled_years_add_up_their_venues(shares):
    papers = shares.query("indicator == 'conference_papers'")
    pooled = papers.query("series == 'all venues, by year'")
    venues = papers.query("series != 'all venues, by year'")
    assert pooled[["pytorch", "tensorflow", "total"]].sum().equals(venues[["pytorch", "tensorflow", "total"]].sum())
    assert list(pooled.loc[pooled["complete"], "period"]) == ["2018", "2019", "2020"]


def test_shares_of_papers_carry_the_wilson_interval_of_their_counts(shares):
    row = shares.query("series == 'CVPR (accepted papers)' and period == '2019-06'").iloc[0]
    assert (row["low"], row["high"]) == tuple(map(float, wilson(294, 442)))
    assert row["interval"] == "wilson 95 %"
    assert row["coverage"] == pytest.approx(442 / 1294)


# what the reference knows about crossing dates


@pytest.mark.parametrize(
    ("indicator", "series", "rule", "first", "lasting", "status"),
    [
        ("conference_papers", "all venues, by year", None, "2019", "2019", "crossed"),
        ("pypi_downloads_30d", "PyPI", None, "2024-04", "2024-04", "crossed"),
        ("pypi_downloads_30d", "PyPI", "builds_added", "2024-05", "2024-05", "crossed"),
        ("github_topic_pushers", "US", None, "2020Q2", "2020Q4", "crossed"),
        ("github_topic_pushers", "IN", None, None, None, "not yet"),
        ("hiring_posts", "by year", None, "2022", "2022", "crossed"),
        ("github_stars", "GitHub", None, None, None, "not yet"),
        ("transformers_modules", "transformers", None, "2020-06-02", "2020-06-02", "never behind"),
        ("stackoverflow_questions", "Stack Overflow", None, None, None, "ended before"),
    ],
)
def test_known_crossings_come_out_of_the_data(row_of, indicator, series, rule, first, lasting, status):
    row = row_of(indicator, series, rule)
    assert (row["first_lead"], row["lasting_lead"], row["status"]) == (first, lasting, status)


def test_the_interval_says_between_which_years_hiring_posts_cross(row_of):
    row = row_of("hiring_posts", "by year")
    assert (row["could_lead_from"], row["surely_leads_from"]) == ("2021", "2022")
    assert "One unit may name both" in row["how_sure"]


def test_how_sure_names_the_reversal_and_the_other_rule_where_there_is_no_interval(row_of):
    row = row_of("github_topic_pushers", "US")
    assert row["reversals"] == 1
    assert row["could_lead_from"] is None
    assert "falls behind again once" in row["how_sure"]
    assert "No interval: " in row["how_sure"]
    assert "2021Q4" in row["how_sure"]


def test_no_sentence_holds_a_missing_value(crossings):
    assert not crossings["how_sure"].str.contains(r"\b(?:nan|None)\b").any()


# definitions, on small series


def test_a_tie_is_no_lead_and_no_reversal():
    row = crossing_of({"2020Q1": (5, 9), "2020Q2": (9, 5), "2020Q3": (7, 7), "2020Q4": (9, 5)})
    assert (row["lasting_lead"], row["reversals"], row["periods_after"]) == ("2020Q2", 0, 2)


def test_a_lead_lost_at_the_end_does_not_last():
    row = crossing_of({"2020Q1": (5, 9), "2020Q2": (9, 5), "2020Q3": (5, 9)})
    assert (row["first_lead"], row["lasting_lead"], row["status"]) == ("2020Q2", None, "not yet")


def test_a_series_that_stopped_long_ago_counts_as_ended():
    row = crossing_of({"2017": (5, 9), "2018": (6, 9)}, "stackoverflow_questions", retrieved="2021-01-02")
    assert row["status"] == "ended before"


def test_a_small_early_period_does_not_set_the_date_from_which_a_lead_is_possible():
    counts = {"2017-06": (0, 3), "2018-06": (0, 60), "2019-06": (30, 32), "2020-06": (90, 10)}
    row = crossing_of(counts, "conference_papers", total=1000)
    assert (row["could_lead_from"], row["surely_leads_from"]) == ("2019-06", "2020-06")


def test_a_missing_row_leaves_the_share_empty_and_is_not_zero():
    table = count_shares(made_up("github_topic_pushers", {"2020Q1": (300, 200), "2020Q2": (300, None)}))
    assert list(table["share"].notna()) == [True, False]
    assert table["tensorflow"].isna().iloc[1]


def test_nobody_named_gives_no_share():
    table = count_shares(made_up("conference_papers", {"2015-06": (0, 0)}, total=602))
    assert table["share"].isna().all()


def test_economies_are_never_added_up(shares):
    assert set(shares.query("indicator == 'github_topic_pushers'")["series"]) == {"CN", "DE", "EU", "GB", "IN", "US"}


def test_no_interval_is_invented_where_units_are_counted_completely(shares):
    without = shares[shares["interval"] != "wilson 95 %"]
    assert without["low"].isna().all()
    assert without["interval"].str.match("none: .{20}").all()
    assert set(without["indicator"]) == {
        *("github_topic_pushers", "pypi_downloads_30d", "transformers_modules"),
        *("github_stars", "stackoverflow_questions"),
    }


def test_a_rule_that_adds_nothing_to_a_series_is_left_out(shares):
    assert set(shares.query("indicator == 'github_topic_pushers' and series == 'DE'")["rule"]) == {"topics"}


def test_rates_are_counts_among_all_units_with_their_interval(embedded):
    rates = count_rates(embedded[0])
    assert set(rates["indicator"]) == {"conference_papers", "hiring_posts", "arxiv_abstracts"}
    row = rates.query("series == 'by year' and period == '2022' and framework == 'pytorch'").iloc[0]
    assert row["count"] == 92
    assert row["rate"] == pytest.approx(92 / row["total"])
    assert row["low"] < row["rate"] < row["high"]


def test_the_year_of_a_rate_counts_each_post_once(embedded):
    posts = embedded[0].query("source == 'hiringtrends' and framework == 'pytorch'")
    expected = posts.groupby(posts["period"].str[:4])["total"].sum()
    rates = count_rates(embedded[0]).query("series == 'by year' and framework == 'keras'").set_index("period")
    assert (rates["total"] == expected.loc[rates.index]).all()


# periods and breaks


@pytest.mark.parametrize(
    ("text", "start", "end", "grain"),
    [
        ("2019", "2019-01-01", "2019-12-31", "year"),
        ("2020Q1", "2020-01-01", "2020-03-31", "quarter"),
        ("2020-02", "2020-02-01", "2020-02-29", "month"),
        ("2020-02-29", "2020-02-29", "2020-02-29", "day"),
    ],
)
def test_periods_cover_their_days(text, start, end, grain):
    period = parse_period(text)
    assert (period.start.isoformat(), period.end.isoformat(), period.grain) == (start, end, grain)


@pytest.mark.parametrize("text", ["2019-13", "2019Q5", "19-01", "2021-02-29", "2019/2020", ""])
def test_periods_that_do_not_exist_are_refused(text):
    with pytest.raises(ValueError, match=r"\S"):
        parse_period(text)


def test_breaks_are_read_from_the_words_of_the_sources(embedded):
    found = parse_breaks("2018-08 log loss ends; 2020-12/2021-04 undercount; 2021-05 and 2022-05: all submissions")
    assert [(item.start.isoformat(), item.end.isoformat(), item.reason) for item in found] == [
        ("2018-08-01", "2018-08-01", "log loss ends"),
        ("2020-12-01", "2021-04-30", "undercount"),
        ("2021-05-01", "2021-05-01", "all submissions"),
        ("2022-05-01", "2022-05-01", "all submissions"),
    ]
    for text in embedded[1]["breaks"]:
        parse_breaks(text)
    with pytest.raises(ValueError, match="does not start with a period"):
        parse_breaks("from August on everything changed")


def test_a_span_that_runs_backwards_is_refused():
    with pytest.raises(ValueError, match="ends before it starts"):
        parse_span("2020-05/2020-01")


# the files


def written(out_dir):
    files = (DATA / f"adoption_{name}.csv" for name in ("figures", "sources", "quotes"))
    return write_tables(*files, SCHEMAS, out_dir)


def test_tables_are_written_the_same_to_the_byte(tmp_path):
    written(tmp_path / "a")
    written(tmp_path / "b")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == [
        *("adoption_crossings.csv", "adoption_quotes.csv", "adoption_rates.csv"),
        *("adoption_shares.csv", "refresh.csv", "sources.csv"),
    ]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_the_source_table_says_the_last_period_and_all_breaks(tmp_path):
    sources = written(tmp_path)["sources"].set_index("source")
    assert sources.loc["top_pypi_packages", "last_period"] == "2026-04"
    assert sources.loc["github_innovation_graph", "last_period"] == "2025Q3"
    assert "29 days" in sources.loc["top_pypi_packages", "breaks"]
    assert len(parse_breaks(sources.loc["top_pypi_packages", "breaks"])) == 6


def test_the_three_quotes_of_papers_with_code_are_carried():
    quotes = read_quotes(DATA / "adoption_quotes.csv", SCHEMAS).query("measure == 'code_labels'")
    points = list(quotes[["as_of", "pytorch_percent", "tensorflow_percent"]].itertuples(index=False, name=None))
    assert points == [("2020", 47, 18), ("2022", 60, 11), ("2023-05", 59, 5)]


def test_indicator_knowledge_names_its_fault(tmp_path):
    path = tmp_path / "indicators.yaml"
    path.write_text("github_stars:\n  rules: []\n  series: []\n  graine: month\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"indicators\.yaml: github_stars: .*graine"):
        load_indicators(path)
