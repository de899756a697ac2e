"""Points in four clusters with a score each; one hidden layer and two heads."""

import numpy as np

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points, classes and scores to train on, and points to predict."""
    made = inputs.apart(*inputs.clusters(rng, sizes["examples"] + inputs.HELD_OUT))
    scores = np.sin(made["x"][:, :1]) + made["y"][:, None]
    return {
        "x": made["x"],
        "labels": made["y"],
        "scores": scores.astype(np.float32),
        "x_test": made["x_test"],
    }


def weights(rng):
    """Return the hidden layer's weights and those of the heads for class and score."""
    return [
        *inputs.dense(rng, 20, 64),
        *inputs.dense(rng, 64, 4),
        *inputs.dense(rng, 64, 1),
    ]
