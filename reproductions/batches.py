"""From the arrays of a data set to the batches both frameworks get. NumPy only.

A data set is one ``.npz`` with ``x_train, y_train, x_test, y_test``; images as uint8 (n, height, width), texts as
int32 token ids (n, tokens), ranked by frequency in the training texts from 2 up, 0 for padding and 1 for unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

#: Ids in a text data set are below this; workloads cut it further (``sizes.vocabulary``).
VOCABULARY = 20_000


def read(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays; nothing in the file is ever unpickled."""
    with np.load(path, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("x_train", "y_train", "x_test", "y_test")}


def inputs(kind: str, examples: np.ndarray, sizes: Mapping[str, int]) -> np.ndarray:
    """Return model inputs: images as float32 in 0..1 with a channel axis, texts cut to the workload's sizes."""
    if kind == "image":
        return (examples.astype(np.float32) / 255)[..., np.newaxis]
    tokens = examples[:, : sizes["tokens"]].astype(np.int32)
    return np.where(tokens < sizes["vocabulary"], tokens, 1).astype(np.int32)


def epochs(rng: np.random.Generator, examples: int, batch_size: int) -> Iterator[np.ndarray]:
    """Yield index arrays of whole batches for ever, reshuffled each epoch; the order depends on ``rng`` alone."""
    if examples < batch_size:
        raise ValueError(f"{examples} examples do not fill one batch of {batch_size}")
    while True:
        order = rng.permutation(examples)
        for start in range(0, examples - batch_size + 1, batch_size):
            yield order[start : start + batch_size]
