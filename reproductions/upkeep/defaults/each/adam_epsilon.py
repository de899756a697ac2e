"""Adam's epsilon: added to the root of the second moment."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="adam_epsilon",
    title="Adam's epsilon",
    network="convolutional",
    setting="epsilon",
    asked={"pytorch": "torch.optim.Adam(eps)", "tensorflow": "keras.optimizers.Adam(epsilon)"},
)


def pytorch():
    """Return PyTorch's."""
    import torch

    return argument(torch.optim.Adam, "eps")


def tensorflow():
    """Return Keras'."""
    import keras

    return argument(keras.optimizers.Adam, "epsilon")
