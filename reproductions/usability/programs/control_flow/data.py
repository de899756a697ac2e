"""Batches of rising magnitude, which settle after different numbers of steps."""

import numpy as np

from reproductions.usability import inputs

BATCH = 32


def make(rng, sizes):
    """Return states (examples, 16), the first batch settled, and values to fit."""
    x = rng.normal(0, 1, (sizes["examples"], 16))
    batches = sizes["examples"] // BATCH
    x *= np.repeat(np.geomspace(0.05, 20, batches), BATCH)[:, None]
    y = rng.normal(0, 0.1, (sizes["examples"], 1))
    return {"x": x.astype(np.float32), "y": y.astype(np.float32)}


def weights(rng):
    """Return the repeated layer's and the output layer's weights."""
    return [*inputs.dense(rng, 16, 16), *inputs.dense(rng, 16, 1)]
