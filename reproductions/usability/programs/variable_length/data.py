"""Sequences of 2 to 20 tokens whose class is whether the first token comes back."""

from reproductions.usability import inputs


def make(rng, sizes):
    """Return int64 token arrays (1 to 49; 0 is free for padding) and their classes."""
    sequences = [
        rng.integers(1, 50, rng.integers(2, 21)) for _ in range(sizes["examples"])
    ]
    labels = rng.integers(0, 2, sizes["examples"])
    for sequence, label in zip(sequences, labels, strict=True):
        if label:
            sequence[-1] = sequence[0]
    return {"sequences": sequences, "labels": labels}


def weights(rng):
    """Return the embedding, the recurrent layer's kernels and the output layer."""
    return [
        inputs.glorot(rng, 50, 16),
        inputs.glorot(rng, 16, 32),
        inputs.glorot(rng, 32, 32),
        *inputs.dense(rng, 32, 2),
    ]
