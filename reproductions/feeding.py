"""The batches of a workload for measurements beside the harness: of its data set, or from its own generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from reproductions import batches


def stream(workload, path: Path | None, seed: int, batch_size: int, sizes: Mapping[str, int]) -> Iterator[tuple]:
    """Return (inputs, labels) of training batches for ever; they depend on the seed alone.

    path  the data set's ``arrays.npz``; not looked at where the workload makes its data
    """
    return batches.Examples(workload, path).stream(seed, batch_size, sizes)


def part(values, rows: slice):
    """Return some rows of inputs, which may be a tuple of arrays."""
    return tuple(each[rows] for each in values) if isinstance(values, tuple) else values[rows]
