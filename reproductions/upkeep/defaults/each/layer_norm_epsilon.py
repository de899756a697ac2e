"""Layer normalisation's epsilon: added to the variance."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="layer_norm_epsilon",
    title="Layer normalisation: epsilon",
    network="transformer",
    setting="layer_norm_epsilon",
    asked={"pytorch": "nn.LayerNorm(eps)", "tensorflow": "layers.LayerNormalization(epsilon)"},
)


def pytorch():
    """Return PyTorch's."""
    from torch import nn

    return argument(nn.LayerNorm, "eps")


def tensorflow():
    """Return Keras'."""
    from keras import layers

    return argument(layers.LayerNormalization, "epsilon")
