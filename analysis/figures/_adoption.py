"""What the adoption figures share: choosing rows, dates on an axis, numbers in words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from analysis.indicators import load_indicators
from analysis.periods import parse_breaks, parse_period

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ECONOMIES = {
    "CN": "China",
    "DE": "Germany",
    "EU": "European Union",
    "GB": "United Kingdom",
    "IN": "India",
    "US": "United States",
}


def pick(table: pd.DataFrame, indicator: str, series: str | None = None, rule: str | None = None) -> pd.DataFrame:
    """Return the rows of one indicator in order of time; ``rule`` defaults to the indicator's default rule."""
    rows = table[table["indicator"] == indicator]
    if "rule" in rows:
        rows = rows[rows["rule"] == (rule or load_indicators()[indicator].default_rule.id)]
    if series is not None:
        rows = rows[rows["series"] == series]
    rows = rows.assign(period=rows["period"].map(text)) if "period" in rows else rows
    return rows.sort_values("period_start", kind="stable") if "period_start" in rows else rows


def text(value: object) -> str:
    """Return a period as it was written, also where reading a CSV made a number of it; empty for a missing one."""
    if value is None or pd.isna(value):
        return ""
    return str(int(value)) if isinstance(value, int | float) else str(value)


def year_of(day: date | str) -> float:
    """Return a day as a fractional year: 2020-07-01 is 2020.5."""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    start, end = date(day.year, 1, 1), date(day.year + 1, 1, 1)
    return day.year + (day - start) / (end - start)


def middle(period: str) -> float:
    """Return the middle of a period as a fractional year."""
    span = parse_period(period)
    return (year_of(span.start) + year_of(span.end)) / 2


def middles(rows: pd.DataFrame) -> list[float]:
    """Return the middle of each row's period."""
    return [middle(period) for period in rows["period"]]


def percent(share: float, digits: int = 0) -> str:
    """Return ``66 %`` for 0.658."""
    return f"{100 * share:.{digits}f} %"


def estimate(row: pd.Series) -> str:
    """Return the share of a row with its interval, or alone where there is none."""
    if pd.isna(row["low"]):
        return percent(row["share"])
    return f"{percent(row['share'])} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def number(count: float) -> str:
    """Return a count with separators: 31,518; large ones shortened: 110 million."""
    if count >= 1e7:
        return f"{count / 1e6:.0f} million"
    return f"{int(count):,}"


