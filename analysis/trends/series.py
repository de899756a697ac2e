"""Series of counts that trends are fitted to: from the tables of shares, and from snapshots where there are any."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from analysis.indicators import Indicator
from analysis.periods import parse_breaks, parse_period
from analysis.trends.spline import Curve, Step, fit_curve

POOLED = "all venues"
LATE = {"code_labels": 12}  # months before the end of a source that are incomplete, because code is linked late


@dataclass(frozen=True)
class Series:
    """Counts of one series under one rule, in the order of time.

    t           (m,) decimal years, the middle of what a period covers
    period      (m,) as the source writes it
    pytorch, n  (m,) counts; ``n`` is pytorch and tensorflow together
    incomplete  (m,) whether the source covers the period only in part
    inflation   (m,) by which clusters inflate the variance of a period's share
    steps       breaks of the source
    groups      (m,) venue, where venues have levels of their own
    scores      bins of the periods and the covariance that clusters give them, where units come in clusters
    default     whether the rule is the one that statements are made by; ``label`` and ``note`` are for the reader
    interval    whether the units are separate choices; ``why_not`` gives the reason if not
    """

    indicator: str
    name: str
    rule: str
    t: np.ndarray
    period: tuple[str, ...]
    pytorch: np.ndarray
    n: np.ndarray
    incomplete: np.ndarray
    inflation: np.ndarray
    steps: tuple[Step, ...] = ()
    groups: np.ndarray | None = None
    scores: tuple[np.ndarray, np.ndarray] | None = None
    interval: bool = True
    why_not: str = ""
    default: bool = True
    label: str = ""
    note: str = ""

    @property
    def whole(self) -> np.ndarray:
        """(m,) whether a period lies before the end of the last whole quarter of the series."""
        return self.t <= last_whole_quarter(self.period)

    def fit(self, *, without_incomplete: bool = False) -> Curve | None:
        """Return the trend up to the last whole quarter; see ``fit_curve``.

        Where a period's share is no share of separate choices, every period weighs the same and the band means
        nothing.
        """
        kept = self.whole & (self.n > 0) & ~(self.incomplete & without_incomplete)
        if not kept.any():
            return None
        n = self.n if self.interval else np.where(self.n > 0, 1.0, 0.0)
        return fit_curve(
            self.t[kept],
            (self.pytorch / np.where(self.n > 0, self.n, 1) * n)[kept],
            n[kept],
            steps=self.steps,
            groups=None if self.groups is None else self.groups[kept],
            scores=None if self.scores is None else (self.scores[0][kept], self.scores[1]),
            least_dispersion=1.0 if self.interval else 0.0,
        )


def decimal(day: date) -> float:
    """Return a day as a decimal year with twelve equal months: 2019-07-01 is 2019.5."""
    return day.year + (day.month - 1 + (day.day - 1) / monthrange(day.year, day.month)[1]) / 12


def middle(period: str) -> float:
    """Return the middle of a period as a decimal year; the end of its last day counts as its end."""
    covered = parse_period(period)
    return (decimal(covered.start) + _after(covered.end)) / 2


def _after(day: date) -> float:
    return decimal(date.fromordinal(day.toordinal() + 1))


def last_whole_quarter(periods: tuple[str, ...]) -> float:
    """Return the end of the last quarter that the periods cover to its end, as a decimal year.

    Nothing is said about the time after it. Years and quarters end with themselves.
    """
    end = _after(max(parse_period(period).end for period in periods))
    return np.floor(end * 4 + 1e-9) / 4


def month_of(t: float) -> str:
    """Return the month that a decimal year lies in, as YYYY-MM; empty for nan."""
    if np.isnan(t):
        return ""
    months = int(np.floor(t * 12 + 1e-6))
    return f"{months // 12}-{months % 12 + 1:02d}"


def in_words(period: str) -> str:
    """Return a month in words, and any other period as it is: 2019-06 is June 2019."""
    covered = parse_period(period)
    return covered.start.strftime("%B %Y") if covered.grain == "month" else period


def make_steps(breaks: str) -> tuple[Step, ...]:
    """Return the breaks of a source (``analysis.periods.parse_breaks``) as steps; a span ends, a date does not."""
    steps = []
    for item in parse_breaks(breaks):
        end = np.inf if item.end == item.start else _after(parse_period(item.end.strftime("%Y-%m")).end)
        steps.append(Step(decimal(item.start), end, item.reason))
    return tuple(steps)


def from_shares(
    shares: pd.DataFrame, sources: pd.DataFrame, indicators: Mapping[str, Indicator]
) -> dict[tuple[str, str, str], Series]:
    """Return ``{(indicator, series, rule): Series}`` of the table of shares, at the finest grain.

    A series pooled into years is left out where the same rows stand there by month. Conference papers become one
    series of all venues, each with a level of its own; the venues themselves have too few periods for a trend.
    """
    found = {}
    for (name, series, rule), rows in shares.groupby(["indicator", "series", "rule"], sort=False):
        indicator = indicators[name]
        if name == "conference_papers":
            continue
        if series.endswith("by year") and (shares["series"] == series.replace("by year", "by month")).any():
            continue
        found[name, series, rule] = _series(rows, indicator, sources)
    venues = shares[(shares["indicator"] == "conference_papers") & (shares["stratum"].fillna("") != "")]
    # The pooled rows repeat what the venues hold.
    venues = venues[venues["period"].str.len() > 4]
    if len(venues):
        indicator = indicators["conference_papers"]
        pooled = _series(venues, indicator, sources, name=POOLED, groups=True)
        found["conference_papers", POOLED, pooled.rule] = pooled
    return found


def _series(
    rows: pd.DataFrame, indicator: Indicator, sources: pd.DataFrame, name: str | None = None, *, groups: bool = False
) -> Series:
    rows = rows.sort_values(["period_start", "series"])
    used = {source for sources_of in rows["source"].fillna("") for source in sources_of.split()}
    breaks = "; ".join(
        text for text in sources.loc[sources["source"].isin(used), "breaks"].fillna("") if text and not groups
    )
    period = tuple(rows["period"])
    rule = rows["rule"].iloc[0]
    complete = rows["complete"].astype(str).str.lower().eq("true").to_numpy()
    late = late_periods(period, LATE.get(indicator.id, 0))
    return Series(
        indicator=indicator.id,
        name=name or rows["series"].iloc[0],
        rule=rule,
        # A venue-year stands for the first day of the month of the conference.
        t=np.array([decimal(parse_period(text).start) if groups else middle(text) for text in period]),
        period=period,
        pytorch=rows["pytorch"].fillna(0).to_numpy(dtype=float),
        n=np.where(rows["share"].notna(), rows["n"].fillna(0), 0).astype(float),
        incomplete=~complete | late,
        inflation=np.ones(len(rows)),
        steps=make_steps(breaks),
        groups=rows["stratum"].to_numpy(dtype=str) if groups else None,
        interval=indicator.interval,
        why_not=indicator.no_interval,
        default=rule == indicator.default_rule.id,
        label=next(item.label for item in indicator.rules if item.id == rule),
    )


def late_periods(period: tuple[str, ...], months: int) -> np.ndarray:
    """Return (m,) whether a period lies in the last ``months`` months of the series."""
    t = np.array([middle(text) for text in period])
    return t > t.max() - months / 12 if months else np.zeros(len(t), dtype=bool)
