"""The archive of Papers with Code: all tables of ``archive_labels.count``, and the bare join with one table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Work = Callable[[], dict[str, object]]
COLUMNS = ["paper_url", "framework", "is_official", "mentioned_in_paper"]


def _files(folder: Path) -> tuple[Path, list[Path]]:
    return folder / "links.parquet", sorted(folder.glob("papers-*.parquet"))


def ours(folder: Path) -> Work:
    """``analysis.archive_labels.count``: repositories, papers by set of labels (all and official), coverage."""
    from analysis import archive_labels

    def work() -> dict[str, object]:
        tables = archive_labels.count(*_files(folder))
        papers, coverage = tables["papers_by_month"], tables["coverage_by_month"]
        answer = [
            tables["repositories_by_month"].height,
            tables["repositories_by_month"]["repositories"].sum(),
            papers.height,
            papers["papers"].sum(),
            *(coverage[name].sum() for name in ("papers", "with_repository", "with_label")),
        ]
        return {"items": 1, "answer": answer}

    return work


DUCKDB_TABLES = r"""
create temp table found as
with links as (
  select paper_url, regexp_replace(regexp_replace(lower(repo_url), '/+$', ''), '\.git$', '') as repository,
         coalesce(framework, '(null)') as framework, is_official, mentioned_in_paper
  from read_parquet('{links}')),
joined as (select links.*, date_trunc('month', date) as month from links join read_parquet({papers}) using (paper_url)),
merged as (
  select paper_url, repository, any_value(month) as month, bool_or(is_official) as official,
         bool_or(mentioned_in_paper) as mentioned, list(distinct framework) as frameworks
  from joined where month is not null group by paper_url, repository)
select paper_url, month, official, mentioned, unnest(frameworks) as framework from merged
"""
DUCKDB_PAPERS = """
select month, labels, count(*) from (
  select month, string_agg(distinct framework, '+' order by framework) as labels from found {where}
  group by paper_url, month) group by all
"""


def duckdb(folder: Path) -> Work:
    """The same tables in SQL."""
    import duckdb

    links, papers = _files(folder)
    papers = [str(path) for path in papers]

    def work() -> dict[str, object]:
        base = duckdb.connect(config={"threads": 1})
        base.execute(DUCKDB_TABLES.format(links=links, papers=papers))
        ask = lambda query: base.execute(query).fetchall()  # noqa: E731
        repositories = ask("select month, framework, official, mentioned, count(*) from found group by all")
        sets = [row for where in ("", "where official") for row in ask(DUCKDB_PAPERS.format(where=where))]
        dated = f"select date_trunc('month', date) as month, count(*) from read_parquet({papers}) group by all"  # noqa: S608
        every = ask(dated)
        coverage = ask(
            "select month, count(distinct paper_url), count(distinct paper_url) filter (framework not in "
            "('none', '(null)')) from found group by all"
        )
        answer = [
            len(repositories),
            sum(row[-1] for row in repositories),
            len(sets),
            sum(row[-1] for row in sets),
            sum(row[1] for row in every),
            sum(row[1] for row in coverage),
            sum(row[2] for row in coverage),
        ]
        return {"items": 1, "answer": answer}

    return work


def join_ours(folder: Path) -> Work:
    """The bare join our way: polars, streamed, addresses hashed."""
    return _join_polars(folder, lambda column: column.hash(1))


def join_polars(folder: Path) -> Work:
    """The bare join in polars, streamed, addresses as they are."""
    return _join_polars(folder, lambda column: column)


def _join_polars(folder: Path, key: Callable) -> Work:
    import polars as pl

    links, papers = _files(folder)

    def work() -> dict[str, object]:
        address = key(pl.col("paper_url")).alias("paper")
        month = (pl.col("date").dt.year().cast(pl.Int32) * 12 + pl.col("date").dt.month()).alias("month")
        table = (
            pl.scan_parquet(links)
            .select(address, *COLUMNS[1:])
            .join(pl.scan_parquet(papers).select(address, month), on="paper")
            .group_by("month", *COLUMNS[1:])
            .agg(pl.len().alias("links"))
            .collect(engine="streaming")
        )
        return {"items": 1, "answer": [table.height, int(table["links"].sum())]}

    return work


def join_duckdb(folder: Path) -> Work:
    """The bare join in duckdb."""
    import duckdb

    links, papers = _files(folder)

    def work() -> dict[str, object]:
        base = duckdb.connect(config={"threads": 1})
        table = base.execute(
            "select year(date) * 12 + month(date) as month, framework, is_official, mentioned_in_paper, count(*) "  # noqa: S608
            f"from read_parquet('{links}') join read_parquet({[str(path) for path in papers]}) using (paper_url) "
            "group by all"
        ).fetchall()
        return {"items": 1, "answer": [len(table), sum(row[-1] for row in table)]}

    return work


def join_pyarrow(folder: Path) -> Work:
    """The bare join in pyarrow, columns projected."""
    import pyarrow
    import pyarrow.compute as pc
    import pyarrow.parquet

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)
    links, papers = _files(folder)

    def work() -> dict[str, object]:
        left = pyarrow.parquet.read_table(links, columns=COLUMNS)
        right = pyarrow.concat_tables(
            pyarrow.parquet.read_table(path, columns=["paper_url", "date"]) for path in papers
        )
        joined = left.join(right, "paper_url", join_type="inner", use_threads=False)
        month = pc.add(pc.multiply(pc.year(joined["date"]), 12), pc.month(joined["date"]))
        table = (
            joined.append_column("month", month)
            .group_by(["month", *COLUMNS[1:]], use_threads=False)
            .aggregate([([], "count_all")])
        )
        return {"items": 1, "answer": [table.num_rows, pc.sum(table["count_all"]).as_py()]}

    return work


def join_pandas(folder: Path) -> Work:
    """The bare join in pandas, columns projected."""
    import pandas
    import pyarrow.parquet  # noqa: F401 - what pandas reads parquet with

    links, papers = _files(folder)

    def work() -> dict[str, object]:
        left = pandas.read_parquet(links, columns=COLUMNS)
        right = pandas.concat([pandas.read_parquet(path, columns=["paper_url", "date"]) for path in papers])
        joined = left.merge(right, on="paper_url")
        joined["month"] = joined["date"].dt.year * 12 + joined["date"].dt.month
        table = joined.groupby(["month", *COLUMNS[1:]], dropna=False).size()
        return {"items": 1, "answer": [len(table), int(table.sum())]}

    return work


CONTENDERS = {
    "ours": ours,
    "duckdb": duckdb,
    "join, our way": join_ours,
    "join, duckdb": join_duckdb,
    "join, polars": join_polars,
    "join, pyarrow": join_pyarrow,
    "join, pandas": join_pandas,
}
