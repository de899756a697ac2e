"""Synthetic images of ImageNet's shape. NumPy only."""

import numpy as np


def make(rng, sizes, examples):
    """Return images (examples, side, side, 3) float32, standard normal as after normalisation, and labels int32."""
    images = rng.standard_normal((examples, sizes["side"], sizes["side"], 3), np.float32)
    return images, rng.integers(0, sizes["classes"], examples, dtype=np.int32)


def describe(sizes):
    """Say what the arrays are."""
    return f"synthetic {sizes['side']}x{sizes['side']}x3 images, {sizes['classes']} classes"
