"""Intervals for ratios of times: a percentile bootstrap in two stages, wide enough for few restarts.

Restarts of the processes are drawn first, then rounds inside each drawn restart (Davison and Hinkley 1997, section 3.8,
hierarchical data). Few restarts, drawn from themselves, differ too little, and such an interval holds the truth less
often than it says. So they are moved apart first, see :func:`restart_factor`; :func:`coverage` simulates both.
Everything here takes one array a restart and needs at least :data:`MIN_RESTARTS` of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtri, stdtrit

REPLICATES = 2000
#: A bootstrap over fewer restarts than this would pretend to know how restarts differ.
MIN_RESTARTS = 2
LEVEL = 0.95
#: Standard deviations of a normal distribution in one median absolute deviation.
MEDIAN_DEVIATION = 1.4826


@dataclass(frozen=True)
class Draws:
    """The draws for restarts of given lengths: the same for all measurements of one shape, so made once.

    restarts  (replicates, restarts) drawn restarts
    times     (values, replicates) how often each value, restart after restart, is drawn
    counts    (replicates,) values in each replicate
    """

    restarts: np.ndarray
    times: np.ndarray
    counts: np.ndarray


@lru_cache(maxsize=64)
def draws(lengths: tuple[int, ...], seed: int = 0) -> Draws:
    """Return the draws for restarts that hold ``lengths`` rounds."""
    sizes, longest = np.array(lengths), max(lengths)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(sizes), size=(REPLICATES, len(sizes)))
    # Inside a drawn restart as many rounds are drawn as it holds; the places beyond that stay empty.
    place = (rng.random((*drawn.shape, longest)) * sizes[drawn][..., None]).astype(int)
    value = (np.cumsum(sizes) - sizes)[drawn][..., None] + place
    replicate = np.broadcast_to(np.arange(REPLICATES)[:, None, None], value.shape)
    taken = np.arange(longest) < sizes[drawn][..., None]
    times = np.zeros((sizes.sum(), REPLICATES), np.int16)
    np.add.at(times, (value[taken], replicate[taken]), 1)
    return Draws(drawn, times, times.sum(axis=0, dtype=np.int64))


@lru_cache(maxsize=64)
def _student(restarts: int) -> float:
    """Return how much wider Student's interval is than the normal one, squared."""
    tail = (1 + LEVEL) / 2
    return float(stdtrit(restarts - 1, tail) / ndtri(tail)) ** 2


def restart_factor(restarts: Sequence[np.ndarray]) -> float:
    """Return by how much, on the logarithmic scale, restarts are moved apart before they are drawn; at least 1.

    restarts  arrays of positive values that are not empty, one a restart

    Drawing n restarts from themselves gives (n - 1) / n of the variance between their medians, and percentiles of it
    are those of the normal distribution (the two kinds of narrowness in Hesterberg 2015, The American Statistician
    69(4), 371-386). The factor makes up for both: the variance of the drawn becomes Student's with n - 1 degrees of
    freedom, less what the second stage, the drawing of rounds, adds anyway. What the interval then covers is simulated
    by :func:`coverage`.
    """
    count = len(restarts)
    if count < MIN_RESTARTS or not all((np.isfinite(values) & (values > 0)).all() for values in restarts):
        return 1.0  # what has no logarithm is drawn as it is
    logs = [np.log(values) for values in restarts]
    medians = np.array([np.median(values) for values in logs])
    if not (between := medians.var(ddof=1)) > 0:
        return 1.0
    # The spread of blocks from the median deviation, corrected for the medians that were taken off; robust, because one
    # disturbed block must not count as a difference between restarts.
    rounds = count / sum(1 / len(values) for values in logs)
    deviations = np.concatenate([values - middle for values, middle in zip(logs, medians, strict=True)])
    scale = MEDIAN_DEVIATION * np.median(np.abs(deviations)) * np.sqrt(rounds / max(rounds - 1, 1))
    within = np.pi / 2 * scale**2 / rounds
    return float(np.sqrt(max(1.0, (_student(count) * between - within) * count / ((count - 1) * between))))


def apart(restarts: Sequence[np.ndarray], factor: float) -> list[np.ndarray]:
    """Return the restarts with the distances between their medians multiplied on the logarithmic scale."""
    if factor == 1:
        return list(restarts)
    middles = np.array([np.median(np.log(values)) for values in restarts])
    shifts = np.exp((factor - 1) * (middles - middles.mean()))
    return [values * shift for values, shift in zip(restarts, shifts, strict=True)]


