"""Synthetic sentence pairs for the translation step: random token ids of the stated shape. NumPy only."""

import numpy as np

#: Ids 0 (padding) and 1 (begin) are no words; synthetic sentences are full, so 0 never appears.
BEGIN, FIRST_WORD = 1, 2


def make(rng, sizes, examples):
    """Return ((source, target so far), target): int32 ids (examples, tokens); the target so far begins with 1."""
    source = rng.integers(FIRST_WORD, sizes["vocabulary"], (examples, sizes["tokens"]), np.int32)
    target = rng.integers(FIRST_WORD, sizes["vocabulary"], (examples, sizes["target_tokens"]), np.int32)
    so_far = np.concatenate([np.full((examples, 1), BEGIN, np.int32), target[:, :-1]], axis=1)
    return (source, so_far), target


def describe(sizes):
    """Return the shape in words."""
    return (
        f"synthetic sentence pairs of {sizes['tokens']} and {sizes['target_tokens']} tokens, "
        f"{sizes['vocabulary']:,} words, no padding"
    )
