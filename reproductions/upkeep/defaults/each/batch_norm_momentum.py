"""Batch normalisation's momentum: PyTorch's is the weight of the new batch, Keras' that of what was kept."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="batch_norm_momentum",
    title="Batch normalisation: momentum",
    network="convolutional",
    setting="batch_norm_momentum",
    asked={"pytorch": "nn.BatchNorm2d(momentum)", "tensorflow": "layers.BatchNormalization(momentum)"},
)


def pytorch():
    """Return PyTorch's, the weight of the new batch."""
    from torch import nn

    return argument(nn.BatchNorm2d, "momentum")


def tensorflow():
    """Return Keras', the weight of what was kept."""
    from keras import layers

    return argument(layers.BatchNormalization, "momentum")


def setting(side, value):
    """Return the weight of the new batch."""
    return value if side == "pytorch" else 1 - value
