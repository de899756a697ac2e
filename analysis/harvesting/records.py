"""Cached pages of arXiv as parquet parts, the newest state of each paper, and papers by month.

polars is the engine of every large table of the survey: one dependency that streams from parquet, matches text, joins
and writes (docs/benchmarks/harvest.md has it beside duckdb, pyarrow and pandas).
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol

import polars

from analysis.harvesting.parsing import RECORD_COLUMNS
from reproductions.errors import SurveyError
from reproductions.files import write_bytes

RECORD_SCHEMA = {name: polars.Boolean if name == "deleted" else polars.String for name in RECORD_COLUMNS}
ROWS_AT_ONCE = 500_000  # rows among which the newest of each paper is looked for at a time
ANY_CHOSEN = "(any chosen)"


class Page(Protocol):
    """What a parser gives."""

    records: list[dict[str, object]]


def ingest(
    pages: Iterable[bytes | Callable[[], bytes]],
    parse: Callable[[bytes], Page],
    folder: Path,
    rows_per_part: int = 20_000,
) -> int:
    """Parse pages one at a time and append their records to ``folder`` as ``part-00000.parquet`` and so on.

    pages          decoded bytes of each page, or functions that give them (so that a page is read when its turn comes)
    parse          ``atom.parse`` or ``oai.parse``
    rows_per_part  a part is written as soon as it has so many rows; memory is bounded by a part and a page
    returns        number of records written

    Parts that exist are never touched, and a part is there whole or not at all. Pages that are ingested again, after a
    run that was killed, add rows that ``latest`` sees only once.

    raises  Violation of a page: the parts before it stand; SurveyError if a part cannot be written
    """
    waiting, rows, written = [], 0, 0
    number = _next_number(folder)
    for page in pages:
        frame = _frame(parse(page() if callable(page) else page).records)
        waiting.append(frame)
        rows += frame.height
        if rows >= rows_per_part:
            _write_part(folder, number, waiting)
            waiting, rows, written, number = [], 0, written + rows, number + 1
    if rows:
        _write_part(folder, number, waiting)
    return written + rows


def parts(folder: Path) -> list[Path]:
    """Return the parts of ``folder`` in the order of writing."""
    return sorted(Path(folder).glob("part-*.parquet"))


def latest(folder: Path) -> polars.LazyFrame:
    """Return one row a paper, columns ``RECORD_COLUMNS``: its newest state, papers deleted since left out.

    The row with the greatest datestamp (Atom: updated) wins, among equal ones the higher version, then the one written
    later. Texts are read when the result is collected; until then only the places of the newest rows are held, 8 bytes
    a paper. Texts of millions of papers are for ``latest_parts``.

    raises  SurveyError if the folder holds no part
    """
    return polars.concat(latest_parts(folder))


def latest_parts(folder: Path) -> list[polars.LazyFrame]:
    """Return ``latest`` as one lazy frame a part, to be collected one after another in bounded memory."""
    found = parts(folder)
    if not found:
        raise SurveyError(f"{folder}: no records yet; fetch the source first")
    rows = polars.scan_parquet(found, row_index_name="row")
    date = polars.coalesce(
        polars.when(polars.col(name) != "").then(polars.col(name)) for name in ("datestamp", "updated", "created")
    )
    days = date.str.to_date("%Y-%m-%d", strict=False).dt.epoch("d").fill_null(0).cast(polars.UInt64)
    version = polars.col("version").str.strip_prefix("v").cast(polars.UInt64, strict=False).fill_null(0).clip(0, 4095)
    # One number a row, so that its greatest is found without sorting: days, version, position, and whether it deletes.
    place = polars.col("row").cast(polars.UInt64) * 2 + polars.col("deleted").cast(polars.UInt64)
    ranked = rows.select("arxiv_id", (days * 2**45 + version * 2**33 + place).alias("rank"))
    # A share of the identifiers at a time: each needs a place in a table while its rows are compared.
    shares = rows.select(polars.len()).collect().item() // ROWS_AT_ONCE + 1
    newest = polars.concat(
        ranked.filter(polars.col("arxiv_id").hash() % shares == share)
        .group_by("arxiv_id")
        .agg(polars.col("rank").max())
        .filter(polars.col("rank") % 2 == 0)
        .select(polars.col("rank") % 2**33 // 2)
        .collect(engine="streaming")["rank"]
        for share in range(shares)
    ).sort()
    frames, first = [], 0
    for path in found:
        height = polars.scan_parquet(path).select(polars.len()).collect().item()
        begin, end = newest.search_sorted(first), newest.search_sorted(first + height)
        kept = (newest[begin:end] - first).cast(polars.get_index_type()).to_frame("row")
        part = polars.scan_parquet(path, row_index_name="row").join(kept.lazy(), on="row", how="semi")
        frames.append(part.select(RECORD_COLUMNS))
        first += height
    return frames


def months(frame: polars.LazyFrame | polars.DataFrame, categories: Sequence[str]) -> polars.DataFrame:
    """Count papers by month of their first version: ``month, category, papers_primary, papers_any``.

    ``papers_primary`` have the category as their first, ``papers_any`` have it at all. The rows of the category
    ``(any chosen)`` count each paper once, whatever number of the chosen categories it has.
    """
    padded = " " + polars.col("categories") + " "
    has = {name: padded.str.contains(f" {name} ", literal=True) for name in categories}
    first = {name: polars.col("primary_category") == name for name in categories}
    has[ANY_CHOSEN] = polars.any_horizontal(*has.values())
    first[ANY_CHOSEN] = polars.col("primary_category").is_in(list(categories))
    counts = (
        frame.lazy()
        .group_by(polars.col("created").str.slice(0, 7).alias("month"))
        .agg(
            *(flag.sum().cast(polars.Int64).alias(f"primary {name}") for name, flag in first.items()),
            *(flag.sum().cast(polars.Int64).alias(f"any {name}") for name, flag in has.items()),
        )
        .collect(engine="streaming")
    )
    tables = [
        counts.select(
            "month",
            polars.lit(name).alias("category"),
            polars.col(f"primary {name}").alias("papers_primary"),
            polars.col(f"any {name}").alias("papers_any"),
        )
        for name in has
    ]
    return polars.concat(tables).sort("month", "category")


def _frame(records: list[dict[str, object]]) -> polars.DataFrame:
    columns = {name: [record[name] for record in records] for name in RECORD_COLUMNS}
    return polars.DataFrame(columns, schema=RECORD_SCHEMA)


def _next_number(folder: Path) -> int:
    found = parts(folder)
    return int(found[-1].stem.removeprefix("part-")) + 1 if found else 0


def _write_part(folder: Path, number: int, frames: list[polars.DataFrame]) -> None:
    buffer = io.BytesIO()
    polars.concat(frames).write_parquet(buffer, compression="zstd", compression_level=1)
    write_bytes(Path(folder) / f"part-{number:05}.parquet", buffer.getvalue())
