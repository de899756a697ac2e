"""How long does the first step take, compilation included?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 3
REQUIRES = ("performance_cells",)

LEFT, RIGHT = 1.6, 1.6  # inches
ENVIRONMENT = "as_shipped"


def seconds(value: float) -> str:
    """Write a duration with two significant digits and its unit."""
    if value < 0.0995:
        return f"{value * 1000:.0f} ms"
    return f"{value:.0f} s" if value >= 9.95 else f"{value:.2g} s"


def spans(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the measured rows with ``shortest`` and ``longest`` of their first steps, in seconds."""
    values = cells[["first_step_s", "cold_first_step_s"]].apply(pd.to_numeric)
    measured = cells.assign(shortest=values.min(axis=1), longest=values.max(axis=1))
    return measured[(cells["status"] == "ok") & measured["longest"].notna()]


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of first-step durations; see :class:`analysis.figures.Drawing`."""
    cells = _sets.leading(tables["performance_cells"])
    data = _sets.fit(_rows.one_environment(cells, ENVIRONMENT))
    good = spans(data)
    lines, rows = _rows.lay_out(data, _rows.cell_label)
    span = "" if good.empty else f"{seconds(good['shortest'].min())} to {seconds(good['longest'].max())}"
    return Drawing(
        title=f"First steps take {span}" if span else "No first step has been measured yet",
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
                *("origin", "machine", "workload", "workload_title", "phase", "batch_size", "environment", "framework"),
                "mode",
                *("first_step_s", "cold_first_step_s", "step_ms_p50", "status", "note"),
            ]
        ],
        draw=lambda figure: _draw(figure, lines, rows, good),
        sources=_sets.sources(data),
        size=(7.0, _rows.height(rows) if lines else 1.6),
        finding=_finding(good, span) if span else None,
    )


def _finding(good: pd.DataFrame, span: str) -> Finding:
    row = good.loc[good["longest"].idxmax()]
    later = f", where a later step takes {row['step_ms_p50']:.3g} ms" if pd.notna(row["step_ms_p50"]) else ""
    return Finding(
        "What does compiling cost before it pays?",
        f"The first step took {span}; the longest is {_rows.cell_where(row)}{later}.",
        f"no interval: medians over restarts, {span}",
        f"n = {len(good)} cells, {_rows.span(good)}, {_sets.whose_words(good)}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame) -> str:
    start = (
        "A dot chart on a logarithmic axis of seconds. Each row is one framework in one mode, grouped by workload and "
        "phase. A filled mark is the first step where the compile cache was warm or none is needed, a hollow one the "
        "first step with an empty cache, where they were measured. "
    )
    if good.empty:
        return start + f"No first step has been measured yet: the table holds {len(data)} rows without a value."
    low, high = good.loc[good["shortest"].idxmin()], good.loc[good["longest"].idxmax()]
    first, last = good.iloc[0], good.iloc[-1]
    parts = [
        f"{name} {seconds(row[column])} ({_rows.cell_where(row)})"
        for name, column, row in (
            ("The shortest is", "shortest", low),
            ("the longest", "longest", high),
            ("the first row", "longest", first),
            ("the last", "longest", last),
        )
    ]
    return start + ", ".join(parts) + "."


def _draw(figure: Figure, lines: list[_rows.Line], rows: float, good: pd.DataFrame) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT)
    values = pd.concat([good["shortest"], good["longest"]])
    ax.set_xscale("log")
    ax.set_xlim((values.min() if len(values) else 0.1) / 1.5, (values.max() if len(values) else 1) * 1.5)
    low, high = ax.get_xlim()
    ticks = [t for t in _rows.DECADES[:: 1 if high / low < 1000 else 2] if low <= t <= high]
    ax.set_xticks(ticks, [seconds(t) for t in ticks])
    ax.set_xticks([], minor=True)
    edge = figure.get_figwidth() - LEFT - RIGHT
    _rows.above(ax, 0, "● compile cache warm or not needed   ○ empty cache")
    _rows.above(ax, edge + 0.1, "warm / empty cache")
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
    """Draw the marks of a row and return its text: the durations, or the words for why there are none."""
    warm, cold = row["first_step_s"], row["cold_first_step_s"]
    words = style.state_words(row["status"], short=True)
    if words or (pd.isna(warm) and pd.isna(cold)):
        return words or "not measured here"
    color, marker = style.COLORS[row["framework"]], style.MARKERS[row["framework"]]
    if pd.notna(warm) and pd.notna(cold):
        ax.plot([warm, cold], [y, y], color=color, linewidth=1.1, zorder=2)
    if pd.notna(cold):
        ax.plot(cold, y, marker=marker, markersize=5, color=color, markerfacecolor=style.PAPER, zorder=3)
    if pd.notna(warm):
        ax.plot(warm, y, marker=marker, markersize=5, color=color, markeredgewidth=0, zorder=4)
    words = f"{seconds(cold)}, empty cache" if pd.isna(warm) else seconds(warm)
    if pd.notna(warm) and pd.notna(cold):
        words = f"{seconds(warm)} / {seconds(cold)}"
    return f"{seconds(cold if pd.isna(warm) else warm)}, compiled nothing" if row.get("compiled_graphs") == 0 else words
