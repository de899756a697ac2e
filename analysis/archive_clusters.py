"""The archive of Papers with Code: how alike the papers of one owner are, and which field a paper belongs to.

What the monthly counts of ``archive_labels`` cannot say, as small tables: by how much owners with many papers inflate
the variance of a share, how they link the quarters, shares of owners drawn anew, and counts by arXiv field. Like all
counts of the archive they are CC-BY-SA-4.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars

from analysis.trends import clusters
from analysis.trends.fields import load_fields

NULL = "(null)"
NOT_ON_ARXIV = "not on arXiv, or not among the harvested categories"
RULES = ("all", "official")
SAMPLES = 400
FIELD_SAMPLES = 200  # fewer, for there are several fields
SEED = 20250724
PYTORCH, TENSORFLOW, BOTH, OTHER = range(4)


def cluster_tables(links: Path, papers: Sequence[Path]) -> dict[str, polars.DataFrame]:
    """Return what clustering does to the shares of the archive.

    links    parquet with paper_url, repo_url, framework, is_official
    papers   parquet files with paper_url and date

    clustering_by_month    month, repositories (all or official), papers and repositories_counted (those with pytorch
                           or tf alone), owners, and by how much the variance exceeds the binomial one:
                           paper_share_by_owner, classes_by_owner (four classes of papers),
                           repository_share_by_owner, repository_share_by_paper
    clustering_by_quarter  repositories, unit (papers or repositories), quarter, other_quarter, covariance of the sums
                           of residuals (``clusters.covariance``); each pair once
    bootstrap_by_quarter   repositories, sample, quarter, pytorch, tensorflow: papers with one of the two alone, when
                           the owners are drawn anew with replacement, 400 times, seeded; of all repositories

    The owner is the account of the address. A paper with repositories of several owners belongs to that of its
    official ones, among several to the one with most links, then by name.
    """
    linked = _linked(links, papers)
    months, quarters = [], []
    for rule in RULES:
        rows = linked if rule == "all" else linked.filter("official")
        if rows.is_empty():
            continue
        by_paper, by_repository = _papers(rows), _repositories(rows)
        months.append(_by_month(rule, by_paper, by_repository))
        quarters += [
            _by_quarter(rule, "papers", _decided(by_paper)),
            _by_quarter(rule, "repositories", _decided(by_repository)),
        ]
    return {
        "clustering_by_month": polars.concat(months),
        "clustering_by_quarter": polars.concat(quarters),
        "bootstrap_by_quarter": _samples(RULES[0], _decided(_papers(linked))),
    }


def field_tables(
    links: Path, papers: Sequence[Path], records: polars.LazyFrame | polars.DataFrame
) -> dict[str, polars.DataFrame]:
    """Return papers with code by field, of all repositories, and what clustering does to their shares.

    records   arxiv_id, primary_category, categories (space-separated), one row a paper (``records.latest``)

    papers_by_field              quarter, which, field, labels, papers
    clustering_by_field          which, field, quarter, papers (those with pytorch or tf alone), owners, and by how much
                                 owners inflate the variance of the share: share_by_owner
    clustering_by_field_quarter  field, quarter, other_quarter, covariance as in ``clustering_by_quarter``; by primary
                                 category
    bootstrap_by_field           field, sample, quarter, pytorch, tensorflow: the owners of a field's papers drawn anew,
                                 200 times, seeded; by primary category. A paper is drawn with its owner, so that an
                                 owner with one paper is a paper drawn anew

    By ``primary`` category a paper counts once; by ``any`` once in each field that one of its categories belongs to.
    Which categories make a field stands in ``analysis/trends/fields.yaml``. Papers that have no record count in the
    field ``not on arXiv, or not among the harvested categories``, so that none is dropped.
    """
    linked = _linked(links, papers)
    by_field = _fielded(linked, records)
    labels = linked.group_by("paper").agg(polars.col("framework").unique().sort().str.join("+").alias("labels"))
    counts = by_field.join(labels, on="paper").group_by(_quarter(), "which", "field", "labels")
    decided = _decided(_papers(linked)).select("paper", "owner", "kind")
    known = by_field.join(decided, on="paper").sort("which", "field", "month", "paper")
    parts: dict[str, list[polars.DataFrame]] = {"effects": [], "covariance": [], "samples": []}
    for (which, field), rows in known.group_by("which", "field", maintain_order=True):
        parts["effects"].append(_field_effects(which, field, rows))
        if which == "primary":
            parts["covariance"].append(_by_quarter("all", "papers", rows).select(_named(field), polars.all()))
            parts["samples"].append(_samples("all", rows, FIELD_SAMPLES).select(_named(field), polars.all()))
    return {
        "papers_by_field": counts.agg(polars.len().cast(polars.Int64).alias("papers")).sort(
            "which", "quarter", "field", "labels"
        ),
        "clustering_by_field": _stacked(parts["effects"]),
        "clustering_by_field_quarter": _stacked(parts["covariance"], "repositories", "unit"),
        "bootstrap_by_field": _stacked(parts["samples"], "repositories"),
    }


def _named(field: str) -> polars.Expr:
    return polars.lit(field).alias("field")


def _stacked(parts: list[polars.DataFrame], *unwanted: str) -> polars.DataFrame:
    return polars.concat(parts).drop(*unwanted) if parts else polars.DataFrame()


def _field_effects(which: str, field: str, rows: polars.DataFrame) -> polars.DataFrame:
    """Return papers, owners and design effect of each quarter of a field."""
    names, place = np.unique(rows["month"].to_numpy() // 3, return_inverse=True)
    owner = _codes(rows["owner"])
    values = (rows["kind"].to_numpy() == PYTORCH).astype(float)
    effects = clusters.design_effects(place, owner, values, len(names), uneven=True)
    pairs = np.unique(np.stack([place, owner]), axis=1)[0]
    return polars.DataFrame(
        {
            "which": [which] * len(names),
            "field": [field] * len(names),
            "quarter": [_name(at) for at in names],
            "papers": np.bincount(place, minlength=len(names)),
            "owners": np.bincount(pairs, minlength=len(names)),
            "share_by_owner": np.round(effects, 4),
        }
    )


def _fielded(linked: polars.DataFrame, records: polars.LazyFrame | polars.DataFrame) -> polars.DataFrame:
    """Return paper, month, which and field: one row a paper by primary category, one a field by any category."""
    lookup = load_fields()
    months = linked.group_by("paper").agg(polars.first("month"), polars.first("arxiv_id"))
    known = records.lazy().select("arxiv_id", "primary_category", "categories").unique("arxiv_id").collect()
    joined = months.join(known, on="arxiv_id", how="left")

    def field(category: polars.Expr) -> polars.Expr:
        named = category.replace_strict(lookup["categories"], default=lookup["otherwise"], return_dtype=polars.String)
        return polars.when(category.is_null()).then(polars.lit(NOT_ON_ARXIV)).otherwise(named).alias("field")

    primary = joined.select("paper", "month", field(polars.col("primary_category")))
    several = (
        joined.select("paper", "month", polars.col("categories").str.split(" ").alias("category"))
        .explode("category")
        .select("paper", "month", field(polars.col("category")))
        .unique()
    )
    return polars.concat(
        [
            rows.with_columns(polars.lit(which).alias("which"))
            for which, rows in (("primary", primary), ("any", several))
        ]
    )


def _linked(links: Path, papers: Sequence[Path]) -> polars.DataFrame:
    """Return paper, arxiv_id, month (year * 12 + month - 1), address, owner, framework, official: one row a label."""
    scanned = polars.scan_parquet(list(papers))
    names = scanned.collect_schema()
    date = polars.col("date")
    if names["date"] == polars.String:
        date = date.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    number = polars.col("arxiv_id") if "arxiv_id" in names else polars.lit(None, polars.String)
    dated = (
        scanned.select(
            polars.col("paper_url").alias("paper"),
            number.cast(polars.String).alias("arxiv_id"),
            (date.dt.year().cast(polars.Int32) * 12 + date.dt.month().cast(polars.Int32) - 1).alias("month"),
        )
        .drop_nulls("month")
        .group_by("paper")
        .agg(polars.min("month"), polars.col("arxiv_id").drop_nulls().min())
    )
    address = polars.col("repo_url").str.to_lowercase().str.strip_chars_end("/").str.strip_suffix(".git")
    owner = address.str.extract(r"^(?:https?://)?(?:www\.)?([^/]+/[^/]+)").fill_null(address)
    rows = polars.scan_parquet(links).select(
        polars.col("paper_url").alias("paper"),
        address.alias("address"),
        owner.alias("owner"),
        polars.col("framework").fill_null(NULL),
        polars.col("is_official").fill_null(False).alias("official"),
    )
    merged = rows.group_by("paper", "address", "owner", "framework").agg(polars.col("official").any())
    merged = merged.with_columns(polars.col("official").any().over("paper", "address"))
    return merged.join(dated, on="paper", how="inner").sort("paper", "address", "framework").collect()


def _kind() -> polars.Expr:
    """Return the class of a group of labels."""
    pytorch, tensorflow = ((polars.col("framework") == name).any() for name in ("pytorch", "tf"))
    chosen = polars.when(pytorch & tensorflow).then(BOTH).when(pytorch).then(PYTORCH).when(tensorflow).then(TENSORFLOW)
    return chosen.otherwise(OTHER).alias("kind")


def _papers(rows: polars.DataFrame) -> polars.DataFrame:
    """Return month, owner and kind of every paper."""
    ranked = rows.with_columns(polars.len().over("owner").alias("size")).sort(
        "paper", "official", "size", "owner", descending=[False, True, True, False]
    )
    return ranked.group_by("paper", maintain_order=True).agg(polars.first("month"), polars.first("owner"), _kind())


def _repositories(rows: polars.DataFrame) -> polars.DataFrame:
    """Return paper, month, owner and kind of every link of a paper and a repository."""
    return rows.group_by("paper", "address", maintain_order=True).agg(
        polars.first("month"), polars.first("owner"), _kind()
    )


def _decided(rows: polars.DataFrame) -> polars.DataFrame:
    return rows.filter(polars.col("kind").is_in([PYTORCH, TENSORFLOW]))


def _codes(names: polars.Series) -> np.ndarray:
    return names.rank("dense").to_numpy().astype(np.int64) - 1


def _by_month(rule: str, papers: polars.DataFrame, repositories: polars.DataFrame) -> polars.DataFrame:
    first = papers["month"].min()
    count = papers["month"].max() - first + 1

    def effects(rows: polars.DataFrame, cluster: str, classes: Sequence[int]) -> np.ndarray:
        if rows.is_empty():
            return np.ones(count)
        values = (rows["kind"].to_numpy()[:, None] == np.array(classes)).astype(float)
        return clusters.design_effects(rows["month"].to_numpy() - first, _codes(rows[cluster]), values, count)

    decided, links = _decided(papers), _decided(repositories)
    table = polars.DataFrame(
        {
            "at": np.arange(first, first + count, dtype=np.int32),
            "paper_share_by_owner": effects(decided, "owner", [PYTORCH]),
            "classes_by_owner": effects(papers, "owner", [PYTORCH, TENSORFLOW, BOTH, OTHER]),
            "repository_share_by_owner": effects(links, "owner", [PYTORCH]),
            "repository_share_by_paper": effects(links, "paper", [PYTORCH]),
        }
    )
    counts = papers.group_by(polars.col("month").alias("at")).agg(
        polars.col("kind").is_in([PYTORCH, TENSORFLOW]).sum().cast(polars.Int64).alias("papers"),
        polars.col("owner").n_unique().cast(polars.Int64).alias("owners"),
    )
    linked = links.group_by(polars.col("month").alias("at")).agg(
        polars.len().cast(polars.Int64).alias("repositories_counted")
    )
    effect = polars.selectors.ends_with("_by_owner", "_by_paper").round(4)
    return (
        table.join(counts, on="at", how="inner")
        .join(linked, on="at", how="left")
        .sort("at")
        .select(
            _month(polars.col("at")),
            polars.lit(rule).alias("repositories"),
            "papers",
            polars.col("repositories_counted").fill_null(0),
            "owners",
            effect,
        )
    )


def _by_quarter(rule: str, unit: str, rows: polars.DataFrame) -> polars.DataFrame:
    quarter = rows["month"].to_numpy() // 3
    names, place = np.unique(quarter, return_inverse=True)
    values = (rows["kind"].to_numpy() == PYTORCH).astype(float)
    matrix = clusters.covariance(place, _codes(rows["owner"]), values, len(names)) if len(rows) else np.empty((0, 0))
    one, other = np.tril_indices(len(names))
    kept = matrix[one, other] != 0
    return polars.DataFrame(
        {
            "repositories": [rule] * int(kept.sum()),
            "unit": [unit] * int(kept.sum()),
            "quarter": [_name(at) for at in names[one[kept]]],
            "other_quarter": [_name(at) for at in names[other[kept]]],
            "covariance": np.round(matrix[one, other][kept], 4),
        },
        schema_overrides=dict.fromkeys(("repositories", "unit", "quarter", "other_quarter"), polars.String),
    )


def _samples(rule: str, rows: polars.DataFrame, number: int = SAMPLES) -> polars.DataFrame:
    """Return the counts of owners drawn with replacement, each with all its papers."""
    quarter = rows["month"].to_numpy() // 3
    names, place = np.unique(quarter, return_inverse=True)
    owner, kind = _codes(rows["owner"]), rows["kind"].to_numpy()
    size = int(owner.max()) + 1 if len(owner) else 0
    rng = np.random.default_rng([SEED, RULES.index(rule)])
    parts = []
    for sample in range(number if size else 0):
        times = np.bincount(rng.integers(size, size=size), minlength=size)[owner]
        counts = [np.bincount(place[kind == one], times[kind == one], len(names)) for one in (PYTORCH, TENSORFLOW)]
        parts.append(np.column_stack([np.full(len(names), sample), np.arange(len(names)), *counts]).astype(np.int64))
    table = np.concatenate(parts) if parts else np.empty((0, 4), dtype=np.int64)
    return polars.DataFrame(
        {
            "repositories": [rule] * len(table),
            "sample": table[:, 0],
            "quarter": [_name(names[at]) for at in table[:, 1]],
            "pytorch": table[:, 2],
            "tensorflow": table[:, 3],
        },
        schema_overrides={"repositories": polars.String, "quarter": polars.String},
    )


def _name(quarter: int) -> str:
    return f"{quarter // 4}Q{quarter % 4 + 1}"


def _quarter() -> polars.Expr:
    month = polars.col("month")
    return polars.format("{}Q{}", month // 12, month % 12 // 3 + 1).alias("quarter")


def _month(at: polars.Expr) -> polars.Expr:
    return polars.format("{}-{}", at // 12, (at % 12 + 1).cast(polars.String).str.zfill(2)).alias("month")
