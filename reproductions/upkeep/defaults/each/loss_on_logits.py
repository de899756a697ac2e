"""Cross-entropy: PyTorch's takes logits, Keras' probabilities unless told; a softmax carried over is applied twice."""

import math

from reproductions.upkeep.defaults import Default, argument

DEFAULT = Default(
    id="loss_on_logits",
    title="Cross-entropy: takes logits",
    network="convolutional",
    setting="takes_logits",
    asked={
        "pytorch": "nn.CrossEntropyLoss on (2, 0)",
        "tensorflow": "losses.SparseCategoricalCrossentropy(from_logits)",
    },
)


def pytorch():
    """Return whether the loss of (2, 0) is that of these logits."""
    import torch

    loss = torch.nn.CrossEntropyLoss()(torch.tensor([[2.0, 0.0]]), torch.tensor([0]))
    return math.isclose(float(loss), math.log(1 + math.exp(-2)), rel_tol=1e-5)


def tensorflow():
    """Return Keras'."""
    import keras

    return argument(keras.losses.SparseCategoricalCrossentropy, "from_logits")
