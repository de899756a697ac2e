"""Points in three clusters; the initial weights stand for a trained trunk."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return points and classes to train on and sixteen points to predict."""
    return inputs.apart(
        *inputs.clusters(rng, sizes["examples"] + inputs.HELD_OUT, classes=3)
    )


def weights(rng):
    """Return the trunk's two layers and the head."""
    return [
        *inputs.dense(rng, 20, 64),
        *inputs.dense(rng, 64, 32),
        *inputs.dense(rng, 32, 3),
    ]
