"""What a reader may quote: when PyTorch first led, where it stands, and whether it is still rising."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from analysis.trends.glm import fit_binomial
from analysis.trends.series import Series, in_words, month_of
from analysis.trends.spline import LEVEL, Crossing, Curve, Step, find_crossing

LAST_YEARS = 2.0
LEVEL_BAND = 0.02  # a share that changes by less than two points a year is level
DRAWS = 4000


@dataclass(frozen=True)
class Direction:
    """How the share moved over the last two years, without the steps of the source.

    slope, low, high            change of the share a year, 95 %
    rising, level, falling      probabilities; level is a change of less than two points a year
    """

    slope: float
    low: float
    high: float
    rising: float
    level: float
    falling: float

    @property
    def verdict(self) -> str:
        """The likeliest of the three."""
        return max(("rising", "level", "falling"), key=lambda name: getattr(self, name))

    @property
    def probability(self) -> float:
        """Of the verdict."""
        return float(getattr(self, self.verdict))


def direction(
    curve: Curve, rng: np.random.Generator, *, end: float | None = None, years: float = LAST_YEARS
) -> Direction | None:
    """Return the direction of a curve up to ``end`` (default: its last period); None if it is shorter than that."""
    last = curve.basis.last if end is None else end
    if last - years < curve.basis.first - 1e-9:
        return None
    at = np.array([last - years, last])
    eta, _ = curve.logit(at, steps=False)
    slope = float(np.diff(1 / (1 + np.exp(-eta)))[0] / years)
    drawn = np.diff(curve.draws(at, rng, DRAWS, steps=False), axis=1)[:, 0] / years
    low, high = np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    rising, falling = float(np.mean(drawn >= LEVEL_BAND)), float(np.mean(drawn <= -LEVEL_BAND))
    return Direction(slope, float(low), float(high), rising, 1 - rising - falling, falling)


COLUMNS = (
    *("indicator", "series", "rule", "field", "statement", "verdict", "value", "low", "high", "unit", "probability"),
    *("period", "method", "sentence", "needs"),
)
CURVE = "binomial spline on the logit; interval by inverse prediction"
BAND = "binomial spline on the logit; pointwise band"
SIMULATED = "binomial spline on the logit; 4,000 draws of its coefficients"
RESAMPLED = "percentiles"
SMOOTHED = "spline on the logit, every period weighing the same; no interval"


def state(series: Series, curve: Curve | None, short: str, seed: int, field: str = "") -> list[dict]:
    """Return the statements of one series: when PyTorch first led, its last share, and the direction.

    short   the indicator's name in a sentence
    seed    of the draws behind the probabilities of the direction

    Where the indicator's units are not separate choices, only values without interval and probability are given, and
    the sentence says why.
    """
    base = {"indicator": series.indicator, "series": series.name, "rule": series.rule, "field": field, "needs": ""}
    where = f"{short} ({field or series.name})"
    if curve is None:
        few = f"{where}: fewer than five periods with counts of both kinds, too few for a trend."
        return [base | {"statement": name, "verdict": "too few periods", "sentence": few} for name in STATEMENTS]
    why = "" if series.interval else f" No interval: {series.why_not}."
    made = [
        _crossing(find_crossing(curve), curve, series),
        _last(series, curve),
        _direction(direction(curve, np.random.default_rng(seed)), curve, series),
    ]
    return [base | row | {"sentence": f"{where}: {row['sentence']}{why}"} for row in made]


STATEMENTS = ("crossing", "last_share", "direction")


def _month(t: float) -> str:
    return in_words(month_of(t))


def _period(series: Series, t: float) -> str:
    """Return the period that lies at ``t``, in words."""
    return in_words(series.period[int(np.argmin(np.where(series.n > 0, np.abs(series.t - t), np.inf)))])


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _crossing(found: Crossing, curve: Curve, series: Series) -> dict:
    first, last = _period(series, curve.basis.first), _period(series, curve.basis.last)
    interval = series.interval
    if found.always:
        verdict, words = "never behind", f"PyTorch leads from the first period ({first}) on"
        value = np.nan
    elif np.isnan(found.at):
        verdict, words, value = "not yet", f"PyTorch has not led up to {last}", np.nan
    else:
        verdict, words, value = "crossed", f"PyTorch first led in {_month(found.at)}", found.at
    low, high = (found.low, found.high) if interval else (np.nan, np.nan)
    if interval:
        words += f" ({_range(low, high, first, last, verdict)})"
    return {
        "statement": "crossing",
        "verdict": verdict,
        "value": value,
        "low": low if np.isfinite(low) else np.nan,
        "high": high,
        "unit": "decimal year",
        "period": month_of(value),
        "method": CURVE if interval else SMOOTHED,
        "sentence": words + ".",
    }


def _range(low: float, high: float, first: str, last: str, verdict: str) -> str:
    if verdict == "not yet":
        if np.isnan(low):
            return "the 95 % band excludes a lead throughout"
        return f"the 95 % band allows a lead from {_month(low) if np.isfinite(low) else first} on"
    surely = "and never surely" if np.isnan(high) else f"and surely from {_month(high)} on"
    if verdict == "never behind":
        return surely.removeprefix("and ")
    begins = _month(low) if np.isfinite(low) else f"before {first}, where the series starts,"
    ends = f"beyond {last}, where the series ends" if np.isnan(high) else _month(high)
    return f"95 % interval: {begins} to {ends}"


def _last(series: Series, curve: Curve) -> dict:
    at = curve.basis.last
    share, low, high = (float(values[0]) for values in curve.share(at))
    words = f"in {_period(series, at)} PyTorch has {_percent(share)} of PyTorch and TensorFlow"
    if series.interval:
        words += f" (95 % band: {100 * low:.0f} to {_percent(high)})"
    else:
        low = high = np.nan
    if series.incomplete[np.argmin(np.abs(series.t - at))]:
        words += "; the source covers the last periods only in part"
    return {
        "statement": "last_share",
        "verdict": "ahead" if low > 0.5 else "behind" if high < 0.5 else "open" if series.interval else "",
        "value": share,
        "low": low,
        "high": high,
        "unit": "share",
        "period": month_of(at),
        "method": BAND if series.interval else SMOOTHED,
        "sentence": words + ".",
    }


def _direction(found: Direction | None, curve: Curve, series: Series) -> dict:
    row = {"statement": "direction", "unit": "share a year", "period": month_of(curve.basis.last)}
    if found is None:
        return row | {"verdict": "too short", "sentence": "shorter than two years, so no direction is given."}
    span = f"in the two years to {_period(series, curve.basis.last)}"
    points = f"{100 * found.slope:+.1f} points a year"
    inside = any(
        curve.basis.last - LAST_YEARS < edge <= curve.basis.last for step in curve.steps for edge in _edges(step)
    )
    steps = "; the step where the source changed is not counted" if inside else ""
    if not series.interval:
        verdict = "rising" if found.slope >= LEVEL_BAND else "falling" if found.slope <= -LEVEL_BAND else "level"
        words = f"the share of PyTorch is {verdict} {span} ({points}{steps})."
        return row | {"verdict": verdict, "value": found.slope, "method": SMOOTHED, "sentence": words}
    words = (
        f"{hedged(found)} {span} ({points}, 95 % interval {100 * found.low:+.1f} to {100 * found.high:+.1f}{steps})."
    )
    return row | {
        "verdict": found.verdict,
        "value": found.slope,
        "low": found.low,
        "high": found.high,
        "probability": found.probability,
        "method": SIMULATED,
        "sentence": words,
    }


def _edges(step: Step) -> tuple[float, ...]:
    return (step.start, step.end)


def hedged(found: Direction) -> str:
    """Return the direction in words that claim no more than its probability."""
    chance = "above 99 %" if found.probability > 0.99 else f"{100 * found.probability:.0f} %"
    if found.probability >= 0.95:
        return f"the share of PyTorch is {found.verdict} (probability {chance})"
    if found.probability >= 0.8:
        return f"the share of PyTorch is probably {found.verdict} ({chance})"
    return f"whether the share of PyTorch rises, stays level or falls cannot be told ({found.verdict}: {chance})"


@dataclass(frozen=True)
class VenueCrossing:
    """When a venue first had more PyTorch than TensorFlow, by one slope common to all venues."""

    venue: str
    at: float
    low: float
    high: float
    slope: float
    dispersion: float


def common_slope(
    venue: ArrayLike, t: ArrayLike, pytorch: ArrayLike, n: ArrayLike, level: float = LEVEL
) -> list[VenueCrossing]:
    """Return the crossing date of each venue from a logit with one level a venue and one slope for all.

    venue, t, pytorch, n   (m,) one entry a venue-year; ``t`` in decimal years

    The interval is Fieller's, with the dispersion of the fit and Student's t (E. C. Fieller, Journal of the Royal
    Statistical Society B 16 (1954) 175-185). The slope is known to flatten with time, so a date far from a venue's
    years is an extrapolation of the model.
    """
    names, own = np.unique(np.asarray(venue), return_inverse=True)
    middle = float(np.mean(t))
    design = np.column_stack([np.eye(len(names))[own], np.asarray(t, dtype=float) - middle])
    fit = fit_binomial(pytorch, n, design)
    reach = stdtrit(fit.df, (1 + level) / 2) ** 2
    slope, variance = fit.beta[-1], fit.covariance
    found = []
    for number, name in enumerate(names):
        height = fit.beta[number]
        square = slope**2 - reach * variance[-1, -1]
        linear = height * slope - reach * variance[number, -1]
        constant = height**2 - reach * variance[number, number]
        root = np.sqrt(max(linear**2 - square * constant, 0))
        ends = sorted([(-linear - root) / square, (-linear + root) / square]) if square > 0 else (np.nan, np.nan)
        at = middle - height / slope
        found.append(VenueCrossing(str(name), at, middle + ends[0], middle + ends[1], slope, fit.dispersion))
    return found
