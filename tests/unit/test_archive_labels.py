"""The archive of Papers with Code: labels by month."""

from datetime import datetime
from pathlib import Path

import polars
import pytest

from analysis import archive_labels
from reproductions.errors import SurveyError

HF = Path(__file__).parents[1] / "fixtures" / "protocols" / "hf"
LINK = {"paper_url": "p1", "repo_url": "https://github.com/a/b", "is_official": True, "mentioned_in_paper": True}


def archive(folder, links, papers=(("p1", datetime(2024, 1, 3)),)):
    """Write a small archive and count it."""
    rows = [{**LINK, "framework": "pytorch", **link} for link in links]
    polars.DataFrame(rows, schema_overrides={"framework": polars.String}).write_parquet(folder / "links.parquet")
    shards = []
    for number, paper in enumerate(papers):
        shards.append(folder / f"papers-{number}.parquet")
        schema = {"paper_url": polars.String, "date": polars.Datetime("ms")}
        polars.DataFrame([paper], schema=schema, orient="row").write_parquet(shards[-1])
    return archive_labels.count(folder / "links.parquet", shards)


def test_the_sample_is_counted_right():
    tables = archive_labels.count(HF / "links_sample.parquet", [HF / "papers_sample.parquet"])
    assert tables["papers_by_month"].rows() == [
        ("2024-01", "all", "jax", 1),
        ("2024-01", "all", "none", 2),
        ("2024-01", "all", "pytorch", 2),
        ("2024-01", "all", "pytorch+tf", 1),
        ("2024-01", "all", "tf", 2),
        ("2024-01", "all", "torch", 1),
        ("2024-01", "official", "jax", 1),
        ("2024-01", "official", "none", 2),
        ("2024-01", "official", "pytorch", 3),
        ("2024-01", "official", "tf", 2),
    ]
    assert tables["coverage_by_month"].rows() == [("2024-01", 12, 9, 7)]
    # 11 links, of which one names a repository again with another case and a trailing slash.
    assert tables["repositories_by_month"]["repositories"].sum() == 10
    assert tables["unmatched"]["number"].to_list() == [0, 0, 0]


def test_figures_put_each_paper_into_one_class():
    tables = archive_labels.count(HF / "links_sample.parquet", [HF / "papers_sample.parquet"])
    rows = archive_labels.figures(tables)
    assert rows.columns == ["indicator", "period", "stratum", "framework", "count", "total", "source"]
    every = rows.filter(polars.col("stratum") == "papers, all repositories")
    assert dict(every.select("framework", "count").rows()) == {
        "pytorch": 2,
        "tensorflow": 2,
        "both": 1,
        "other": 2,
        "none": 2,
    }
    sums = rows.group_by("stratum").agg(polars.sum("count"), polars.first("total"))
    assert sums["count"].to_list() == sums["total"].to_list()


@pytest.mark.parametrize("written", ["https://github.com/A/B", "https://github.com/a/b/", "https://github.com/a/b.git"])
def test_a_repository_counts_once_however_it_is_written(tmp_path, written):
    again = {"repo_url": written, "is_official": False, "mentioned_in_paper": False}
    assert archive(tmp_path, [{}, again])["repositories_by_month"].rows() == [("2024-01", "pytorch", True, True, 1)]


def test_a_repository_with_two_labels_keeps_both(tmp_path):
    tables = archive(tmp_path, [{}, {"framework": "tf", "is_official": False}])
    assert tables["papers_by_month"].filter(polars.col("repositories") == "all")["labels"].to_list() == ["pytorch+tf"]
    assert tables["repositories_by_month"].rows() == [
        ("2024-01", "pytorch", True, True, 1),
        ("2024-01", "tf", True, True, 1),
    ]


def test_a_null_label_is_not_the_label_none(tmp_path):
    tables = archive(tmp_path, [{"framework": None}, {"framework": "none", "repo_url": "https://github.com/c/d"}])
    assert tables["repositories_by_month"]["framework"].to_list() == ["(null)", "none"]
    assert tables["papers_by_month"]["labels"].unique().to_list() == ["(null)+none"]
    assert tables["coverage_by_month"].rows() == [("2024-01", 1, 1, 0)]
    assert archive_labels.figures(tables).filter(polars.col("count") > 0)["framework"].unique().to_list() == ["none"]


def test_an_unknown_label_fails_and_is_named_with_its_count(tmp_path):
    with pytest.raises(SurveyError, match=r"'tinygrad' \(2 links\).*LABELS"):
        archive(tmp_path, [{"framework": "tinygrad"}, {"framework": "tinygrad", "repo_url": "x"}, {}])


def test_what_cannot_be_counted_is_told(tmp_path):
    papers = (("p1", datetime(2024, 1, 3)), ("p2", None), ("p3", datetime(2023, 12, 31)))
    tables = archive(tmp_path, [{}, {"paper_url": "p2"}, {"paper_url": "gone"}], papers)
    assert dict(tables["unmatched"].rows()) == {
        "links to no paper of the archive": 1,
        "links to papers without date": 1,
        "papers without date": 1,
    }
    assert tables["coverage_by_month"].rows() == [("2023-12", 1, 0, 0), ("2024-01", 1, 1, 1)]


def test_dates_that_are_texts_are_read(tmp_path):
    polars.DataFrame([{**LINK, "framework": "jax"}]).write_parquet(tmp_path / "links.parquet")
    polars.DataFrame({"paper_url": ["p1"], "date": ["2024-12-31"]}).write_parquet(tmp_path / "papers.parquet")
    tables = archive_labels.count(tmp_path / "links.parquet", [tmp_path / "papers.parquet"])
    assert tables["papers_by_month"]["month"].unique().to_list() == ["2024-12"]


def test_a_paper_that_is_listed_twice_counts_once_in_its_first_month(tmp_path):
    tables = archive(tmp_path, [{}], (("p1", datetime(2024, 2, 3)), ("p1", datetime(2024, 1, 3)), ("p1", None)))
    assert tables["coverage_by_month"].rows() == [("2024-01", 1, 1, 1)]
    assert tables["papers_by_month"]["papers"].to_list() == [1, 1]


def test_a_file_that_is_cut_is_an_error_with_a_remedy(tmp_path):
    cut = tmp_path / "links.parquet"
    cut.write_bytes((HF / "links_sample.parquet").read_bytes()[:-40])
    with pytest.raises(SurveyError, match="fetch it again"):
        archive_labels.count(cut, [HF / "papers_sample.parquet"])
