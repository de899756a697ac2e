"""Intervals for shares."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri


def wilson(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the lower and upper ends of the Wilson score interval of a binomial share.

    successes, trials   counts of any shapes that broadcast; 0 <= successes <= trials
    level               confidence level between 0 and 1
    returns             two float arrays of the broadcast shape, within [0, 1]; nan where trials is 0
    raises              ValueError for negative counts, successes above trials, or a level outside (0, 1)

    Method: E. B. Wilson, Probable inference, the law of succession, and statistical inference, Journal of the
    American Statistical Association 22 (1927) 209-212, without continuity correction.
    """
    if not 0 < level < 1:
        raise ValueError(f"level {level} is not between 0 and 1; give 0.95 for a 95 % interval")
    k, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(trials, dtype=float))
    if np.any(k < 0) or np.any(n < 0):
        raise ValueError("a count is negative; counts start at 0")
    if np.any(k > n):
        raise ValueError("successes exceed trials; give the larger count as trials")
    z2 = ndtri((1 + level) / 2) ** 2
    with np.errstate(invalid="ignore", divide="ignore"):
        centre = (k + z2 / 2) / (n + z2)
        half = np.sqrt(z2 * (k * (n - k) / n + z2 / 4)) / (n + z2)
        # Rounding can leave 1e-17 where the formula gives exactly 0 or 1.
        low = np.where(k == 0, 0.0, np.clip(centre - half, 0, 1))
        high = np.where(k == n, 1.0, np.clip(centre + half, 0, 1))
    empty = n == 0
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high)
