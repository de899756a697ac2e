"""Papers of one owner are alike: what that does to the variance of a share, within a period and between periods."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix
from scipy.special import ndtri, stdtrit

if TYPE_CHECKING:
    import pandas as pd


def design_effects(
    period: ArrayLike, cluster: ArrayLike, values: ArrayLike, periods: int, *, uneven: bool = False
) -> np.ndarray:
    """Return (periods,) by how much clustering inflates the variance of each period's mean.

    period, cluster   (units,) whole numbers from 0
    values            (units,) or (units, classes): 0 and 1, or a part between; several columns are averaged, each
                      weighted by its binomial variance (the first-order correction of Rao and Scott, Annals of
                      Statistics 12 (1984) 46-60)
    uneven            whether some clusters hold much of a period, as in small fields: corrected for their pull on the
                      mean as in ``covariance`` and for their small effective number as by Korn and Graubard (Student's
                      t in the place of the normal), otherwise by the number of clusters
    returns           variance by linearisation over clusters divided by the variance of independent units; 1 where
                      nothing varies or all units of the period are one cluster

    Source: W. G. Cochran, Sampling Techniques, 3rd edition (1977), section 9A.
    """
    period, cluster = np.asarray(period), np.asarray(cluster)
    columns = np.asarray(values, dtype=float).reshape(len(period), -1)
    cell, place = np.unique(np.stack([period, cluster]), axis=1, return_inverse=True)
    place = place.ravel()
    met = np.bincount(cell[0], minlength=periods)
    clustered, independent = np.zeros(periods), np.zeros(periods)
    counts, sizes = np.bincount(period, minlength=periods), np.bincount(place, minlength=cell.shape[1])
    pull = np.maximum(1 - sizes / counts[cell[0]], 0.25) if uneven else 1.0
    for column in columns.T:
        residual = _residuals(period, column, periods)
        sums = np.bincount(place, weights=residual, minlength=cell.shape[1])
        clustered += np.bincount(cell[0], weights=sums**2 / pull, minlength=periods)
        independent += np.bincount(period, weights=residual**2, minlength=periods)
    known = (independent > 0) & (met > 1)
    factor = np.ones(periods) if uneven else met / np.maximum(met - 1, 1)
    factor *= np.maximum(counts - 1, 1) / np.maximum(counts, 1)
    effects = np.where(known, factor * clustered / np.where(known, independent, 1), 1.0)
    return effects * _few(cell[0], sizes, periods) if uneven else effects


def covariance(period: ArrayLike, cluster: ArrayLike, values: ArrayLike, periods: int) -> np.ndarray:
    """Return (periods, periods) covariance of the sums of residuals around each period's mean, linked by clusters.

    Arguments as in ``design_effects``, with one column of values. Corrected for the pull of large clusters on the mean
    (R. M. Bell and D. F. McCaffrey, Survey Methodology 28 (2002) 169-181).
    """
    period = np.asarray(period)
    _, owner = np.unique(np.asarray(cluster), return_inverse=True)
    counts = np.bincount(period, minlength=periods)
    residual = _residuals(period, np.asarray(values, dtype=float), periods)
    size = owner.max() + 1 if len(owner) else 0
    sums = csr_matrix((residual, (owner, period)), shape=(size, periods))
    papers = csr_matrix((np.ones(len(period)), (owner, period)), shape=(size, periods))
    # The mean of a period leans towards a cluster that has much of it.
    sums.data /= np.sqrt(np.maximum(1 - papers.data / counts[papers.indices], 0.25))
    return (sums.T @ sums).toarray()


def _few(period: np.ndarray, sizes: np.ndarray, periods: int) -> np.ndarray:
    """Return the squared ratio of the quantiles of Student's t and of the normal for the effective clusters."""
    total = np.bincount(period, weights=sizes, minlength=periods)
    squares = np.bincount(period, weights=sizes**2, minlength=periods)
    effective = total**2 / np.maximum(squares, 1)
    return (stdtrit(np.maximum(effective - 1, 2), 0.975) / ndtri(0.975)) ** 2


def covariance_matrix(linked: pd.DataFrame, quarters: Sequence[str]) -> np.ndarray:
    """Return (quarters, quarters), both halves, of a table with quarter, other_quarter and covariance.

    Pairs with a quarter that is not among ``quarters`` are left out; a pair that the table lacks is 0.
    """
    place = {name: number for number, name in enumerate(quarters)}
    matrix = np.zeros((len(place), len(place)))
    for one, other, value in zip(linked["quarter"], linked["other_quarter"], linked["covariance"], strict=True):
        if one in place and other in place:
            matrix[place[one], place[other]] = matrix[place[other], place[one]] = value
    return matrix


def _residuals(period: np.ndarray, values: np.ndarray, periods: int) -> np.ndarray:
    counts = np.maximum(np.bincount(period, minlength=periods), 1)
    return values - (np.bincount(period, weights=values, minlength=periods) / counts)[period]
