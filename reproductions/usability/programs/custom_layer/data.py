"""A smooth function of twenty features; a gate and a dense layer."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points and values to train on and sixteen points to predict."""
    return inputs.apart(*inputs.curve(rng, sizes["examples"] + inputs.HELD_OUT))


def weights(rng):
    """Return the gate's and the output layer's weights."""
    return [*inputs.dense(rng, 20, 20), *inputs.dense(rng, 20, 1)]
