"""Figures of a ratio along one axis: a panel for each workload and phase, a line for each pair of modes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets
from analysis.figures.performance_ratios import estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANEL = 2.55  # inches
#: One line of a panel.
SERIES = ["workload", "phase", "axis", "batch_size", "threads", "environment", "pytorch_mode", "tensorflow_mode"]
AXIS_LABELS = {"batch": "batch size", "threads": "threads", "side": "side of the image", "tokens": "tokens"}


def chosen(sweeps: pd.DataFrame, wanted: Callable[[str], bool]) -> pd.DataFrame:
    """Return the leading set's rows of the axes that are wanted, in the last environment, failures included."""
    rows = sweeps[sweeps["axis"].map(wanted)] if len(sweeps) else sweeps
    rows = _sets.last_environment(_sets.leading(rows))
    if rows["workload"].nunique() > _sets.MANY:
        rows = rows[rows["phase"] == rows.groupby("workload")["phase"].transform("last")].reset_index(drop=True)
    for name in ("batch_size", "threads"):
        swept = rows["axis"] == {"batch_size": "batch"}.get(name, name)
        rows[f"{name}_held"] = rows[name].where(~swept)
    return rows


def series(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a series: ratio and interval at both ends, and ``gains``: pytorch, tensorflow, or "" if unsettled.

    A side gains where the intervals at the smallest and at the largest value do not overlap, which is stricter than a
    test of their difference.
    """
    good = rows[(rows["status"] == "ok") & (rows["parity"] == "pass") & rows["low"].notna()]
    found = []
    for _, own in good.groupby(_keys(), sort=False, dropna=False):
        if own["value"].nunique() < 2:
            continue
        first, last = own.loc[own["value"].idxmin()], own.loc[own["value"].idxmax()]
        gains = "pytorch" if last["low"] > first["high"] else "tensorflow" if last["high"] < first["low"] else ""
        found.append({"first": first, "last": last, "gains": gains})
    return pd.DataFrame(found, columns=["first", "last", "gains"])


def _keys() -> list[str]:
    held = {"batch_size": "batch_size_held", "threads": "threads_held"}
    return [held.get(name, name) for name in SERIES]


def make(
    sweeps: pd.DataFrame,
    wanted: Callable[[str], bool],
    *,
    larger: str,
    axis: str,
    question: str,
    command: str,
    limits: str,
) -> Drawing:
    """Return the drawing of the wanted axes.

    larger    what grows, for the title: "Larger batches"
    axis      what the axis is called in sentences: "batch size"
    question  for the findings table
    command   what brings the rows where there are none
    """
    rows = chosen(sweeps, wanted)
    ends = series(rows)
    counts = [int((ends["gains"] == name).sum()) for name in ("pytorch", "tensorflow")]
    good = rows[(rows["status"] == "ok") & rows["ratio"].notna()]
    groups = [own for _, own in rows.groupby(["workload", "phase", "axis"], sort=False)]
    return Drawing(
        title=_title(ends, counts, larger, axis),
        subtitle=(
            f"Speed of PyTorch over TensorFlow by {axis}, everything else held; {_rows.span(rows)}; n = {len(good)} "
            f"points in {len(ends)} series, {_sets.whose_words(rows)}; bootstrap 95 % intervals as bars"
            if len(rows)
            else f"Speed of PyTorch over TensorFlow by {axis}; n = 0 points"
        ),
        limits=limits if len(rows) else f"No point along this axis has been measured yet: run `{command}`.",
        description=_description(rows, good, ends, counts, axis),
        data=_sets.told(rows),
        draw=lambda figure: _draw(figure, groups),
        sources=_sets.sources(rows),
        size=(7.0, PANEL * max(1, -(-len(groups) // 2)) if len(rows) else 1.6),
        finding=_finding(ends, counts, larger, question) if len(ends) else None,
    )


def _title(ends: pd.DataFrame, counts: list[int], larger: str, axis: str) -> str:
    if not len(ends):
        return f"No interval along the {axis} yet"
    if not sum(counts):
        return f"{larger} settle nothing in any of {len(ends)} series"
    return f"{larger} favour PyTorch in {counts[0]}, TensorFlow in {counts[1]} series"


def _finding(ends: pd.DataFrame, counts: list[int], larger: str, question: str) -> Finding:
    moved = [max(_shift(row), 1 / _shift(row)) for _, row in ends.iterrows()]
    most = ends.iloc[int(np.argmax(moved))]
    return Finding(
        question,
        f"{larger} favour PyTorch in {counts[0]}, TensorFlow in {counts[1]} and settle nothing in "
        f"{len(ends) - sum(counts)} of {len(ends)} series; the largest move is {_ends(most)}.",
        f"largest move: {_ends(most)}, 95 % intervals",
        f"n = {len(ends)} series, {_rows.span(pd.DataFrame(list(ends['first'])))}",
    )


def _shift(row: pd.Series) -> float:
    return row["last"]["ratio"] / row["first"]["ratio"]


def _ends(row: pd.Series) -> str:
    first, last = row["first"], row["last"]
    return (
        f"from {estimate(first)} at {first['value']:g} to {estimate(last)} at {last['value']:g} "
        f"({first['workload_title']}, {_sets.phase(first)}, {_sets.pair(first)})"
    )


def _description(rows: pd.DataFrame, good: pd.DataFrame, ends: pd.DataFrame, counts: list[int], axis: str) -> str:
    start = (
        f"Line charts with a panel for each workload and phase. The {axis} grows from left to right on a logarithmic "
        "axis, the ratio of speed, PyTorch over TensorFlow, from bottom to top, with a line at equal speed and a grey "
        "zone of ten per cent around it. Each line is a pair of modes. "
    )
    if not len(ends):
        return start + f"No series with two intervals has been measured yet; the table holds {len(rows)} rows for it."
    low, high = good.loc[good["ratio"].idxmin()], good.loc[good["ratio"].idxmax()]
    return start + (
        f"{counts[0]} series rise beyond their intervals, {counts[1]} fall. The first goes {_ends(ends.iloc[0])}, the "
        f"last {_ends(ends.iloc[-1])}. The lowest point is {estimate(low)}, the highest {estimate(high)}."
    )


def _draw(figure: Figure, groups: list[pd.DataFrame]) -> None:
    drawn = pd.concat(groups)
    bounds = drawn[drawn["status"] == "ok"][["ratio", "low", "high"]].fillna(1)
    least, most = (bounds.min().min(), bounds.max().max()) if len(bounds) else (1, 1)
    for ax, own in _sets.grid(figure, groups, columns=2, right=0.95):
        first = own.iloc[0]
        values = sorted(own["value"].unique())
        ax.set_xscale("log", base=2)
        ax.set_xlim(values[0] / 1.25, values[-1] * 1.25)
        style.ratio_axis(ax, least, most, axis="y", words=False)
        ax.set_xticks(values, [f"{value:g}" for value in values])
        ax.set_xticks([], minor=True)
        ax.set_xlabel(AXIS_LABELS.get(first["axis"], first["axis"]), fontsize=style.NOTE_SIZE, labelpad=1)
        _sets.panel_title(ax, first)
        ends, gone = [], []
        for place, (_, line) in enumerate(own.groupby(_keys()[3:], sort=False, dropna=False)):
            marker, dash = _sets.LINES[place % len(_sets.LINES)]
            good = line[(line["status"] == "ok") & (line["parity"] == "pass") & line["ratio"].notna()]
            gone += [f"{row['value']:g}: {_why(row)}" for _, row in line.iterrows() if row.name not in good.index]
            if good.empty:
                continue
            ax.plot(
                good["value"],
                good["ratio"],
                color=style.INK,
                linestyle=dash,
                linewidth=1.1,
                marker=marker,
                markersize=4,
            )
            told = good[good["low"].notna()]
            _sets.bars(ax, told["value"], told["low"], told["high"])
            ends.append((good["ratio"].iloc[-1], _sets.pair(line.iloc[0]), good["value"].iloc[-1]))
        _label(ax, ends)
        if gone:
            words = "\n".join(dict.fromkeys(gone))
            ax.text(0.02, 0.02, words, transform=ax.transAxes, fontsize=6.8, color=style.MUTED, va="bottom")


def _why(row: pd.Series) -> str:
    return style.state_words(row["status"], row["parity"], short=True) or "not measured here"


def _label(ax, ends: list[tuple[float, str, float]]) -> None:
    points = 72 / ax.get_figure().dpi
    heights = [ax.transData.transform((x, ratio))[1] * points for ratio, _, x in ends]
    for (ratio, words, x), now, then in zip(ends, heights, style.spread(heights, 9.5), strict=True):
        style.direct_label(ax, x, ratio, words, dx=6, dy=then - now, fontsize=style.NOTE_SIZE - 0.6)
