"""Points in four clusters; the same training by hand, to tell bfloat16 from it."""

import numpy as np

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points and classes to train on and sixteen points to predict."""
    return inputs.apart(*inputs.clusters(rng, sizes["examples"] + inputs.HELD_OUT))


def weights(rng):
    """Return the hidden layer's and the output layer's weights."""
    return [*inputs.dense(rng, 20, 64), *inputs.dense(rng, 64, 4)]


def compared(data, results, initial):
    """Return the logits and whether they are 0.1 to 10 % away from exact training."""
    exact = _exact(data, initial)
    error = np.abs(results["logits"] - exact).max() / np.abs(exact).max()
    return {"logits": results["logits"], "rounded_as_bfloat16": 1e-3 < error < 0.1}


def _exact(data, initial):
    """Train two epochs by hand and return the logits of the points to predict."""
    w1, b1, w2, b2 = (value.astype(np.float64) for value in initial)
    for start in [*range(0, len(data["x"]), 32)] * 2:
        x, y = data["x"][start : start + 32], data["y"][start : start + 32]
        hidden = np.maximum(x @ w1 + b1, 0)
        logits = hidden @ w2 + b2
        slope = np.exp(logits - logits.max(1, keepdims=True))
        slope /= slope.sum(1, keepdims=True)
        slope[np.arange(len(y)), y] -= 1
        slope /= len(y)
        back = (slope @ w2.T) * (hidden > 0)
        w2, b2 = w2 - 0.1 * hidden.T @ slope, b2 - 0.1 * slope.sum(0)
        w1, b1 = w1 - 0.1 * x.T @ back, b1 - 0.1 * back.sum(0)
    return np.maximum(data["x_test"] @ w1 + b1, 0) @ w2 + b2
