"""Names in title, abstract and comments, from parquet parts: the number of (paper, framework, field) found.

All apply the published rule of ``analysis.mentions``: an engine finds the few texts that may name something, by the one
regular expression that all of them understand, and the rule decides on those. pandas, a pass a name, looks for words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from analysis.mentions import FIELDS, KEPT, ODD, SPELT, named

Work = Callable[[], dict[str, object]]
PANDAS_ROWS = 10_000  # the slow ones read the first rows only; the rates are compared
NAMES = (
    *(f"(?i:{name})" for name in ("py-?torch", "tensorflow", "keras", "mxnet", "caffe", "theano", "chainer")),
    "JAX",
)
EITHER = f"(?i:{'|'.join(SPELT)})|{ODD}"


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _rows(folder: Path) -> int:
    import polars

    return polars.scan_parquet(_parts(folder)).select(polars.len()).collect().item()


def _decide(texts: Iterable[str]) -> int:
    return sum(len(named(text)) for text in texts)


def ours(folder: Path) -> Work:
    """``analysis.mentions.scan``."""
    from analysis import mentions

    return lambda: {"items": _rows(folder), "found": mentions.scan(_parts(folder)).height}


def polars(folder: Path) -> Work:
    """One lazy query for all parts, streamed, then the rule."""
    import polars as pl

    def work() -> dict[str, object]:
        held = (
            pl.scan_parquet(_parts(folder))
            .select(*KEPT, *FIELDS)
            .filter(pl.any_horizontal(pl.col(field).str.contains(EITHER) for field in FIELDS))
            .collect(engine="streaming")
        )
        found = sum(_decide(held[field]) for field in FIELDS)
        return {"items": _rows(folder), "answer": found, "found": found}

    return work


def duckdb(folder: Path) -> Work:
    """The rows that match, then the rule."""
    import duckdb

    def work() -> dict[str, object]:
        base = duckdb.connect(config={"threads": 1})
        columns = ", ".join((*FIELDS, *KEPT))
        where = " or ".join(f"regexp_matches({field}, $2)" for field in FIELDS)
        query = f"select {columns} from read_parquet($1) where {where}"  # noqa: S608
        rows = base.execute(query, [[str(path) for path in _parts(folder)], EITHER]).fetchall()
        found = sum(_decide(row[: len(FIELDS)]) for row in rows)
        return {"items": _rows(folder), "answer": found, "found": found}

    return work


def pyarrow(folder: Path) -> Work:
    """Batch by batch: the rows that match, then the rule."""
    import pyarrow
    import pyarrow.compute as pc
    import pyarrow.parquet

    pyarrow.set_cpu_count(1)
    pyarrow.set_io_thread_count(1)

    def work() -> dict[str, object]:
        found = 0
        for path in _parts(folder):
            for batch in pyarrow.parquet.ParquetFile(path).iter_batches(20_000, columns=[*KEPT, *FIELDS]):
                matches = [pc.match_substring_regex(batch[field], EITHER) for field in FIELDS]
                held = batch.filter(pc.or_(pc.or_(matches[0], matches[1]), matches[2]))
                found += sum(_decide(held[field].to_pylist()) for field in FIELDS)
        return {"items": _rows(folder), "answer": found, "found": found}

    return work


def pandas(folder: Path) -> Work:
    """``str.contains`` a name and field, with the rule's own look-arounds."""
    import polars as pl

    frame = pl.scan_parquet(_parts(folder)).select(FIELDS).head(PANDAS_ROWS).collect()
    import pandas as pd

    table = pd.DataFrame({field: frame[field].to_list() for field in FIELDS})

    def work() -> dict[str, object]:
        found = 0
        for field in FIELDS:
            for pattern in NAMES:
                found += int(table[field].str.contains(f"(?<![A-Za-z]){pattern}(?![A-Za-z])", regex=True).sum())
        return {"items": len(table), "found": found}

    return work


CONTENDERS = {"ours": ours, "polars": polars, "duckdb": duckdb, "pyarrow": pyarrow, "pandas, a pass per name": pandas}
