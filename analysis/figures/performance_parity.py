"""Does every measured mode compute what the reference computes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "parity"
ORDER = 0
REQUIRES = ("performance_cells",)

LEFT, RIGHT = 1.75, 2.0  # inches
KEYS = ["workload", "phase", "framework", "mode"]


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of differences against their tolerances; see :class:`analysis.figures.Drawing`."""
    cells = _sets.leading(tables["performance_cells"])
    cells = cells.assign(used=cells["parity_difference"] / cells["parity_tolerance"])
    # The environment in which a mode comes closest to its tolerance, or beyond it, stands for the mode.
    keys = KEYS if cells["workload"].nunique() <= _sets.MANY else [name for name in KEYS if name != "phase"]
    worst = cells.sort_values("used", ascending=False, na_position="last", kind="stable").drop_duplicates(keys)
    data = worst.sort_index().reset_index(drop=True)
    if keys != KEYS:
        data = data.assign(phase="the worse phase", batch_size=float("nan"))
    good = data[data["used"].notna()]
    lines, rows = _rows.lay_out(data, _rows.cell_label)
    failed = good[good["parity"] == "fail"]
    return Drawing(
        title=_title(good, failed),
        subtitle=(
            "Largest difference from the double-precision reference as a share of its tolerance: first logits, and "
            f"for training the losses of 20 steps; {_rows.span(data)}; n = {len(good)} modes, the worse environment "
            "of each; no interval: a difference, not a sample"
            if len(data)
            else "Largest difference from the double-precision reference; n = 0 modes"
        ),
        limits=(
            "A mode beyond the line is not admitted to the ratios; 20 equal steps do not show equal accuracy."
            if len(data)
            else "The table performance_cells holds no row yet: run `snakemake --cores 2 measure` to fill it."
        ),
        description=_description(data, good, failed),
        data=data[
            [
                *("origin", "machine", "workload", "workload_title", "phase", "batch_size", "environment", "framework"),
                "mode",
                *("parity_difference", "parity_tolerance", "used", "parity", "status", "note"),
            ]
        ],
        draw=lambda figure: _draw(figure, lines, rows, good),
        sources=_sets.sources(data),
        size=(7.0, _rows.height(rows) if lines else 1.6),
        finding=_finding(good, failed) if len(good) else None,
    )


def times(row: pd.Series) -> str:
    """Say how much of its tolerance a difference takes."""
    return f"{row['used']:.2g} of the tolerance" if row["used"] < 1 else f"{row['used']:,.1f} times the tolerance"


def _title(good: pd.DataFrame, failed: pd.DataFrame) -> str:
    if good.empty:
        return "No mode has been held against the reference yet"
    if failed.empty:
        return f"All {len(good)} measured modes compute the same"
    return f"{len(failed)} of {len(good)} measured modes compute{'s' if len(failed) == 1 else ''} something else"


def _finding(good: pd.DataFrame, failed: pd.DataFrame) -> Finding:
    said = "; ".join(f"{_rows.cell_where(row)}, is {times(row)} away" for _, row in failed.iterrows())
    closest = good.loc[good["used"].idxmax()]
    return Finding(
        "Do all modes compute the same?",
        f"No: {said}. {len(good) - len(failed)} of {len(good)} modes stay within their tolerances."
        if said
        else f"Yes, within tolerance, all {len(good)}; the closest to its limit is {_rows.cell_where(closest)}.",
        f"no interval: differences, from {times(good.loc[good['used'].idxmin()])} to {times(closest)}",
        f"n = {len(good)} modes, {_rows.span(good)}, {_sets.whose_words(good)}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame, failed: pd.DataFrame) -> str:
    start = (
        "A dot chart on a logarithmic axis. Each row is one framework in one mode, grouped by workload and phase; the "
        "mark shows how much of the allowed difference from the double-precision reference the mode takes, and a line "
        "stands at the whole tolerance. "
    )
    if good.empty:
        return start + f"Nothing has been compared yet: the table holds {len(data)} rows without a difference."
    first, last = good.iloc[0], good.iloc[-1]
    low, high = good.loc[good["used"].idxmin()], good.loc[good["used"].idxmax()]
    named = (("The smallest is", low), ("the largest", high), ("the first row", first), ("the last", last))
    parts = [f"{name} {times(row)} ({_rows.cell_where(row)})" for name, row in named]
    return start + ", ".join(parts) + f". {len(failed)} of {len(good)} lie beyond the line."


def _draw(figure: Figure, lines: list[_rows.Line], rows: float, good: pd.DataFrame) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT)
    ax.set_xscale("log")
    least = good["used"].where(good["used"] > 0).min()
    ax.set_xlim((least if pd.notna(least) else 0.01) / 3, max(good["used"].max() if len(good) else 1, 1) * 3)
    ax.set_xticks([t for t in (1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100, 1000) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]])
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    ax.set_xticks([], minor=True)
    ax.axvline(1, color=style.INK, linewidth=1, zorder=1.2)
    _rows.above(ax, 0, "difference / tolerance")
    edge = figure.get_figwidth() - LEFT - RIGHT
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        row = line.rows.iloc[0]
        words = style.state_words(row["status"], row["parity"], short=True)
        if pd.isna(row["used"]):
            _rows.beside(ax, 0.06, line.y, words or "not measured here", size=style.NOTE_SIZE, color=style.MUTED)
            continue
        filled = style.INK if row["parity"] == "pass" else style.PAPER
        at = max(row["used"], ax.get_xlim()[0] * 1.5)
        ax.plot(at, line.y, "o", color=style.INK, markerfacecolor=filled, markersize=5)
        said = f"{row['parity_difference']:.0e} of {row['parity_tolerance']:.0e}"
        _rows.beside(ax, edge + 0.1, line.y, f"{said}{', ' + words if words else ''}", size=style.NOTE_SIZE)
