"""Binomial regression on the logit by iterated weighted least squares, with overdispersion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, gammaln, xlogy

STEPS = 50
TOLERANCE = 1e-10
FAR = 20.0  # logits are held within this, so that a period without successes does not run away


@dataclass(frozen=True)
class Fit:
    """A fitted binomial regression.

    beta         (p,) coefficients
    covariance   (p, p) of the coefficients, times ``dispersion``
    fitted       (m,) shares
    deviance     against the saturated model; pearson: sum of squared Pearson residuals
    df           residual degrees of freedom
    dispersion   pearson / df (nan where df is 0)
    aic          of the plain binomial likelihood, binomial coefficients included
    """

    beta: np.ndarray
    covariance: np.ndarray
    fitted: np.ndarray
    deviance: float
    pearson: float
    df: int
    dispersion: float
    aic: float


def fit_binomial(successes: ArrayLike, trials: ArrayLike, design: ArrayLike, *, quasi: bool = True) -> Fit:
    """Fit ``logit(share) = design @ beta``.

    successes, trials   (m,) counts, not necessarily whole; periods without trials carry no weight
    design              (m, p) of full rank
    quasi               whether the covariance is multiplied by the dispersion
    raises              ValueError if the design has fewer rows with trials than columns

    The same as statsmodels' ``GLM(share, design, Binomial(), var_weights=trials).fit(scale="X2")``; its form with two
    columns of counts gives a wrong dispersion. Method: P. McCullagh and J. A. Nelder, Generalized Linear Models, 2nd
    edition (1989), sections 2.5 and 4.5.
    """
    k, n, x = (np.asarray(values, dtype=float) for values in (successes, trials, design))
    kept = n > 0
    k, n, x = k[kept], n[kept], x[kept]
    if len(n) < x.shape[1]:
        raise ValueError(f"{len(n)} periods with trials do not determine {x.shape[1]} coefficients")
    eta = np.log((k + 0.5) / (n - k + 0.5))
    beta = np.zeros(x.shape[1])
    for _ in range(STEPS):
        before = beta
        response, weight = working(k, n, eta)
        beta = np.linalg.lstsq(x * np.sqrt(weight)[:, None], response * np.sqrt(weight), rcond=None)[0]
        eta = np.clip(x @ beta, -FAR, FAR)
        if np.max(np.abs(beta - before)) < TOLERANCE * (1 + np.max(np.abs(beta))):
            break
    fitted = expit(eta)
    _, weight = working(k, n, eta)
    squares = pearson(k, n, fitted)
    df = len(n) - x.shape[1]
    dispersion = squares / df if df else np.nan
    covariance = np.linalg.pinv((x * weight[:, None]).T @ x) * (dispersion if quasi else 1.0)
    criterion = aic(k, n, fitted, x.shape[1])
    return Fit(beta, covariance, fitted, deviance(k, n, fitted), squares, df, dispersion, criterion)


def working(k: np.ndarray, n: np.ndarray, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the working response and the working weights of one step."""
    share = expit(eta)
    variance = np.maximum(share * (1 - share), 1e-10)
    return eta + (k / n - share) / variance, n * variance


def pearson(k: np.ndarray, n: np.ndarray, share: np.ndarray) -> float:
    """Return the sum of the squared Pearson residuals."""
    return float(np.sum((k - n * share) ** 2 / (n * np.maximum(share * (1 - share), 1e-10))))


def deviance(k: np.ndarray, n: np.ndarray, share: np.ndarray) -> float:
    """Return twice the log likelihood by which ``share`` falls short of ``k / n``."""
    short = xlogy(k, k / n) - xlogy(k, share) + xlogy(n - k, 1 - k / n) - xlogy(n - k, 1 - share)
    return float(2 * np.sum(short))


def aic(k: np.ndarray, n: np.ndarray, share: np.ndarray, coefficients: float) -> float:
    """Return Akaike's criterion of the binomial likelihood, binomial coefficients included."""
    ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
    return float(2 * coefficients - 2 * np.sum(ways + xlogy(k, share) + xlogy(n - k, 1 - share)))
