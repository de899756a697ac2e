"""The batches of a workload for measurements beside the harness: of its data set, or from its own generator."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from reproductions import batches


def stream(workload, path: Path | None, seed: int, batch_size: int, sizes: Mapping[str, int]) -> Iterator[tuple]:
    """Yield (inputs, labels) of training batches for ever; they depend on the seed alone.

    path  the data set's ``arrays.npz``; not looked at where the workload makes its data
    """
    if hasattr(batches, "Examples"):
        yield from batches.Examples(workload, path).stream(seed, batch_size, sizes)
    rng = np.random.default_rng(seed)
    if (workload.folder / "data.py").is_file():
        make = workload.module("data").make
        while True:
            yield make(rng, sizes, batch_size)
    arrays = batches.read(path)
    for rows in batches.epochs(rng, len(arrays["y_train"]), batch_size):
        yield batches.inputs(workload.input, arrays["x_train"][rows], sizes), arrays["y_train"][rows].astype(np.int32)


def part(values, rows: slice):
    """Return some rows of inputs, which may be a tuple of arrays."""
    return tuple(each[rows] for each in values) if isinstance(values, tuple) else values[rows]
