"""Initial kernels and biases of dense and convolutional layers, recognised from what a new layer drew."""

from reproductions.upkeep.defaults import Default, laws

DEFAULT = Default(
    id="initialisers",
    title="Initial kernels and biases",
    network="convolutional",
    setting="initialisers",
    asked={"pytorch": "nn.Linear, nn.Conv2d as made", "tensorflow": "layers.Dense, layers.Conv2D as made"},
)
IN, OUT, CHANNELS, FILTERS, SIDE = 300, 2000, 24, 2000, 3


def pytorch():
    """Return the laws of a new layer's kernel and bias; raises ValueError if dense and convolutional layers differ."""
    from torch import nn

    dense, convolution = nn.Linear(IN, OUT), nn.Conv2d(CHANNELS, FILTERS, SIDE)
    return _same(
        [value.detach().numpy() for value in (dense.weight, dense.bias)],
        [value.detach().numpy() for value in (convolution.weight, convolution.bias)],
    )


def tensorflow():
    """Return the laws of a new layer's kernel and bias; raises ValueError if dense and convolutional layers differ."""
    from keras import layers

    dense, convolution = layers.Dense(OUT), layers.Conv2D(FILTERS, SIDE)
    dense.build((None, IN))
    convolution.build((None, 8, 8, CHANNELS))
    return _same(dense.get_weights(), convolution.get_weights())


def _same(dense, convolution):
    field = SIDE * SIDE
    found = [laws.recognise(values, IN, OUT) for values in dense]
    other = [laws.recognise(values.reshape(-1), field * CHANNELS, field * FILTERS) for values in convolution]
    if found != other:
        raise ValueError(f"a dense layer draws {found}, a convolution {other}")
    return dict(zip(("kernels", "biases"), found, strict=True))