def join(words: Iterable[str]) -> str:
    """Return ``a, b and c``."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""


def leader(share: float) -> str:
    """Return the name of the framework that a PyTorch share puts ahead; ``neither`` at one half."""
    return "PyTorch" if share > 0.5 else "TensorFlow" if share < 0.5 else "neither"


def last_complete(rows: pd.DataFrame) -> pd.Series:
    """Return the last row that has a share and whose period is covered in full (else the last with a share)."""
    rows = rows[rows["share"].notna()]
    whole = rows[rows["complete"].astype(str) == "True"]
    return (whole if len(whole) else rows).iloc[-1]


def crossing(crossings: pd.DataFrame, indicator: str, series: str, rule: str | None = None) -> pd.Series:
    """Return the crossing row of one series, its dates as text."""
    row = pick(crossings, indicator, series, rule).iloc[0].copy()
    for name in ("first_lead", "lasting_lead", "could_lead_from", "surely_leads_from", "last_period"):
        row[name] = text(row[name])
    return row


def lead_words(row: pd.Series) -> str:
    """Return when PyTorch leads for good in a crossing row, as the end of a sentence."""
    if row["status"] == "never behind":
        return f"PyTorch is behind in no period and first ahead in {row['first_lead']}"
    if row["lasting_lead"]:
        early = "" if row["first_lead"] == row["lasting_lead"] else f" (first, for a time, in {row['first_lead']})"
        return f"PyTorch leads from {row['lasting_lead']} to the end of the data{early}"
    return f"PyTorch has no lasting lead by {row['last_period']}"


def half_line(ax: Axes, words: str | None = None) -> None:
    """Draw the line at one half, above which PyTorch has the larger count."""
    from analysis import style

    ax.axhline(0.5, color=style.INK, linewidth=0.8, zorder=1.4)
    if words:
        ax.annotate(
            words,
            (0, 0.5),
            xycoords=("axes fraction", "data"),
            xytext=(2, 3),
            textcoords="offset points",
            fontsize=style.NOTE_SIZE,
            color=style.MUTED,
        )


def share_line(ax: Axes, rows: pd.DataFrame, *, marker: bool = True) -> None:
    """Draw the PyTorch share over time with its Wilson band; periods covered in part are hollow."""
    import seaborn as sns

    from analysis import style

    rows = rows[rows["share"].notna()]
    x = middles(rows)
    if rows["low"].notna().all() and len(rows) > 1:
        style.band(ax, x, rows["low"].astype(float), rows["high"].astype(float), "pytorch")
    sns.lineplot(x=x, y=rows["share"].to_numpy(), ax=ax, errorbar=None, color=style.COLORS["pytorch"], linewidth=2)
    if marker:
        whole = (rows["complete"].astype(str) == "True").to_numpy()
        for mask, face in ((whole, style.COLORS["pytorch"]), (~whole, style.PAPER)):
            points = [(a, b) for a, b, keep in zip(x, rows["share"], mask, strict=True) if keep]
            if points:
                look = {"color": style.COLORS["pytorch"], "markerfacecolor": face, "markersize": 5, "clip_on": False}
                ax.plot(*zip(*points, strict=True), "o", **look)
    ax.set(xlabel="", ylabel="")


def count_lines(ax: Axes, rows: pd.DataFrame, unit: float = 1) -> None:
    """Draw the counts of both frameworks over time, in units of ``unit``."""
    import seaborn as sns

    from analysis import style

    for name in ("pytorch", "tensorflow"):
        known = rows[rows[name].notna()]
        looks = {"color": style.COLORS[name], "linewidth": 2.2, "linestyle": style.LINESTYLES[name]}
        sns.lineplot(x=middles(known), y=known[name].astype(float).to_numpy() / unit, ax=ax, errorbar=None, **looks)
    ax.set(xlabel="", ylabel="")
    ax.set_ylim(bottom=0)
    ax.grid(visible=False, axis="x")


def note(ax: Axes, words: str, *, x: float = 0, y: float = 1) -> None:
    """Write a muted note inside a corner of the panel, ``x`` and ``y`` 0 or 1."""
    from analysis import style

    ax.annotate(
        words,
        (x, y),
        xycoords="axes fraction",
        xytext=(2 - 4 * x, 3 - 6 * y),
        textcoords="offset points",
        ha="right" if x else "left",
        va="top" if y else "bottom",
        fontsize=style.NOTE_SIZE,
        color=style.MUTED,
    )


def ticks_with_n(ax: Axes, places: Sequence[float], labels: Sequence[str], counts: Sequence[float]) -> None:
    """Label the time axis with periods and, in a second line, the n of each."""
    lines = [f"{label}\n{int(n):,}" for label, n in zip(labels, counts, strict=True)]
    if lines:
        lines[0] = lines[0].replace("\n", "\nn = ")
    ax.set_xticks(places, lines)
    ax.grid(visible=False, axis="x")


def year_ticks(ax: Axes, first: float, last: float, step: int = 1, *, short: bool = False) -> None:
    """Put a tick at the start of every ``step``-th year from ``first`` to ``last``."""
    years = range(int(-(-first // 1)), int(last) + 1, step)
    ax.set_xticks(list(years), [f"’{year % 100:02d}" if short else str(year) for year in years])
    ax.grid(visible=False, axis="x")


def breaks_of(sources: pd.DataFrame, source: str) -> list[tuple[float, float, str]]:
    """Return the breaks of a source as (start, end, reason), times as fractional years."""
    written = sources.loc[sources["source"] == source, "breaks"]
    found = parse_breaks(text(written.iloc[0])) if len(written) else ()
    return [(year_of(item.start), year_of(item.end), item.reason) for item in found]


def drawn(rows: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Return the columns of a share table that a figure shows, without the ones that are empty throughout."""
    names = ["indicator", "rule", "series", "period", "pytorch", "tensorflow", "n", "total", "share", "low", "high"]
    columns = [name for name in [*names, *more, "interval", "complete", "source"] if name in rows]
    return rows[columns].dropna(axis="columns", how="all").reset_index(drop=True)
