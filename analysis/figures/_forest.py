"""A forest of ratios in groups: ink marks with intervals, the estimate in words beside each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import _rows
from analysis.figures.performance_ratios import estimate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LEFT, RIGHT = 2.25, 1.35  # inches


def settled(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that may be shown: measured, admitted and with an interval."""
    good = rows[["ratio", "low", "high"]].notna().all(axis=1)
    return rows[(rows["status"] == "ok") & rows["parity"].isin(style.ADMITTED) & good]


def sides(rows: pd.DataFrame) -> tuple[int, int]:
    """Return how many intervals lie wholly above and wholly below 1."""
    return int((rows["low"] > 1).sum()), int((rows["high"] < 1).sum())


def lay_out(
    rows: pd.DataFrame, label: Callable[[pd.Series], str]
) -> tuple[list[_rows.Line], float, tuple[float, float]]:
    """Return lines, their height in rows, and the size of the picture in inches."""
    lines, high = _rows.lay_out(rows, label)
    return lines, high, (7.0, _rows.height(high) if lines else 1.6)


def draw(
    figure: Figure,
    lines: list[_rows.Line],
    high: float,
    *,
    above: str = "PyTorch faster",
    below: str = "TensorFlow faster",
) -> None:
    """Draw one mark a row; a row without an admitted value says why."""
    ax = _rows.panel(figure, lines, high, left=LEFT, right=RIGHT)
    shown = pd.concat([line.rows for line in lines if line.rows is not None])
    good = settled(shown)
    style.ratio_axis(
        ax, good["low"].min() if len(good) else 1, good["high"].max() if len(good) else 1, above=above, below=below
    )
    edge = figure.get_figwidth() - LEFT - RIGHT
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        row = line.rows.iloc[0]
        words = style.state_words(row["status"], row["parity"], short=True)
        words = words or ("not measured here" if pd.isna(row["ratio"]) else "")
        if not words and pd.notna(row["low"]):
            ax.plot(
                [row["low"], row["high"]], [line.y] * 2, color=style.INK, linewidth=1.3, solid_capstyle="butt", zorder=2
            )
            ax.plot(row["ratio"], line.y, marker="o", markersize=4.6, color=style.INK, zorder=3)
        elif not words:
            ax.plot(row["ratio"], line.y, marker="x", markersize=4, color=style.MUTED, zorder=3)
        color = style.MUTED if words or pd.isna(row["low"]) else style.INK
        _rows.beside(ax, edge + 0.1, line.y, words or estimate(row), size=style.NOTE_SIZE, color=color)
