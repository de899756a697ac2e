"""Shares of a period with intervals: two-way by Wilson, four classes together by Goodman, clusters allowed for."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.ndimage import uniform_filter1d
from scipy.special import betaincinv, ndtri

from analysis.intervals import wilson

CLASSES = ("pytorch", "tensorflow", "both", "other")
SMALL = 20  # units below which a period is merged with its neighbours, or greyed
FEWEST_FOR_GOODMAN = 5
WINDOW = 13  # periods over which design effects are averaged: one alone rests on too few clusters


def jeffreys(successes: ArrayLike, trials: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the Jeffreys interval of a binomial share; nan where trials is 0.

    Source: L. D. Brown, T. T. Cai and A. DasGupta, Interval estimation for a binomial proportion, Statistical Science
    16 (2001) 101-133, with their ends of exactly 0 and 1 where nothing or all succeeds.
    """
    k, n = np.broadcast_arrays(np.asarray(successes, dtype=float), np.asarray(trials, dtype=float))
    tail = (1 - level) / 2
    low = np.where(k == 0, 0.0, betaincinv(k + 0.5, np.maximum(n - k, 0) + 0.5, tail))
    high = np.where(k == n, 1.0, betaincinv(k + 0.5, np.maximum(n - k, 0) + 0.5, 1 - tail))
    return np.where(n == 0, np.nan, low), np.where(n == 0, np.nan, high)


def simultaneous(counts: ArrayLike, level: float = 0.95) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return intervals of the classes of each period that hold all its shares together with probability ``level``.

    counts    (periods, classes), not necessarily whole
    returns   low and high, (periods, classes), nan where a period is empty; and method, (periods,): ``goodman``
              where every count is at least 5, else ``dirichlet`` (marginals of the posterior of the Jeffreys prior,
              each at a level that Bonferroni's inequality asks for)

    Source: L. A. Goodman, On simultaneous confidence intervals for multinomial proportions, Technometrics 7 (1965)
    247-254.
    """
    table = np.asarray(counts, dtype=float)
    total = np.broadcast_to(table.sum(axis=1, keepdims=True), table.shape)
    classes = table.shape[1]
    each = 1 - (1 - level) / classes
    low, high = wilson(table, total, each)
    rare = table.min(axis=1) < FEWEST_FOR_GOODMAN
    a, b, tail = table + 0.5, total - table + (classes - 1) / 2, (1 - each) / 2
    low = np.where(rare[:, None], np.where(table == 0, 0.0, betaincinv(a, b, tail)), low)
    high = np.where(rare[:, None], np.where(table == total, 1.0, betaincinv(a, b, 1 - tail)), high)
    empty = total == 0
    method = np.where(rare, "dirichlet", "goodman")
    return np.where(empty, np.nan, low), np.where(empty, np.nan, high), method


def clustered_wilson(
    successes: ArrayLike, trials: ArrayLike, inflation: ArrayLike = 1.0, level: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Return the Wilson interval of the effective counts: both divided by the inflation of the variance.

    Source: E. L. Korn and B. I. Graubard, Survey Methodology 24 (1998) 193-201, for the effective sample size.
    """
    k, n, factor = (np.asarray(values, dtype=float) for values in (successes, trials, inflation))
    return wilson(k / factor, n / factor, level)


def steady_inflation(inflation: ArrayLike, trials: ArrayLike) -> np.ndarray:
    """Return design effects averaged over 13 periods, weighted by units, and never below 1.

    A design effect of one month rests on the few owners that have several papers in it, so that months without one
    would get too short an interval and others too long a one.
    """
    deff, n = np.asarray(inflation, dtype=float), np.asarray(trials, dtype=float)
    if not len(deff):
        return deff
    weight = uniform_filter1d(n, WINDOW, mode="constant")
    mean = uniform_filter1d(n * np.nan_to_num(deff, nan=1.0), WINDOW, mode="constant")
    return np.maximum(np.where(weight > 0, mean / np.where(weight > 0, weight, 1), 1.0), 1.0)


def effective_trials(scores: ArrayLike, counts: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return effective successes and trials of a mean of scores between 0 and 1, such as papers counted half.

    scores   (classes,) what a unit of each class counts
    counts   (periods, classes)

    A mean of scores varies less than a share of the same size; the effective trials are those of a share with the
    same mean and variance.
    """
    score, table = np.asarray(scores, dtype=float), np.asarray(counts, dtype=float)
    n = table.sum(axis=1)
    safe = np.maximum(n, 1e-12)
    mean = table @ score / safe
    spread = table @ score**2 / safe - mean**2
    binomial = mean * (1 - mean)
    trials = np.where(spread > 1e-12, n * binomial / np.where(spread > 1e-12, spread, 1), n)
    return mean * trials, trials


def quantile(level: float) -> float:
    """Return the two-sided quantile of the normal distribution."""
    return float(ndtri((1 + level) / 2))
