"""Names in title, abstract and comments, from parquet parts: the number of (paper, framework, field) found.

The peers look for the names as words, which is all that their engines can say; ours applies the published rule of
``analysis.mentions``, whatever that decides beyond it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from analysis.mentions import FIELDS, KEPT

Work = Callable[[], dict[str, object]]
PANDAS_ROWS = 10_000  # the slow ones read the first rows only; the rates are compared
NAMES = (
    *(f"(?i:{name})" for name in ("py-?torch", "tensorflow", "keras", "mxnet", "caffe", "theano", "chainer")),
    "JAX",
)
# The rule without look-arounds, which these engines do not have: the same rows, as the answers show.
EXACT = [f"(?:^|[^A-Za-z]){pattern}(?:[^A-Za-z]|$)" for pattern in NAMES]
EITHER = f"(?:^|[^A-Za-z])(?:{'|'.join(NAMES)})(?:[^A-Za-z]|$)"


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob("part-*.parquet"))


def _rows(folder: Path) -> int:
    import polars

    return polars.scan_parquet(_parts(folder)).select(polars.len()).collect().item()


def ours(folder: Path) -> Work:
    """``analysis.mentions.scan``."""
    from analysis import mentions

    return lambda: {"items": _rows(folder), "found": mentions.scan(_parts(folder)).height}


def polars(folder: Path) -> Work:
    """One lazy query for all parts, streamed."""
    import polars as pl

    def work() -> dict[str, object]:
        held = (
            pl.scan_parquet(_parts(folder))
            .select(*KEPT, *FIELDS)
            .filter(pl.any_horizontal(pl.col(field).str.contains(EITHER) for field in FIELDS))
            .collect(engine="streaming")
        )
        found = sum(int(held[field].str.contains(pattern).sum()) for field in FIELDS for pattern in EXACT)
        return {"items": _rows(folder), "answer": found, "found": found}

    return work


def duckdb(folder: Path) -> Work:
    """A table of the rows that match at all, then the names in it."""
    import duckdb

    def work() -> dict[str, object]:
        base = duckdb.connect(config={"threads": 1})
        columns = ", ".join((*KEPT, *FIELDS))
        where = " or ".join(f"regexp_matches({field}, $2)" for field in FIELDS)
        query = f"create temp table held as select {columns} from read_parquet($1) where {where}"  # noqa: S608
        base.execute(query, [[str(path) for path in _parts(folder)], EITHER])
        sums = ", ".join(
            f"count(*) filter (regexp_matches({field}, ${n}))" for field in FIELDS for n in range(1, len(EXACT) + 1)
        )
        found = sum(base.execute(f"select {sums} from held", EXACT).fetchone())  # noqa: S608
        return {"items": _rows(folder), "answer": found, "found": found}

    return work


def pyarrow(folder: Path) -> Work:
    """Batch by batch: the rows that match at all, then the names in them."""
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
                for field in FIELDS:
                    for pattern in EXACT:
                        found += pc.sum(pc.match_substring_regex(held[field], pattern)).as_py() or 0
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
