"""What the two doors to arXiv share: from pages of records to monthly tables."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from analysis.harvesting.records import Page
from analysis.harvesting.run import Piece, Run
from analysis.harvesting.snapshots import Snapshot

DRAWN = (
    "pytorch",
    "tensorflow",
    "keras",
    "jax",
    "mxnet",
)  # frameworks of the figures; the tables have all that are named
FIGURES_FIELDS = ("title", "abstract")  # the comments field is counted apart: it tells of code more than of content


def since(run: Run, last: date) -> date:
    """Return the first day whose answer about a window that ended on ``last`` will do.

    Papers of a month still change for some weeks (late announcements, withdrawals); once it has settled, it is not
    asked again.
    """
    settled = last + timedelta(days=run.settings["settled_days"])
    return settled if settled <= run.today else run.today


def snapshot(
    run: Run,
    pieces: Iterable[Piece],
    parse: Callable[[bytes], Page],
    *,
    stratum: str,
    first: str,
    last: str,
) -> Snapshot:
    """Return the snapshot of a harvest.

    pieces       pages in the order of the harvest
    parse        ``atom.parse`` or ``oai.parse``
    stratum      name of the series
    first, last  months that are complete (YYYY-MM); papers of other months are not counted

    Tables: ``papers_by_month`` (month, category, papers with it as primary or as any category), ``mentions_by_month``
    (month, framework, field, papers), ``uses_by_month`` (how many of the mentions are expected to be use or release),
    ``named`` (identifiers of the papers that name a framework, with the field).
    """
    import polars as pl

    from analysis import mentions
    from analysis.harvesting import records

    parts = run.work / "records"
    shutil.rmtree(parts, ignore_errors=True)
    records.ingest((piece.answer.read for piece in pieces), parse, parts)
    frame = records.latest(parts).filter(
        pl.col("created").str.slice(0, 7).is_between(pl.lit(first), pl.lit(last), closed="both")
    )
    categories = run.settings["categories"]
    months = records.months(frame, categories)
    hits = mentions.scan(frame)
    whole = months.filter(pl.col("category") == records.ANY_CHOSEN).select("month", total=pl.col("papers_any"))
    named = (
        hits.group_by("arxiv_id", "created", "primary_category", "framework")
        .agg(fields=pl.col("field").unique().sort().str.join("+"))
        .sort("created", "arxiv_id", "framework")
    )
    by_month = (
        hits.with_columns(month=pl.col("created").str.slice(0, 7))
        .group_by("month", "framework", "field")
        .agg(papers=pl.col("arxiv_id").n_unique())
        .sort("month", "framework", "field")
    )
    counted = mentions.monthly(hits.filter(pl.col("field").is_in(FIGURES_FIELDS)), whole)
    figures = [
        {"indicator": run.source.indicator, "period": row["month"], "stratum": stratum}
        | {name: row[name] for name in ("framework", "count", "total")}
        for row in counted.filter(pl.col("framework").is_in(DRAWN)).to_dicts()
    ]
    about = hits.filter(pl.col("field").is_in(FIGURES_FIELDS) & pl.col("framework").is_in(DRAWN))
    return Snapshot(
        tables={
            "uses_by_month": _uses(frame, about),
            "papers_by_month": months.to_dicts(),
            "mentions_by_month": by_month.to_dicts(),
            "named": named.to_dicts(),
        },
        figures=figures,
        span=f"{first}/{last}",
        upstream=f"harvest of {run.today.isoformat()}",
        notes=f"categories {' '.join(categories)}, as primary or as any category; months of the first version",
    )


def _uses(frame, hits) -> list[dict]:
    """Return how many of a month's mentions in title or abstract are expected to be use or release, with an interval.

    frame  records with title and abstract (lazy); hits  mentions in them (``mentions.scan``)
    rows   month, framework, mentions, uses, low, high (``roles.corrected``, rounded to a hundredth)
    """
    import pandas as pd

    from analysis import roles

    papers = hits.select("arxiv_id").unique().lazy()
    texts = frame.join(papers, on="arxiv_id", how="semi").select("arxiv_id", "created", "title", "abstract").collect()
    chosen = set(hits.select("arxiv_id", "framework").unique().iter_rows())
    model = roles.shipped()
    rows = [
        {"month": created[:7], "framework": framework, "use": sum(told[role] for role in roles.USES)}
        for arxiv_id, created, title, abstract in texts.sort("arxiv_id").iter_rows()
        for framework, told in roles.classify(title, abstract, model).items()
        if (arxiv_id, framework) in chosen
    ]
    if not rows:
        return []
    return roles.corrected(pd.DataFrame(rows), roles.left_out_predictions()).round(2).to_dict("records")
