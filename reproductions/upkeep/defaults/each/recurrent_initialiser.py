"""Initial recurrent kernel of an LSTM, recognised from what a new layer drew."""

from reproductions.upkeep.defaults import Default, laws

DEFAULT = Default(
    id="recurrent_initialiser",
    title="LSTM: initial recurrent kernel",
    network="recurrent",
    setting="recurrent_kernel",
    asked={"pytorch": "nn.LSTM as made", "tensorflow": "layers.LSTM as made"},
)
IN, HIDDEN = 16, 100


def pytorch():
    """Return the law of a new layer."""
    from torch import nn

    return laws.recognise(nn.LSTM(IN, HIDDEN).weight_hh_l0.detach().numpy(), HIDDEN, 4 * HIDDEN)


def tensorflow():
    """Return the law of a new layer."""
    from keras import layers

    layer = layers.LSTM(HIDDEN)
    layer.build((None, None, IN))
    return laws.recognise(layer.cell.recurrent_kernel.numpy(), HIDDEN, 4 * HIDDEN)
