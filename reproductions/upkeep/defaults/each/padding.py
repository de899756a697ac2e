"""Padding of a convolution with stride 2 that halves an even size: Keras pads behind, PyTorch's pages on both sides."""

from reproductions.upkeep.defaults import Default

DEFAULT = Default(
    id="padding",
    title="Padding where the stride is 2",
    network="convolutional",
    setting="padding",
    asked={
        "pytorch": "nn.Conv2d(3, stride=2), 'same' or else 1",
        "tensorflow": "layers.Conv2D(3, strides=2, padding='same')",
    },
)
SIDE = 8


def pytorch():
    """Return how many rows are put before and behind; ``same`` if it is taken, otherwise half the kernel's size."""
    import torch
    from torch import nn

    try:
        layer = nn.Conv2d(1, 1, 3, stride=2, padding="same", bias=False)
    except ValueError:  # not for strides
        layer = nn.Conv2d(1, 1, 3, stride=2, padding=3 // 2, bias=False)
    with torch.no_grad():
        layer.weight.fill_(1)
        seen = layer(torch.ones(1, 1, SIDE, SIDE)).numpy()[0, 0]
    return _rows(seen)


def tensorflow():
    """Return how many rows are put before and behind."""
    import numpy as np
    from keras import layers

    layer = layers.Conv2D(1, 3, strides=2, padding="same", use_bias=False, kernel_initializer="ones")
    return _rows(np.array(layer(np.ones((1, SIDE, SIDE, 1), np.float32)))[0, ..., 0])


def _rows(seen):
    # A kernel of ones counts the pixels that it covers; in the middle of an edge only that edge's padding is missing.
    middle = len(seen) // 2
    return [round(3 - float(seen[0, middle]) / 3), round(3 - float(seen[-1, middle]) / 3)]


def text(value):
    """Say it in words."""
    return f"{value[0]} before, {value[1]} behind"
