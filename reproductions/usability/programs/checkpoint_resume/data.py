"""A smooth function of twenty features; a network with one hidden layer."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points and values to train on and sixteen points to predict."""
    return inputs.apart(*inputs.curve(rng, sizes["examples"] + inputs.HELD_OUT))


def weights(rng):
    """Return the hidden layer's and the output layer's weights."""
    return [*inputs.dense(rng, 20, 32), *inputs.dense(rng, 32, 1)]


def compared(data, results, initial):
    """Return the predictions, and how far the two trainings are apart."""
    apart = abs(results["resumed"] - results["straight"]).max()
    return {**results, "distance_from_straight": apart}
