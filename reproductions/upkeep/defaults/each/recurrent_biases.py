"""Biases of an LSTM: how many are added, how they begin, and where that of the forget gate does."""

import numpy as np

from reproductions.upkeep.defaults import Default, laws

DEFAULT = Default(
    id="recurrent_biases",
    title="LSTM: biases",
    network="recurrent",
    setting="recurrent_biases",
    asked={"pytorch": "nn.LSTM as made", "tensorflow": "layers.LSTM as made"},
)
IN, HIDDEN = 16, 1000


def pytorch():
    """Return how many biases a new layer has, and the laws of the forget gate's and of the others."""
    from torch import nn

    layer = nn.LSTM(IN, HIDDEN)
    return _told([value.detach().numpy() for name, value in layer.named_parameters() if name.startswith("bias")])


def tensorflow():
    """Return how many biases a new layer has, and the laws of the forget gate's and of the others."""
    from keras import layers

    layer = layers.LSTM(HIDDEN)
    layer.build((None, None, IN))
    return _told([layer.cell.bias.numpy()])


def _told(biases):
    # Both frameworks keep the gates in the order input, forget, candidate, output.
    gates = np.stack([bias.reshape(4, HIDDEN) for bias in biases])
    forget, others = gates[:, 1].reshape(-1), gates[:, [0, 2, 3]].reshape(-1)
    found = {name: laws.recognise(values, HIDDEN, 4 * HIDDEN) for name, values in (("f", forget), ("o", others))}
    return {"biases": len(biases), "forget gate": found["f"], "other gates": found["o"]}
