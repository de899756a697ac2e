"""How long does the first step take, compilation included?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 1
REQUIRES = ("performance_cells",)

LEFT, RIGHT = 1.75, 1.25  # inches
ENVIRONMENT = "as_shipped"


def seconds(value: float) -> str:
    """Write a duration with two significant digits and its unit."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.0f} s" if value >= 9.95 else f"{value:.2g} s"


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of first-step durations; see :class:`analysis.figures.Drawing`."""
    cells = tables["performance_cells"]
    data = _rows.one_environment(cells, ENVIRONMENT)
    good = data[(data["status"] == "ok") & data["first_step_s"].notna()]
    lines, rows = _rows.lay_out(data, _rows.cell_label)
    empty = good.empty
    longest = None if empty else good.loc[good["first_step_s"].idxmax()]
    return Drawing(
        title=(
            "No first step has been measured yet"
            if empty
            else f"First steps take {seconds(good['first_step_s'].min())} to {seconds(good['first_step_s'].max())}"
        ),
        subtitle=(
            f"Seconds until the first step is done, tracing and compilation included; {_rows.span(data)}; "
            f"n = {len(good)} cells, {_rows.environment_words(data)} environment; medians over restarts, no interval"
        ),
        limits=(
            "The table performance_cells holds no row yet: run `snakemake --cores 2 measure` to fill it."
            if data.empty
            else "The import of the framework is not part of it, and other shapes of input would compile again."
        ),
        description=_description(data, good),
        data=data[
            [
                *("workload", "workload_title", "phase", "batch_size", "environment", "framework", "mode"),
                *("first_step_s", "cold_first_step_s", "step_ms_p50", "status", "note"),
            ]
        ],
        draw=lambda figure: _draw(figure, lines, rows, good),
        sources=("this machine",),
        size=(7.0, _rows.height(rows) if lines else 1.6),
        finding=None
        if longest is None
        else Finding(
            "What does compiling cost before it pays?",
            f"The first step took {seconds(good['first_step_s'].min())} to {seconds(longest['first_step_s'])}; "
            f"the longest is {_rows.cell_where(longest)}, where a later step takes {longest['step_ms_p50']:.3g} ms.",
            f"no interval: medians over restarts, {seconds(good['first_step_s'].min())} to "
            f"{seconds(longest['first_step_s'])}",
            f"n = {len(good)} cells, {_rows.span(good)}, one machine",
        ),
    )


def _description(data: pd.DataFrame, good: pd.DataFrame) -> str:
    start = (
        "A dot chart on a logarithmic axis of seconds. Each row is one framework in one mode, grouped by workload and "
        "phase. A filled mark is the first step with a warm compile cache, a hollow one the first step with an empty "
        "cache, where the two were measured. "
    )
    if good.empty:
        return start + f"No first step has been measured yet: the table holds {len(data)} rows without a value."
    low, high = good.loc[good["first_step_s"].idxmin()], good.loc[good["first_step_s"].idxmax()]
    first, last = good.iloc[0], good.iloc[-1]
    parts = [
        f"{name} {seconds(row['first_step_s'])} ({_rows.cell_where(row)})"
        for name, row in (("The shortest is", low), ("the longest", high), ("the first row", first), ("the last", last))
    ]
    return start + ", ".join(parts) + "."


def _draw(figure: Figure, lines: list[_rows.Line], rows: float, good: pd.DataFrame) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT)
    values = pd.concat([good["first_step_s"], good["cold_first_step_s"]]).dropna()
    ax.set_xscale("log")
    ax.set_xlim((values.min() if len(values) else 0.1) / 1.5, (values.max() if len(values) else 1) * 1.5)
    ticks = [t for t in _rows.DECADES if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
    ax.set_xticks(ticks, [seconds(t) for t in ticks])
    ax.set_xticks([], minor=True)
    edge = figure.get_figwidth() - LEFT - RIGHT
    _rows.above(ax, 0, "● warm compile cache   ○ empty cache")
    _rows.above(ax, edge + 0.1, "warm / empty")
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
        else:
            row = line.rows.iloc[0]
            words = _mark(ax, row, line.y)
            _rows.beside(
                ax,
                edge + 0.1,
                line.y,
                words,
                size=style.NOTE_SIZE,
                color=style.INK if words[0].isdigit() else style.MUTED,
            )


def _mark(ax: Axes, row: pd.Series, y: float) -> str:
    words = style.state_words(row["status"], short=True)
    if words or pd.isna(row["first_step_s"]):
        return words or "not measured here"
    color, marker = style.COLORS[row["framework"]], style.MARKERS[row["framework"]]
    warm, cold = row["first_step_s"], row["cold_first_step_s"]
    if pd.notna(cold):
        ax.plot([warm, cold], [y, y], color=color, linewidth=1.1, zorder=2)
        ax.plot(cold, y, marker=marker, markersize=5, color=color, markerfacecolor=style.PAPER, zorder=3)
    ax.plot(warm, y, marker=marker, markersize=5, color=color, markeredgewidth=0, zorder=4)
    return f"{seconds(warm)} / {seconds(cold)}" if pd.notna(cold) else seconds(warm)
