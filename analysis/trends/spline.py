"""The trend of a share: a penalised spline on the logit, with steps where a source changed, and its band."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import BSpline
from scipy.linalg import solve_triangular
from scipy.special import expit, stdtrit

from analysis.trends import glm

LEVEL = 0.95
PERIODS_PER_KNOT = 4
MOST_KNOTS = 24
FEWEST = 5  # periods that carry a trend
FEWEST_BESIDE_STEP = 3
GRID = 0.01  # years between the points at which a crossing is looked for
PENALTIES = np.geomspace(1e-6, 1e6, 61)
ROUNDS = 40
RIDGE = 1e-8
# Restricted likelihood balances bias against variance, which costs the band some of its coverage where the trend
# bends; a fifth of its penalty keeps the bias small beside the band (P. Hall, Annals of Statistics 20 (1992) 675-694).
UNDERSMOOTHING = 0.2


@dataclass(frozen=True)
class Step:
    """A break of the source: from ``start`` on (``end`` infinite), or only between ``start`` and ``end``."""

    start: float
    end: float
    reason: str

    def covers(self, t: ArrayLike) -> np.ndarray:
        """Return 1.0 where the break has its effect, else 0.0."""
        at = np.asarray(t, dtype=float)
        return ((at >= self.start) & (at < self.end)).astype(float)


@dataclass(frozen=True)
class Basis:
    """Cubic B-splines between the first and the last period."""

    first: float
    last: float
    knots: np.ndarray = field(repr=False)

    @classmethod
    def over(cls, t: np.ndarray) -> Basis:
        """Return the basis for the periods at ``t``: a knot in four periods, at quantiles, 24 at most."""
        at = np.unique(t)
        inner = max(min(len(at) // PERIODS_PER_KNOT - 1, MOST_KNOTS), 0)
        inside = np.quantile(at, np.linspace(0, 1, inner + 2)[1:-1])
        return cls(at[0], at[-1], np.concatenate([[at[0]] * 4, inside, [at[-1]] * 4]))

    def __call__(self, t: ArrayLike, derivative: int = 0) -> np.ndarray:
        """Return (m, columns); ``t`` is held within the periods, for nothing is extrapolated."""
        at = np.clip(np.asarray(t, dtype=float), self.first, self.last)
        count = len(self.knots) - 4
        if derivative:
            return BSpline(self.knots, np.eye(count), 3).derivative(derivative)(at)
        return BSpline.design_matrix(at, self.knots, 3).toarray()

    def penalty(self) -> np.ndarray:
        """Return the integral of the products of second derivatives; a straight line costs nothing.

        Source: M. P. Wand and J. T. Ormerod, On semiparametric regression with O'Sullivan penalized splines,
        Australian and New Zealand Journal of Statistics 50 (2008) 179-198.
        """
        edges = np.unique(self.knots)
        middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
        # Second derivatives are linear between knots, so two Gauss points integrate their products exactly.
        at = np.concatenate([middle - half / np.sqrt(3), middle + half / np.sqrt(3)])
        second = self(at, derivative=2)
        return (second * np.concatenate([half, half])[:, None]).T @ second


@dataclass(frozen=True)
class Curve:
    """A fitted trend.

    beta, covariance   coefficients of the basis, then of the steps, then of the groups
    dispersion         by which variances exceed the binomial ones
    df                 degrees of freedom of the quantiles: residual ones, infinite where the dispersion is known
    edf                effective number of coefficients of the spline
    deviance, aic      of the fit (aic with the effective number of coefficients; plain binomial likelihood)
    """

    basis: Basis
    steps: tuple[Step, ...]
    beta: np.ndarray = field(repr=False)
    covariance: np.ndarray = field(repr=False)
    dispersion: float
    df: float
    edf: float
    deviance: float
    aic: float

    def design(self, t: ArrayLike, *, steps: bool = True) -> np.ndarray:
        """Return the rows of the design at times ``t``; without groups (their mean), with or without the steps."""
        at = np.atleast_1d(np.asarray(t, dtype=float))
        stepped = [step.covers(at) * steps for step in self.steps]
        columns = np.column_stack([self.basis(at), *stepped])
        return np.pad(columns, ((0, 0), (0, len(self.beta) - columns.shape[1])))

    def quantile(self, level: float = LEVEL) -> float:
        """Return the two-sided quantile of Student's t, the normal one where ``df`` is infinite."""
        return float(stdtrit(min(self.df, 1e6), (1 + level) / 2))

    def logit(self, t: ArrayLike, *, steps: bool = True) -> tuple[np.ndarray, np.ndarray]:
        """Return the logit of the share and its standard error."""
        rows = self.design(t, steps=steps)
        return rows @ self.beta, np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", rows, self.covariance, rows), 0))

    def share(self, t: ArrayLike, level: float = LEVEL) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the share and the lower and upper ends of its pointwise band."""
        eta, error = self.logit(t)
        reach = self.quantile(level) * error
        return expit(eta), expit(eta - reach), expit(eta + reach)

    def draws(self, t: ArrayLike, rng: np.random.Generator, count: int, *, steps: bool = True) -> np.ndarray:
        """Return (count, m) shares drawn from the fitted distribution of the coefficients (Student's t)."""
        values, vectors = np.linalg.eigh(self.covariance)
        root = vectors * np.sqrt(np.maximum(values, 0))
        normal = rng.standard_normal((count, len(values)))
        if np.isfinite(self.df):
            normal *= np.sqrt(self.df / rng.chisquare(self.df, (count, 1)))
        return expit(self.design(t, steps=steps) @ self.beta + normal @ (self.design(t, steps=steps) @ root).T)


def usable_steps(steps: Sequence[Step], t: np.ndarray) -> tuple[Step, ...]:
    """Return the steps that the data can tell from the trend: three periods before, within and after."""
    kept: list[Step] = []
    at = np.unique(t)
    for step in sorted(steps, key=lambda step: (step.start, step.end)):
        # Two breaks close to each other are one step: what lies between them does not tell them apart.
        borders = [border for other in kept for border in (other.start, other.end) if np.isfinite(border)]
        since = max((border for border in borders if border <= step.start), default=-np.inf)
        parts = [(since, step.start), (step.start, step.end), (step.end, np.inf)]
        counts = [np.sum((at >= low) & (at < high)) for low, high in parts if low < np.inf]
        if min(counts) >= FEWEST_BESIDE_STEP:
            kept.append(step)
    return tuple(kept)


def fit_curve(
    t: ArrayLike,
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    steps: Sequence[Step] = (),
    groups: ArrayLike | None = None,
    scores: tuple[np.ndarray, np.ndarray] | None = None,
    least_dispersion: float = 1.0,
) -> Curve | None:
    """Fit the trend of a share; None where fewer than five periods, or one side alone, leave nothing to fit.

    t                  (m,) decimal years
    successes, trials  (m,) counts, not necessarily whole
    steps              breaks of the source; those that the periods cannot tell from the trend are left out
    groups             (m,) labels with a level of their own around the common trend (levels average zero)
    scores             where units come in clusters: bin of every period (m,), and the covariance matrix (bins, bins)
                       of the bins' sums of residuals (``clusters.covariance``)
    least_dispersion   1 for counts of units; 0 where periods are given without a number of units

    The roughness is chosen by restricted maximum likelihood of the working model (S. N. Wood, Journal of the Royal
    Statistical Society B 73 (2011) 3-36). The band is the Bayesian one, which allows for the bias of smoothing (D.
    Nychka, Journal of the American Statistical Association 83 (1988) 1134-1143; G. Marra and S. N. Wood, Scandinavian
    Journal of Statistics 39 (2012) 53-74), with the covariance of clusters in the place of the binomial one.
    """
    at, k, n = (np.asarray(values, dtype=float) for values in (t, successes, trials))
    kept = n > 0
    at, k, n = at[kept], k[kept], n[kept]
    if len(np.unique(at)) < FEWEST or k.sum() <= 0 or (n - k).sum() <= 0:
        return None
    basis, used = Basis.over(at), usable_steps(steps, at)
    levels = _levels(np.asarray(groups)[kept]) if groups is not None else np.empty((len(at), 0))
    x = np.column_stack([basis(at), *(step.covers(at) for step in used), levels])
    if len(at) < FEWEST + x.shape[1] - basis(at).shape[1]:
        return None
    bins = None if scores is None else (np.asarray(scores[0])[kept], scores[1])
    return _fit(basis, used, (x, k, n), bins, least_dispersion)


def _levels(groups: np.ndarray) -> np.ndarray:
    """Return (m, groups - 1) columns that sum to zero over the groups."""
    names = np.unique(groups)
    own = (groups[:, None] == names[None, :]).astype(float)
    return own[:, :-1] - own[:, -1:]


def _fit(basis: Basis, steps: tuple[Step, ...], data: tuple, bins: tuple | None, least: float) -> Curve:
    x, k, n = data
    rough = basis.penalty()
    penalty = np.pad(rough, (0, x.shape[1] - len(rough)))
    dispersion, eta = max(1.0, least), np.log((k + 0.5) / (n - k + 0.5))
    beta, edf, rank = np.zeros(x.shape[1]), float(x.shape[1]), int(np.linalg.matrix_rank(penalty))
    for _ in range(ROUNDS):
        before = beta
        response, weight = glm.working(k, n, eta)
        information = (x * weight[:, None]).T @ x
        meat = None if bins is None else _meat(x, n, weight, *bins)
        if meat is not None:
            # How much more the coefficients vary than under independence, averaged over their directions.
            clustered = np.trace(np.linalg.solve(_steady(information), meat)) / x.shape[1]
            dispersion = max(least, clustered)
        beta, smooth, edf = _smooth(x, weight / dispersion, response, penalty, rank)
        eta = np.clip(x @ beta, -glm.FAR, glm.FAR)
        residual = max(len(n) - edf, 1.0)
        if meat is None:
            dispersion = max(least, glm.pearson(k, n, expit(eta)) / residual, 1e-12)
        if np.max(np.abs(x @ (beta - before))) < 1e-6:
            break
    bread = np.linalg.inv(_steady(information / dispersion + smooth * penalty))
    middle = information / dispersion if meat is None else meat / dispersion**2
    covariance = bread @ (middle + smooth * penalty) @ bread
    fitted = expit(eta)
    df = residual if meat is None and dispersion > least else np.inf  # a dispersion at its bound is not estimated
    quality = glm.deviance(k, n, fitted), glm.aic(k, n, fitted, edf)
    return Curve(basis, steps, beta, covariance, dispersion, df, edf, *quality)


def _steady(matrix: np.ndarray) -> np.ndarray:
    """Return the matrix with a ridge that only counts where the periods say nothing."""
    return matrix + RIDGE * np.trace(matrix) / len(matrix) * np.eye(len(matrix))


def _smooth(x, weight, response, penalty, rank) -> tuple[np.ndarray, float, float]:
    """Return coefficients, roughness penalty and effective number of coefficients by restricted likelihood."""
    upper = np.linalg.cholesky(_steady((x * weight[:, None]).T @ x)).T
    inverse = solve_triangular(upper, np.eye(len(upper)))
    rough, turn = np.linalg.eigh(inverse.T @ penalty @ inverse)
    rough = np.maximum(rough, 0)
    rough[: len(rough) - rank] = 0
    along = turn.T @ inverse.T @ (x.T @ (weight * response))
    scale = 1 / np.median(rough[rough > 0])
    tried = PENALTIES * scale
    shrunk = 1 + tried[:, None] * rough
    criterion = -np.sum(along**2 / shrunk, axis=1) + np.sum(np.log(shrunk), axis=1) - rank * np.log(tried)
    best = int(np.argmin(criterion))
    shrunk = 1 + UNDERSMOOTHING * tried[best] * rough
    return inverse @ turn @ (along / shrunk), float(UNDERSMOOTHING * tried[best]), float(np.sum(1 / shrunk))


def _meat(x: np.ndarray, n: np.ndarray, weight: np.ndarray, bins: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return the covariance of the score: bins of periods, each at the mean of its rows, as the clusters link them."""
    counts = np.bincount(bins, weights=n, minlength=len(covariance))
    rows = np.zeros((len(covariance), x.shape[1]))
    np.add.at(rows, bins, x * n[:, None])
    rows /= np.maximum(counts, 1e-12)[:, None]
    return rows.T @ covariance @ rows


@dataclass(frozen=True)
class Crossing:
    """When a curve first rises through one half, in decimal years.

    at      nan where it never does; ``always`` where the curve starts above
    low     first time at which the band allows a lead, minus infinity where it does from the start, nan where never
    high    first time from which the band requires a lead, nan where it never does
    """

    at: float
    low: float
    high: float
    always: bool


def find_crossing(curve: Curve, level: float = LEVEL) -> Crossing:
    """Return the first lead with its interval by inverse prediction: the times at which the band holds one half.

    Source: E. C. Fieller, Journal of the Royal Statistical Society B 16 (1954) 175-185, with the band of the curve.
    """
    grid = np.arange(curve.basis.first, curve.basis.last + GRID / 2, GRID)
    eta, error = curve.logit(grid)
    reach = curve.quantile(level) * error
    return Crossing(
        at=_first_above(grid, eta),
        low=_first_above(grid, eta + reach, from_start=-np.inf),
        high=_first_above(grid, eta - reach, from_start=grid[0]),
        always=bool(eta[0] > 0),
    )


def _first_above(grid: np.ndarray, height: np.ndarray, from_start: float = np.nan) -> float:
    above = np.flatnonzero(height > 0)
    if not len(above):
        return np.nan
    first = above[0]
    if first == 0:
        return from_start
    part = -height[first - 1] / (height[first] - height[first - 1])
    return float(grid[first - 1] + part * (grid[first] - grid[first - 1]))
