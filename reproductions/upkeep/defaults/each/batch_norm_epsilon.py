"""Batch normalisation's epsilon: added to the variance."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="batch_norm_epsilon",
    title="Batch normalisation: epsilon",
    network="convolutional",
    setting="batch_norm_epsilon",
    asked={"pytorch": "nn.BatchNorm2d(eps)", "tensorflow": "layers.BatchNormalization(epsilon)"},
)


def pytorch():
    """Return PyTorch's."""
    from torch import nn

    return argument(nn.BatchNorm2d, "eps")


def tensorflow():
    """Return Keras'."""
    from keras import layers

    return argument(layers.BatchNormalization, "epsilon")
