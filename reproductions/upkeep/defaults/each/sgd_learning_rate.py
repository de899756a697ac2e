"""The learning rate of plain SGD when none is given."""

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="sgd_learning_rate",
    title="SGD: learning rate",
    network="convolutional",
    setting="learning_rate",
    asked={"pytorch": "torch.optim.SGD(lr)", "tensorflow": "keras.optimizers.SGD(learning_rate)"},
    common={"optimizer": "sgd"},
)


def pytorch():
    """Return PyTorch's."""
    import torch

    return argument(torch.optim.SGD, "lr")


def tensorflow():
    """Return Keras'."""
    import keras

    return argument(keras.optimizers.SGD, "learning_rate")
