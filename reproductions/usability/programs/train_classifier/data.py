"""Points in four clusters; a network with one hidden layer."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points and classes to train on and 64 to test on."""
    x, y = inputs.clusters(rng, sizes["examples"] + 64)
    return {
        "x_train": x[:-64],
        "y_train": y[:-64],
        "x_test": x[-64:],
        "y_test": y[-64:],
    }


def weights(rng):
    """Return the hidden layer's and the output layer's weights."""
    return [*inputs.dense(rng, 20, 64), *inputs.dense(rng, 64, 4)]
