"""AdamW's weight decay."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="weight_decay",
    title="AdamW: weight decay",
    network="convolutional",
    setting="weight_decay",
    asked={"pytorch": "torch.optim.AdamW(weight_decay)", "tensorflow": "keras.optimizers.AdamW(weight_decay)"},
    common={"optimizer": "adamw"},
)


def pytorch():
    """Return PyTorch's."""
    import torch

    return argument(torch.optim.AdamW, "weight_decay")


def tensorflow():
    """Return Keras'."""
    import keras

    return argument(keras.optimizers.AdamW, "weight_decay")
