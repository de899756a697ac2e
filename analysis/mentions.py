"""Which papers name a framework in their title, abstract or comments.

"Named in the abstract" is not use: few papers name their framework there, and those that do are often about one. The
rule below only says whether a name stands in a text; what it is named for is another question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import product
from pathlib import Path
from types import MappingProxyType

import polars

FIELDS = ("title", "abstract", "comments")
KEPT = ("arxiv_id", "created", "categories", "primary_category")

# A name counts where no letter stands beside it: digits and signs may ("tensorflow2.0", "caffe2", "keras-based",
# "pytorch_lightning"). Case is free, of ASCII letters only.
#   torch       never: welding torches, Torch7 for Lua; "torch" alone says nothing
#   Py-Torch    PyTorch, for the hyphen leaves no other meaning
#   Tensor Flow not TensorFlow, neither with a space nor with a hyphen: tensors flow in mathematics too
#   JAX         in capitals only: Jax is a given name and an airport's city
NAMES: Mapping[str, str] = MappingProxyType(
    {
        "pytorch": "(?i:py-?torch)",
        "tensorflow": "(?i:tensorflow)",
        "keras": "(?i:keras)",
        "jax": "JAX",
        "mxnet": "(?i:mxnet)",
        "caffe": "(?i:caffe)",
        "theano": "(?i:theano)",
        "chainer": "(?i:chainer)",
    }
)
MENTION_SCHEMA = {**dict.fromkeys(KEPT, polars.String), "framework": polars.String, "field": polars.String}


def named(text: str) -> frozenset[str]:
    """Return the frameworks that ``text`` names. This is the rule; everything else here only makes it fast."""
    return frozenset(framework for framework, pattern in _rules().items() if pattern.search(text))


def scan(source: polars.LazyFrame | Iterable[Path | polars.LazyFrame]) -> polars.DataFrame:
    """Return the mentions in records: one row a paper, framework and field, columns of ``MENTION_SCHEMA``.

    source   records with ``KEPT`` and ``FIELDS``: one lazy frame, or several or parquet files
             (``records.latest_parts``), which are read one after another so that memory does not grow with their number
    returns  sorted by arxiv_id, framework and field; the same as ``named`` on every field of every row
    """
    pieces = [source] if isinstance(source, polars.LazyFrame) else source
    frames = (piece if isinstance(piece, polars.LazyFrame) else polars.scan_parquet(piece) for piece in pieces)
    found = [row for frame in frames for row in _mentions(frame)]
    return polars.DataFrame(found, schema=MENTION_SCHEMA, orient="row").sort("arxiv_id", "framework", "field")


def monthly(hits: polars.DataFrame, denominators: polars.DataFrame) -> polars.DataFrame:
    """Count papers by month and framework: ``month, framework, count, total``.

    hits          mentions of ``scan`` in the papers of the chosen categories; a paper counts once a framework
    denominators  ``month, total``: all papers of the chosen categories (``records.months``, row "(any chosen)")
    returns       every framework in every month of ``denominators``, with 0 where none names it

    raises  ValueError if a mention falls into a month without denominator
    """
    totals = denominators.select("month", polars.col("total").cast(polars.Int64))
    counts = (
        hits.select("arxiv_id", "framework", polars.col("created").str.slice(0, 7).alias("month"))
        .unique()
        .group_by("month", "framework")
        .agg(polars.len().cast(polars.Int64).alias("count"))
    )
    missing = counts.join(totals, on="month", how="anti")["month"].unique().sort().to_list()
    if missing:
        raise ValueError(f"mentions in months without a count of all papers: {', '.join(missing[:5])}")
    frameworks = polars.DataFrame({"framework": list(NAMES)})
    return (
        totals.join(frameworks, how="cross")
        .join(counts, on=["month", "framework"], how="left")
        .select("month", "framework", polars.col("count").fill_null(0), "total")
        .sort("month", "framework")
    )


@cache
def _rules() -> dict[str, re.Pattern[str]]:
    return {
        framework: re.compile(rf"(?<![A-Za-z]){pattern}(?![A-Za-z])", re.ASCII) for framework, pattern in NAMES.items()
    }


def _mentions(frame: polars.LazyFrame) -> Iterator[tuple[str, ...]]:
    # Without look-arounds the names run in the engine: they find every text of the rule and few others, on which the
    # rule itself decides.
    anywhere = {framework: pattern.replace("(?i:", "(?i-u:") for framework, pattern in NAMES.items()}
    either = "|".join(anywhere.values())
    candidates = (
        frame.select(*KEPT, *FIELDS)
        .filter(polars.any_horizontal(polars.col(field).str.contains(either) for field in FIELDS))
        .collect(engine="streaming")
    )
    for field, (framework, pattern) in product(FIELDS, anywhere.items()):
        holding = candidates.filter(polars.col(field).str.contains(pattern)).select(*KEPT, field)
        for *kept, text in holding.iter_rows():
            if _rules()[framework].search(text):
                yield *kept, framework, field
