"""From the arrays of a data set, or a workload's own generator, to the batches all frameworks get. NumPy only.

A data set is one ``.npz`` with ``x_train, y_train, x_test, y_test``: images as uint8 (n, height, width[, channels]),
texts as int32 token ids (n, tokens), ranked by frequency in the training texts from 2 up, 0 for padding and 1 for
unknown; language as ids (n, tokens) with the next ids of the same shape as labels. Synthetic data come from
``data.py`` in the workload's folder and are called synthetic wherever a number stands.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

#: Ids in a text data set are below this; workloads cut it further (``sizes.vocabulary``).
VOCABULARY = 20_000
#: Examples of synthetic data behind a loader of the idiomatic track.
SYNTHETIC_EXAMPLES = 1024


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays; nothing in the file is ever unpickled."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}


def inputs(kind: str, examples: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """Return model inputs: images as float32 in 0..1 with a channel axis, ids cut to the workload's sizes."""
    if kind == "image":
        images = examples.astype(np.float32) / 255
        return images if images.ndim == 4 else images[..., np.newaxis]
    tokens = examples[:, : sizes["tokens"]].astype(np.int32)
    return np.where(tokens < sizes["vocabulary"], tokens, 1).astype(np.int32)


def labels(kind: str, values: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """Return int32 labels: one an example, or for ``language`` one a token, cut as the inputs are."""
    return inputs(kind, values, sizes) if kind == "language" else values.astype(np.int32)


def epochs(rng: np.random.Generator, examples: int, batch_size: int) -> Iterator[np.ndarray]:
    """Yield index arrays of whole batches for ever, reshuffled each epoch; the order depends on ``rng`` alone."""
    if examples < batch_size:
        raise ValueError(f"{examples} examples do not fill one batch of {batch_size}")
    while True:
        order = rng.permutation(examples)
        for start in range(0, examples - batch_size + 1, batch_size):
            yield order[start : start + batch_size]


class Examples:
    """Where a worker's batches come from.

    workload  its ``input`` decides how arrays become inputs; ``synthetic`` takes its ``data.py``
    path      the data set's arrays; not looked at for synthetic data
    """

    def __init__(self, workload, path: Path):
        self.kind = workload.input
        self.maker = workload.module("data") if self.kind == "synthetic" else None
        self.arrays = {} if self.maker else read(path)

    def __len__(self) -> int:
        return len(self.arrays["y_train"])

    def take(self, part: str, rows: np.ndarray, sizes: Mapping[str, int]) -> tuple:
        """Return (inputs, labels) of some rows of ``train`` or ``test``."""
        found = self.arrays[f"x_{part}"][rows], self.arrays[f"y_{part}"][rows]
        return inputs(self.kind, found[0], sizes), labels(self.kind, found[1], sizes)

    def stream(self, seed: int, batch_size: int, sizes: Mapping[str, int]) -> Iterator[tuple]:
        """Yield (inputs, labels) of training batches for ever; they depend on the seed alone."""
        rng = np.random.default_rng(seed)
        if self.maker:
            while True:
                yield self.maker.make(rng, sizes, batch_size)
        size = len(self)
        # A batch larger than the data set repeats examples: what is timed depends on shapes, not on values.
        repeats = -(-batch_size // size)
        for rows in epochs(rng, size * repeats, batch_size):
            yield self.take("train", rows % size, sizes)

    def all(self, seed: int, sizes: Mapping[str, int]) -> tuple:
        """Return (inputs, labels) of the whole training part, or of a thousand synthetic examples."""
        if self.maker:
            return self.maker.make(np.random.default_rng(seed), sizes, SYNTHETIC_EXAMPLES)
        return self.take("train", np.arange(len(self)), sizes)
