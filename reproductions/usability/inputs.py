"""What the paired programs' data are made of: NumPy alone, from a generator that is handed in.

A task's ``data.py`` has ``make(rng, sizes)``, the data of a program, and ``weights(rng)``, the model's initial weights
in the order in which the model makes them: dense kernels as (inputs, outputs), biases as (outputs,). It may have
``compared(data, results, initial)``, what is compared where that is not simply every result.
"""

from __future__ import annotations

import numpy as np

HELD_OUT = 16


def glorot(rng: np.random.Generator, inputs: int, outputs: int) -> np.ndarray:
    """Return a float32 kernel (inputs, outputs), uniform within the limits of Glorot and Bengio (2010)."""
    limit = np.sqrt(6 / (inputs + outputs))
    return rng.uniform(-limit, limit, (inputs, outputs)).astype(np.float32)


def dense(rng: np.random.Generator, inputs: int, outputs: int) -> list[np.ndarray]:
    """Return kernel and bias of a dense layer; the bias is drawn too, so that a forgotten one shows."""
    return [glorot(rng, inputs, outputs), rng.normal(0, 0.1, outputs).astype(np.float32)]


def clusters(rng: np.random.Generator, examples: int, classes: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Return points (examples, 20) in float32 around one centre a class, and their classes in int64."""
    y = rng.integers(0, classes, examples)
    x = rng.normal(0, 1, (classes, 20))[y] + rng.normal(0, 1, (examples, 20))
    return x.astype(np.float32), y.astype(np.int64)


def curve(rng: np.random.Generator, examples: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (examples, 20) and a smooth noisy function of them (examples, 1), both in float32."""
    x = rng.normal(0, 1, (examples, 20))
    y = np.sin(x[:, :1]) + x[:, 1:2] * x[:, 2:3] + rng.normal(0, 0.3, (examples, 1))
    return x.astype(np.float32), y.astype(np.float32)


def apart(x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
    """Return ``x``, ``y`` for training and the last sixteen rows as ``x_test``."""
    return {"x": x[:-HELD_OUT], "y": y[:-HELD_OUT], "x_test": x[-HELD_OUT:]}
