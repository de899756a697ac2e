"""Synthetic patches with a class for every pixel. NumPy only."""

import numpy as np


def make(rng, sizes, examples):
    """Return normal patches (examples, height, width, channels) float32 and labels (..., height, width) int32."""
    shape = (examples, sizes["height"], sizes["width"])
    patches = rng.standard_normal((*shape, sizes["channels"]), np.float32)
    return patches, rng.integers(0, sizes["classes"], shape, dtype=np.int32)


def describe(sizes):
    """Say what the arrays are."""
    return (
        f"synthetic {sizes['height']}x{sizes['width']}x{sizes['channels']} patches, {sizes['classes']} classes a pixel"
    )
