"""What the figures of usability share: a panel of shares with intervals, and the words for machine and day."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import _rows
from analysis.usability import COMMAND, MODES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "usability"
TOP, BOTTOM, GAP, EDGE = 0.34, 0.3, 0.2, 0.25  # inches
MODE_COLORS = {mode: style.COLORS[mode.partition("-")[0]] for mode in MODES}


@dataclass(frozen=True)
class Line:
    """One line of a panel: a heading (``key`` is None) or the rows of one machine and key."""

    y: float
    label: str
    machine: str
    key: str | None


def absent(table: str) -> str:
    """Say which table is empty and what fills it."""
    return f"The table {table} holds no row yet: run `{COMMAND}` on a quiet machine to fill it."


def nothing(what: str) -> str:
    """Return the description of a figure that has no rows."""
    return (
        f"An empty frame. It would show {what}, one row for each framework and mode, with a 95 % interval for every "
        "value and the number of faults or tasks behind it. Nothing has been measured for this build yet, so there "
        f"are 0 rows; run {COMMAND} on a quiet machine and draw the page again."
    )


def newest(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the machine that measured last: titles and findings speak of one machine."""
    if frame.empty:
        return frame
    last = frame.sort_values(["date", "machine"], kind="stable")["machine"].iloc[-1]
    return frame[frame["machine"] == last].reset_index(drop=True)


def measured_on(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return a source for each machine: "measured on <machine>, <day>"."""
    pairs = frame[["machine", "date"]].drop_duplicates().itertuples(index=False)
    return tuple(f"measured on {machine}, {day}" for machine, day in pairs) or ("no machine yet",)


def machine_words(frame: pd.DataFrame) -> str:
    """Say on how many machines and when: "1 machine, 2026-11-26"."""
    count = frame["machine"].nunique()
    days = sorted(set(frame["date"].dropna().astype(str)))  # a framework of which nothing was tried has no day
    when = f", {days[0]}" if len(days) == 1 else f", {days[0]} to {days[-1]}" if days else ""
    return f"{count} machine{'' if count == 1 else 's'}{when}"


def lay_out(
    frame: pd.DataFrame, keys: Sequence[str], column: str, label: Callable[[str], str]
) -> tuple[list[Line], float]:
    """Return the lines of a panel, from y = 0 downwards in rows, and their height; several machines get headings."""
    lines, y = [], 0.0
    machines = list(frame["machine"].unique())
    for machine in machines:
        if len(machines) > 1:
            lines.append(Line(y + 0.6, machine, machine, None))
            y += 1.15
        own = set(frame.loc[frame["machine"] == machine, column])
        for key in keys:
            if key in own:
                lines.append(Line(y + 0.5, label(key), machine, key))
                y += 1
        y += 0.35 if len(machines) > 1 else 0
    return lines, y


def height(rows: float, top: float = TOP) -> float:
    """Return the height of the picture in inches."""
    return rows * _rows.ROW + top + BOTTOM


def panels(
    figure: Figure, lines: Sequence[Line], rows: float, headings: Sequence[str], *, left: float, top: float = TOP
) -> list[Axes]:
    """Add one panel a heading side by side, all with the same lines; the labels stand left of the first."""
    wide, high = figure.get_figwidth(), figure.get_figheight()
    width = (wide - left - EDGE - GAP * (len(headings) - 1)) / len(headings)
    made = []
    for number, heading in enumerate(headings):
        x = left + number * (width + GAP)
        body = rows * _rows.ROW
        ax = figure.add_axes((x / wide, (high - top - body) / high, width / wide, body / high))
        ax.set_ylim(rows, 0)
        ax.set_yticks([])
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        _rows.above(ax, 0, heading)
        made.append(ax)
    for line in lines:
        heavy = line.key is None
        made[0].annotate(
            line.label,
            (0, line.y),
            xycoords=("axes fraction", "data"),
            xytext=(72 * (0.06 - left), 0),
            textcoords="offset points",
            annotation_clip=False,
            va="center",
            fontsize=style.TICK_SIZE - 0.4,
            fontweight="bold" if heavy else "normal",
            color=style.INK,
        )
    return made


def share_panel(ax: Axes, ticks: Sequence[float] = (0, 0.5, 1), *, unit: bool = True) -> None:
    """Make the x axis a share from 0 to 1, with room for a mark at either end; ``unit`` writes the per cent sign."""
    ax.set_xlim(-0.03, 1.03)
    ax.set_xticks(ticks, [f"{100 * tick:.0f}" + (" %" if unit and tick == ticks[-1] else "") for tick in ticks])


@dataclass
class Marks:
    """Shares to be drawn on one panel; drawn together, because a path of its own for each makes a picture heavy."""

    points: list[tuple[float, float, float, float, str, bool]] = field(default_factory=list)

    def add(self, y: float, row: pd.Series, color: str, *, filled: bool = True) -> None:
        """Add a share (``share``, ``low``, ``high`` of the row) at height ``y``."""
        self.points.append((y, row["share"], row["low"], row["high"], color, filled))

    def draw(self, ax: Axes) -> None:
        """Draw every mark on its interval, one path and one row of marks for each colour and filling."""
        for color, filled in dict.fromkeys((color, filled) for *_, color, filled in self.points):
            mine = [point for point in self.points if point[4:] == (color, filled)]
            x = [end for _, _, low, high, _, _ in mine for end in (low, high, math.nan)]
            y = [place for place, *_ in mine for place in (place, place, math.nan)]
            ax.plot(x, y, color=color, linewidth=1.6, alpha=0.55, solid_capstyle="butt", zorder=2)
            # A mark at 0 or 1 reaches over the edge.
            shares, heights = [point[1] for point in mine], [point[0] for point in mine]
            face = color if filled else style.PAPER
            ax.plot(shares, heights, "o", color=color, markerfacecolor=face, markersize=5, zorder=3, clip_on=False)


def count(ax: Axes, y: float, share: float, words: str) -> None:
    """Write the count beside a mark, on the side where there is room."""
    beyond = share > 0.5
    ax.annotate(
        words,
        (share, y),
        xytext=(-5 if beyond else 5, 5),
        textcoords="offset points",
        ha="right" if beyond else "left",
        va="center",
        fontsize=style.NOTE_SIZE - 0.8,
        color=style.MUTED,
    )


def percent(value: float) -> str:
    """Write a share for prose: 46 %."""
    return f"{100 * value:.0f} %"


def share_words(row: pd.Series) -> str:
    """Write a share with its interval: "46 % [32, 61]"."""
    return f"{percent(row['share'])} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def number(value: float) -> str:
    """Write a number with two or three significant digits."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 1 - math.floor(math.log10(abs(value)))) if abs(value) < 10 else 0
    return f"{value:,.{digits}f}"


def plain_range(rows: pd.DataFrame, column: str, label: str) -> str:
    """Say first, last, lowest and highest row of a column of shares."""
    low, high = rows.loc[rows[column].idxmin()], rows.loc[rows[column].idxmax()]
    first, last = rows.iloc[0], rows.iloc[-1]
    named = (("lowest", low), ("highest", high), ("first row", first), ("last row", last))
    return ", ".join(f"{name} {percent(row[column])} ({row[label]})" for name, row in named)