def replicates(restarts: Sequence[np.ndarray], seed: int = 0, factor: float | None = None) -> np.ndarray:
    """Return the medians (replicates,) of the drawn values; ``restarts`` are arrays that are not empty.

    factor  by how much restarts are moved apart before; None takes their own :func:`restart_factor`

    The values are sorted once; counting how often each is drawn finds every median without sorting the draws.
    """
    drawn = draws(tuple(len(values) for values in restarts), seed)
    values = np.concatenate(apart(restarts, restart_factor(restarts) if factor is None else factor))
    order = np.argsort(values, kind="stable")
    passed = np.cumsum(drawn.times[order], axis=0, dtype=np.int16)
    middle = [values[order][np.sum(passed <= half, axis=0)] for half in ((drawn.counts - 1) // 2, drawn.counts // 2)]
    return (middle[0] + middle[1]) / 2


def bounds(values: np.ndarray, centre: float, level: float = LEVEL) -> tuple[float, float]:
    """Return the percentile interval of replicates; it holds the estimate, and infinity where draws reach it."""
    # Between order statistics of which one is infinite there is no number.
    low, high = np.quantile(
        values, [(1 - level) / 2, (1 + level) / 2], method="nearest" if np.isinf(values).any() else "linear"
    )
    return float(min(low, centre)), float(max(high, centre))


def interval(
    restarts: Sequence[np.ndarray], level: float = LEVEL, seed: int = 0, factor: float | None = None
) -> tuple[float, float, float]:
    """Return (median, low, high) of paired ratios, one array a restart.

    factor  see :func:`replicates`

    Low and high are NaN below ``MIN_RESTARTS``; all three are NaN without a value.
    """
    restarts = [values for values in restarts if len(values)]
    if not restarts:
        return np.nan, np.nan, np.nan
    centre = float(np.median(np.concatenate(restarts)))
    if len(restarts) < MIN_RESTARTS:
        return centre, np.nan, np.nan
    return centre, *bounds(replicates(restarts, seed, factor), centre, level)


def quotient(
    above: Sequence[np.ndarray], below: Sequence[np.ndarray], level: float = LEVEL, seed: int = 0
) -> tuple[float, float, float]:
    """Return (estimate, low, high) of the ratio of two medians that were measured apart, so nothing is paired.

    above, below  one array a restart of each; low and high are NaN where a side has too few restarts
    """
    sides = [[values for values in side if len(values)] for side in (above, below)]
    if not all(sides):
        return np.nan, np.nan, np.nan
    centre = float(np.median(np.concatenate(sides[0])) / np.median(np.concatenate(sides[1])))
    if min(map(len, sides)) < MIN_RESTARTS:
        return centre, np.nan, np.nan
    return centre, *bounds(replicates(sides[0], seed) / replicates(sides[1], seed + 1), centre, level)


def coverage(
    restarts: int,
    spread: float,
    *,
    factor: float | None = None,
    rounds: int = 6,
    repeats: int = 300,
    seed: int = 1,
) -> float:
    """Return the share of simulated measurements whose 95 % interval holds the true ratio of 1.

    spread  standard deviation between restarts, in units of the spread between blocks (Student's t, 4 degrees)
    factor  by how much restarts are moved apart; None is the rule, 1 the plain bootstrap
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(repeats):
        logs = [0.05 * (spread * rng.normal() + rng.standard_t(4, rounds)) for _ in range(restarts)]
        _, low, high = interval([np.exp(values) for values in logs], factor=factor)
        held += low <= 1 <= high
    return held / repeats


def coverage_table() -> list[str]:
    """Return the lines of a Markdown table of :func:`coverage`, the plain bootstrap beside the rule."""
    spreads = {"no difference": 0.0, "half of the blocks'": 0.5, "as much": 1.0, "twice as much": 2.0}
    lines = [f"| restarts | drawn | {' | '.join(spreads)} |", f"|{'---|' * (len(spreads) + 2)}"]
    for restarts in (3, 5):
        for words, factor in (("as they are", 1.0), ("moved apart", None)):
            shares = [coverage(restarts, spread, factor=factor) for spread in spreads.values()]
            lines.append(f"| {restarts} | {words} | {' | '.join(f'{share:.0%}' for share in shares)} |")
    return lines
