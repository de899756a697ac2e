"""The archive of Papers with Code: which framework the code of papers is written in, month by month.

Links between papers and repositories carry the label but no date; the papers carry the date. They are joined on
``paper_url``. The archive is CC-BY-SA-4.0: its tables are never kept, counts made from them carry its licence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars

from reproductions.errors import SurveyError

LABELS = ("caffe2", "jax", "mindspore", "mxnet", "none", "paddle", "pytorch", "tf", "torch")
NULL = "(null)"
_ALL = (*LABELS, NULL)
SEEDS = (20250724, 19991231)
COLLISION = "two addresses of papers have one hash; change analysis.archive_labels.SEEDS"
STRATA = {"all": "papers, all repositories", "official": "papers, official repositories"}
SOURCE = "pwc_archive"


def count(links: Path, papers: Sequence[Path]) -> dict[str, polars.DataFrame]:
    """Join the links with the dates of the papers and count by month of publication (``YYYY-MM``).

    repositories_by_month  month, framework, official, mentioned_in_paper, repositories
    papers_by_month        month, repositories (all or official), labels, papers: ``labels`` is the sorted set of
                           distinct labels of the paper's repositories, joined by ``+``
    coverage_by_month      month, papers (all in the archive), with_repository, with_label (other than none and null)
    unmatched              what, links or papers that could not be counted, each with its number

    A repository is linked to a paper once, however its address is written (case, ``.git``, trailing slash); where such
    repeated links differ in their label, each label counts; they are official or mentioned if one of them is. A label
    that is null is ``(null)``, which is not ``none``: the archive says "none" where it looked and found no framework.

    A paper that is listed twice counts once, in its first month.

    raises  SurveyError for a label that is not in ``LABELS`` and for files that cannot be read
    """
    try:
        dated, linked = _papers(papers), _links(links)
    except polars.exceptions.PolarsError as error:
        raise SurveyError(f"{links}: the archive cannot be read ({error}); fetch it again") from error
    joined = linked.join(dated, on="paper", how="inner", maintain_order="none")
    if joined.select((polars.col("check") != polars.col("check_right")).any()).item():
        raise SurveyError(f"{links}: {COLLISION}")
    found = _repositories(joined.drop_nulls("month"))
    sets = {name: _label_sets(rows) for name, rows in (("all", found), ("official", found.filter("official")))}
    unmatched = {
        "links to no paper of the archive": linked.height - joined.height,
        "links to papers without date": joined["month"].null_count(),
        "papers without date": dated["month"].null_count(),
    }
    return {
        "repositories_by_month": found.group_by("month", "framework", "official", "mentioned_in_paper")
        .agg(polars.len().cast(polars.Int64).alias("repositories"))
        .with_columns(_month_text(), polars.col("framework").cast(polars.String))
        .sort("month", "framework", "official", "mentioned_in_paper"),
        "papers_by_month": _papers_by_month(sets),
        "coverage_by_month": _coverage(dated, sets["all"]),
        "unmatched": polars.DataFrame({"what": list(unmatched), "number": list(unmatched.values())}),
    }


def figures(tables: Mapping[str, polars.DataFrame]) -> polars.DataFrame:
    """Return the counts as rows of the adoption table: each paper with code in exactly one class.

    columns  indicator, period (YYYY-MM), stratum, framework, count, total, source
    classes  pytorch (and not tf), tensorflow (label tf and not pytorch), both, other (only further frameworks),
             none (no label but none and null); ``total`` counts the papers with a repository of the stratum
    """
    labels = polars.col("labels").str.split("+")
    pytorch, tensorflow = labels.list.contains("pytorch"), labels.list.contains("tf")
    nothing = labels.list.set_difference(["none", NULL]).list.len() == 0
    kind = (
        polars.when(pytorch & tensorflow)
        .then(polars.lit("both"))
        .when(pytorch)
        .then(polars.lit("pytorch"))
        .when(tensorflow)
        .then(polars.lit("tensorflow"))
        .when(nothing)
        .then(polars.lit("none"))
        .otherwise(polars.lit("other"))
    )
    classes = polars.DataFrame({"framework": ["pytorch", "tensorflow", "both", "other", "none"]})
    keys = ["month", "repositories", "framework"]
    counts = tables["papers_by_month"].with_columns(kind.alias("framework")).group_by(keys).agg(polars.sum("papers"))
    return (
        counts.group_by("month", "repositories")
        .agg(polars.sum("papers").alias("total"))
        .join(classes, how="cross")
        .join(counts, on=keys, how="left")
        .select(
            polars.lit("code_labels").alias("indicator"),
            polars.col("month").alias("period"),
            polars.col("repositories").replace_strict(STRATA).alias("stratum"),
            "framework",
            polars.col("papers").fill_null(0).alias("count"),
            "total",
            polars.lit(SOURCE).alias("source"),
        )
        .sort("period", "stratum", "framework")
    )


def _papers(papers: Sequence[Path]) -> polars.DataFrame:
    """Return ``paper, check`` (two hashes of the address) and ``month`` (2024 * 12 + 0 is January 2024, or null)."""
    scanned = polars.scan_parquet(list(papers))
    date = polars.col("date")
    if scanned.collect_schema()["date"] == polars.String:
        date = date.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    month = date.dt.year().cast(polars.Int32) * 12 + date.dt.month().cast(polars.Int32) - 1
    found = scanned.select(*_hashes("paper_url", "paper", "check"), month.alias("month")).collect(engine="streaming")
    if found["paper"].n_unique() == found.height:
        return found
    if found.select(polars.struct("paper", "check").n_unique() != polars.col("paper").n_unique()).item():
        raise SurveyError(f"{papers[0]}: {COLLISION}")
    # A paper that is listed again is one paper, of the month in which it is listed first.
    return found.group_by("paper", "check").agg(polars.min("month"))


def _links(links: Path) -> polars.DataFrame:
    """Return ``paper, check, repository`` (hashes), ``framework`` (Enum), ``official``, ``mentioned_in_paper``."""
    scanned = polars.scan_parquet(links)
    _refuse_labels(scanned, links)
    address = polars.col("repo_url").str.to_lowercase().str.strip_chars_end("/").str.strip_suffix(".git")
    return scanned.select(
        *_hashes("paper_url", "paper", "check"),
        address.hash(SEEDS[0]).alias("repository"),
        polars.col("framework").fill_null(NULL).cast(polars.Enum(_ALL)),
        polars.col("is_official").fill_null(False).alias("official"),
        polars.col("mentioned_in_paper").fill_null(False),
    ).collect(engine="streaming")


def _hashes(column: str, *names: str) -> list[polars.Expr]:
    # Eight bytes instead of sixty a paper: the join neither keeps nor compares the addresses. A second hash tells two
    # addresses apart that the first one does not.
    return [polars.col(column).hash(seed).alias(name) for name, seed in zip(names, SEEDS, strict=True)]


def _refuse_labels(scanned: polars.LazyFrame, links: Path) -> None:
    seen = scanned.group_by("framework").agg(polars.len().alias("links")).collect()
    unknown = seen.drop_nulls("framework").filter(~polars.col("framework").is_in(LABELS)).sort("framework")
    if unknown.height:
        named = ", ".join(f"{label!r} ({number} links)" for label, number in unknown.iter_rows())
        raise SurveyError(
            f"{links}: unknown label {named}; decide what it means and add it to analysis.archive_labels.LABELS"
        )


def _repositories(joined: polars.DataFrame) -> polars.DataFrame:
    """Return one row a paper, repository and label."""
    link = ["paper", "repository"]
    twice = joined.select(polars.struct(link).is_duplicated()).to_series()
    merged = (
        joined.filter(twice)
        .with_columns(polars.col("official", "mentioned_in_paper").any().over(link))
        .unique([*link, "framework"])
    )
    return polars.concat([joined.filter(~twice), merged])


def _label_sets(found: polars.DataFrame) -> polars.DataFrame:
    """Return ``month, labels`` of each paper; labels as a sum of powers of two, one a label of ``_ALL``."""
    power = polars.lit(1, polars.UInt16) * 2 ** polars.col("framework").to_physical().cast(polars.UInt16)
    return found.group_by("paper").agg(polars.first("month"), power.cast(polars.UInt16).bitwise_or().alias("labels"))


def _papers_by_month(sets: Mapping[str, polars.DataFrame]) -> polars.DataFrame:
    counted = [
        papers.group_by("month", "labels")
        .agg(polars.len().cast(polars.Int64).alias("papers"))
        .select(_month_text(), polars.lit(name).alias("repositories"), "labels", "papers")
        for name, papers in sets.items()
    ]
    table = polars.concat(counted)
    texts = {
        mask: "+".join(sorted(label for bit, label in enumerate(_ALL) if mask >> bit & 1))
        for mask in table["labels"].unique()
    }
    named = polars.col("labels").replace_strict(texts, return_dtype=polars.String)
    return table.with_columns(named).sort("month", "repositories", "labels")


def _coverage(dated: polars.DataFrame, papers: polars.DataFrame) -> polars.DataFrame:
    nothing = sum(1 << _ALL.index(label) for label in ("none", NULL))
    labelled = (polars.col("labels") | nothing) != nothing
    coded = papers.group_by("month").agg(
        polars.len().cast(polars.Int64).alias("with_repository"), labelled.sum().cast(polars.Int64).alias("with_label")
    )
    return (
        dated.drop_nulls("month")
        .group_by("month")
        .agg(polars.len().cast(polars.Int64).alias("papers"))
        .join(coded, on="month", how="left")
        .with_columns(_month_text(), polars.col("with_repository", "with_label").fill_null(0))
        .sort("month")
    )


def _month_text() -> polars.Expr:
    month = polars.col("month")
    return polars.format("{}-{}", month // 12, (month % 12 + 1).cast(polars.String).str.zfill(2)).alias("month")
