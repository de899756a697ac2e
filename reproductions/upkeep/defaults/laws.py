"""Laws that initial weights follow: recognised from what a layer drew, and drawn from again. NumPy only.

A law is named by a text: ``zeros``, ``ones``, ``orthogonal``, ``normal(1)``, ``uniform(0.05)``,
``uniform(1/sqrt(fan_in))`` or ``uniform(sqrt(6/(fan_in+fan_out)))``.
"""

from __future__ import annotations

import re

import numpy as np

FAN_IN, GLOROT = "uniform(1/sqrt(fan_in))", "uniform(sqrt(6/(fan_in+fan_out)))"
#: How far the spread of some thousand draws may be off, and how far the largest of uniform ones lies below the limit.
CLOSE, SHORT = 0.03, 0.005


def limit(law: str, fan_in: int, fan_out: int) -> float:
    """Return the limit of a uniform law."""
    if law == FAN_IN:
        return 1 / np.sqrt(fan_in)
    if law == GLOROT:
        return float(np.sqrt(6 / (fan_in + fan_out)))
    return float(re.fullmatch(r"uniform\(([\d.]+)\)", law)[1])


def recognise(values: np.ndarray, fan_in: int, fan_out: int) -> str:
    """Return the law that drawn values follow; raises ValueError if it is none of those known here.

    values  some thousand numbers; for ``orthogonal`` a matrix
    """
    values = np.asarray(values, np.float64)
    if not np.ptp(values) and values.flat[0] in (0, 1):
        return "ones" if values.flat[0] else "zeros"
    if values.ndim == 2:
        narrow = values if values.shape[0] <= values.shape[1] else values.T
        if np.allclose(narrow @ narrow.T, np.eye(len(narrow)), atol=1e-4):
            return "orthogonal"
    largest, spread = float(np.abs(values).max()), float(values.std())
    if abs(values.mean()) > 4 * spread / np.sqrt(values.size):
        raise ValueError(f"values around {values.mean():.3g}: no law that is known here")
    if abs(spread * np.sqrt(3) / largest - 1) < CLOSE:
        for law in (FAN_IN, GLOROT):
            if 1 - SHORT < largest / limit(law, fan_in, fan_out) < 1 + 1e-6:
                return law
        return f"uniform({largest:.2g})"
    if largest > 3 * spread:
        plain = float(f"{spread:.1g}")
        return f"normal({plain if abs(spread / plain - 1) < CLOSE else spread:.2g})"
    raise ValueError(f"largest {largest:.3g}, standard deviation {spread:.3g}: no law that is known here")


def draw(law: str, rng: np.random.Generator, shape: tuple[int, ...], fan_in: int, fan_out: int) -> np.ndarray:
    """Return float32 values of a law; for one seed the uniform laws differ in their limit alone."""
    if law in ("zeros", "ones"):
        return np.full(shape, float(law == "ones"), np.float32)
    if law == "orthogonal":
        tall = rng.standard_normal((max(shape), min(shape)))
        columns, triangle = np.linalg.qr(tall)
        columns = columns * np.sign(np.diag(triangle))
        return (columns if shape[0] >= shape[1] else columns.T).astype(np.float32)
    if found := re.fullmatch(r"normal\(([\d.]+)\)", law):
        return (float(found[1]) * rng.standard_normal(shape)).astype(np.float32)
    bound = limit(law, fan_in, fan_out)
    return (bound * rng.uniform(-1, 1, shape)).astype(np.float32)
