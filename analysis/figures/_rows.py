"""The layout that the performance figures share: rows in plan order under a heading for each workload and phase."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from analysis import style
from analysis.figures import _sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.235  # inches
HEADING = 1.35  # rows
GAP = 0.45  # rows between two groups
LONGEST = 84  # characters of a heading


@dataclass(frozen=True)
class Line:
    """One line of the panel: a heading (``rows`` is None) or the table rows that share a label."""

    y: float
    label: str
    rows: pd.DataFrame | None


def lay_out(frame: pd.DataFrame, label: Callable[[pd.Series], str]) -> tuple[list[Line], float]:
    """Return the lines of a panel, from y = 0 downwards in units of rows, and their total height.

    Groups (workload, phase) and labels keep the order in which the table names them: plan order, never by result.
    """
    lines, y = [], 0.0
    for _, group in frame.groupby(["workload", "phase"], sort=False):
        first = group.iloc[0]
        sizes = group["batch_size"].dropna().unique()
        heading = f"{first['workload_title']}, {style.PHASE_LABELS.get(first['phase'], first['phase'])}"
        if len(sizes) == 1:
            heading += f", batch {sizes[0]:g}"
        if owner := _sets.whose(first):
            # The subtitle names the sets in full; a heading that runs out of the picture would be cut.
            heading += f" ({owner if len(heading) + len(owner) < LONGEST else first['origin']})"
        y += HEADING / 2
        lines.append(Line(y, heading, None))
        y += HEADING / 2
        labels = group.apply(label, axis=1)
        if len(sizes) > 1:
            labels += group["batch_size"].map(lambda size: f", batch {size:g}")
        for text, rows in group.groupby(labels, sort=False):
            lines.append(Line(y + 0.5, str(text), rows))
            y += 1
        y += GAP
    return lines, y - GAP if lines else 0.0


def height(rows: float, top: float = 0.3, bottom: float = 0.34) -> float:
    """Return the height of the picture in inches."""
    return rows * ROW + top + bottom


def panel(figure: Figure, lines: Sequence[Line], rows: float, *, left: float, right: float, top: float = 0.3) -> Axes:
    """Add the panel between ``left`` and ``right`` (inches from the edges) and write headings and row labels."""
    wide, high = figure.get_figwidth(), figure.get_figheight()
    body = rows * ROW
    ax = figure.add_axes((left / wide, (high - top - body) / high, (wide - left - right) / wide, body / high))
    ax.set_ylim(rows, 0)
    ax.set_yticks([])
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    for line in lines:
        if line.rows is None:
            at = (("axes fraction", "data"), line.y)
            _write(ax, (0.06 - left, 0), line.label, at, va="center", fontweight="bold", fontsize=9, color=style.INK)
        else:
            beside(ax, 0.2 - left, line.y, line.label)
    return ax


def beside(
    ax: Axes, inches: float, y: float, words: str, *, size: float = style.TICK_SIZE - 0.4, color: str = style.INK
) -> None:
    """Write words at height ``y``, ``inches`` right of the panel's left edge (negative: left of it)."""
    _write(ax, (inches, 0), words, (("axes fraction", "data"), y), va="center", fontsize=size, color=color)


def above(ax: Axes, inches: float, words: str) -> None:
    """Write the heading of a column of text above the panel, ``inches`` right of the panel's left edge."""
    _write(
        ax,
        (inches, 4),
        words,
        (("axes fraction", "axes fraction"), 1),
        va="bottom",
        fontsize=style.NOTE_SIZE,
        color=style.MUTED,
    )


def _write(ax: Axes, offset: tuple[float, float], words: str, at: tuple[tuple[str, str], float], **text: Any) -> None:
    ax.annotate(
        words,
        (0, at[1]),
        xycoords=at[0],
        xytext=(72 * offset[0], offset[1]),
        textcoords="offset points",
        annotation_clip=False,
        **text,
    )


def mask(ax: Axes, heading: Line) -> None:
    """Take the grid away behind a heading."""
    ax.axhspan(heading.y - 0.7, heading.y + 0.55, color=style.PAPER, linewidth=0, zorder=1.4)


DECADES = tuple(base * 10.0**power for power in range(-4, 4) for base in (1, 3))


def one_environment(cells: pd.DataFrame, wanted: str) -> pd.DataFrame:
    """Return the rows of each workload's modes in the wanted environment, or in their first one where it lacks them."""
    if cells.empty:
        return cells.reset_index(drop=True)
    names = cells.groupby(["workload", "framework", "mode"])["environment"]
    chosen = names.transform(lambda own: wanted if wanted in set(own) else own.iloc[0])
    return cells[cells["environment"] == chosen].reset_index(drop=True)


def environment_words(cells: pd.DataFrame) -> str:
    """Name the environment of the rows, such as "as shipped"."""
    return " and ".join(style.ENVIRONMENT_LABELS.get(name, name) for name in cells["environment"].unique()) or "no"


def cell_label(row: pd.Series) -> str:
    """Name framework and mode ("PyTorch eager"), or the mode where it names its framework ("torch.compile")."""
    if row["framework"] == "keras":
        return "Keras on " + ("PyTorch" if row["mode"] == "torch" else "TensorFlow")
    mode = style.MODE_LABELS.get(row["mode"], row["mode"])
    return mode if "." in mode else f"{style.FRAMEWORK_LABELS.get(row['framework'], row['framework'])} {mode}"


def cell_where(row: pd.Series) -> str:
    """Say which cell a row is."""
    return f"{cell_label(row)}, {row['workload_title']}, {style.PHASE_LABELS.get(row['phase'], row['phase'])}"


def span(rows: pd.DataFrame) -> str:
    """Return "2 workloads, training and inference" for the rows of a table."""
    count = rows["workload"].nunique()
    phases = [style.PHASE_LABELS.get(phase, phase) for phase in rows["phase"].unique()]
    return f"{count} workload{'s' if count != 1 else ''}, {' and '.join(phases)}"
