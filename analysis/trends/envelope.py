"""The same share under every counting rule that people argue about, and which rule moves which statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from analysis.trends import classes
from analysis.trends.series import Series
from analysis.trends.spline import Curve, find_crossing
from analysis.trends.statements import direction

COLUMNS = (
    *("indicator", "series", "period", "t", "rule", "label", "share", "low", "high", "n", "default", "bound"),
    *("incomplete", "note", "needs"),
)
SENSITIVITY = (
    *("indicator", "series", "statement", "rule", "label", "default_rule", "default_value", "value", "moved", "unit"),
    *("note", "needs"),
)
APART = (
    "where both is a third class, one half is no lead: PyTorch leads when TensorFlow is behind, as with both dropped"
)


def rows(series: Series) -> pd.DataFrame:
    """Return the rows of one series under one rule (``COLUMNS``); low and high empty where no interval applies."""
    known = series.n > 0
    n = np.where(known, series.n, np.nan)
    table = pd.DataFrame(
        {
            "indicator": series.indicator,
            "series": series.name,
            "period": series.period,
            "t": series.t,
            "rule": series.rule,
            "label": series.label,
            "share": series.pytorch / n,
            "n": series.n,
            "default": series.default,
            "bound": series.rule.startswith("bound"),
            "incomplete": series.incomplete,
            "note": series.note or ("" if series.interval else f"no interval: {series.why_not}"),
            "needs": "",
        }
    )
    table["low"] = table["high"] = np.nan
    if series.interval and known.any():
        low, high = classes.clustered_wilson(series.pytorch[known], series.n[known], series.inflation[known])
        table.loc[known, "low"], table.loc[known, "high"] = low, high
    return table.loc[:, list(COLUMNS)]


def absent(indicator: str, rule: str, note: str, needs: str = "", series: str = "") -> pd.DataFrame:
    """Return one row that says why a rule has no number."""
    row = {"indicator": indicator, "series": series, "rule": rule, "note": note, "needs": needs}
    return pd.DataFrame([row | {"default": False, "bound": False, "incomplete": False}], columns=list(COLUMNS))


def values(series: Series, curve: Curve | None, rng: np.random.Generator) -> dict[str, float]:
    """Return the numbers that a rule may move: crossing (decimal year), last share and direction (points)."""
    if curve is None:
        return {}
    moved = direction(curve, rng)
    return {
        "crossing": find_crossing(curve).at,
        "last_share": float(100 * curve.share(curve.basis.last)[0][0]),
        "direction": np.nan if moved is None else 100 * moved.slope,
    }


UNITS = {"crossing": "years", "last_share": "points", "direction": "points a year"}


def sensitivity(default: Series, others: Iterable[tuple[Series, Curve | None]], own: Curve | None, seed: int):
    """Return by how much each rule moves each statement of one series (``SENSITIVITY``)."""
    base = values(default, own, np.random.default_rng(seed))
    found = []
    for series, curve in others:
        if series.rule.startswith("bound"):
            continue
        new = values(series, curve, np.random.default_rng(seed))
        for statement in base:
            if statement not in new:
                continue
            apart = statement == "crossing" and "both apart" in series.rule
            value = np.nan if apart else new[statement]
            found.append(
                {
                    "indicator": series.indicator,
                    "series": series.name,
                    "statement": statement,
                    "rule": series.rule,
                    "label": series.label,
                    "default_rule": default.rule,
                    "default_value": base[statement],
                    "value": value,
                    "moved": value - base[statement],
                    "unit": UNITS[statement],
                    "note": APART if apart else series.note,
                    "needs": "",
                }
            )
    return pd.DataFrame(found, columns=list(SENSITIVITY))


def without_incomplete(series: Series) -> tuple[Series, Curve | None] | None:
    """Return the series with its trend fitted without incomplete periods, or None if it has none that matter."""
    from dataclasses import replace

    if not (series.incomplete & (series.n > 0) & series.whole).any():
        return None
    label = "periods that the source covers only in part are left out"
    changed = replace(series, rule=f"{series.rule}, whole periods only", label=label, default=False)
    return changed, series.fit(without_incomplete=True)


def from_named(papers: Sequence[tuple[str, frozenset[str]]], months: Sequence[str]) -> dict[str, tuple]:
    """Return counts of arXiv papers by month under the rules for Keras and for papers naming both.

    papers    month (YYYY-MM) and the frameworks that a paper's title or abstract names
    returns   {rule: (label, pytorch (m,), n (m,))}; pytorch and n are effective counts where papers count half
    """
    keras = {
        "with TensorFlow": lambda names: names - {"keras"} | ({"tensorflow"} if "keras" in names else set()),
        "apart": lambda names: names - {"keras"},
        "dropped": lambda names: set() if "keras" in names else names,
    }
    place = {month: number for number, month in enumerate(months)}
    found = {}
    for way, change in keras.items():
        counts = np.zeros((len(months), 3))
        for month, names in papers:
            seen = change(set(names)) & {"pytorch", "tensorflow"}
            if month in place and seen:
                counts[place[month], 2 if len(seen) == 2 else int("tensorflow" in seen)] += 1
        for both, scores in {"half": [1, 0, 0.5], "dropped": None, "apart": [1, 0, 0]}.items():
            if scores is None:
                pytorch, n = counts[:, 0], counts[:, 0] + counts[:, 1]
            else:
                pytorch, n = classes.effective_trials(scores, counts)
            label = f"Keras {way}; papers naming both {both}"
            found[f"keras {way}, both {both}"] = (label, pytorch, n)
    return found
