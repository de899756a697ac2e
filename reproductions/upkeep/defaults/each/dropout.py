"""Dropout inside a transformer block: PyTorch's encoder layer has some unless told, Keras' attention has none."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="dropout",
    title="Transformer: dropout",
    network="transformer",
    setting="dropout",
    asked={"pytorch": "nn.TransformerEncoderLayer(dropout)", "tensorflow": "layers.MultiHeadAttention(dropout)"},
)


def pytorch():
    """Return PyTorch's."""
    from torch import nn

    return argument(nn.TransformerEncoderLayer, "dropout")


def tensorflow():
    """Return Keras'."""
    from keras import layers

    return argument(layers.MultiHeadAttention, "dropout")
