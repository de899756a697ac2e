"""What the figures of deployment share: colours of the sources, words for what is absent, logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.deployment import COMMAND, FRAMEWORKS, OUTSIDE
from analysis.figures._usability import machine_words, measured_on, newest, number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SECTION = "deployment"
COLORS = {
    "pytorch": style.COLORS["pytorch"],
    "tensorflow": style.COLORS["tensorflow"],
    "keras_torch": style.COLORS["keras"],
}
LABEL_COLORS = {name: style.LABEL_COLORS[key] for name, key in (("pytorch", "pytorch"), ("tensorflow", "tensorflow"))}
LABEL_COLORS["keras_torch"] = style.LABEL_COLORS["keras"]
MARKERS = {"pytorch": "o", "tensorflow": "s", "keras_torch": "v"}
TICKS = tuple(base * 10.0**power for power in range(-4, 7) for base in (1, 3))

__all__ = ["COLORS", "MARKERS", "SECTION", "log_axis", "machine_words", "measured_on", "newest", "number"]


def absent(table: str) -> str:
    """Say which table is empty and what fills it."""
    return f"The table {table} holds no row yet: run `{COMMAND}` on a quiet machine to fill it."


def nothing(what: str) -> str:
    """Return the description of a figure that has no rows."""
    return (
        f"An empty frame. It would show {what}, with each machine's numbers, their 95 % intervals where values were "
        "repeated, and in words why a value is absent. No machine has tried a deployment path for this build yet, so "
        f"there are 0 rows; run {COMMAND} on a quiet machine and draw the page again."
    )


def when(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that were measured: those of what was not tried carry no day."""
    return frame[frame["date"].notna() & ~frame["status"].isin(OUTSIDE)] if len(frame) else frame


def last_machine(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the machine that measured last, those of what it did not try included."""
    measured = frame[frame["date"].notna()] if len(frame) else frame
    return frame[frame["machine"].isin(newest(measured)["machine"].unique())].reset_index(drop=True)


def beyond(frame: pd.DataFrame, one: pd.DataFrame) -> str:
    """Say that other machines have rows that the figure leaves to the table."""
    others = frame["machine"].nunique() - one["machine"].nunique()
    return f"; {others} other machine{'s' if others != 1 else ''} in the table" if others > 0 else ""


def smoke(frame: pd.DataFrame) -> str:
    """Say that a run was of the smoke size."""
    return "; smoke size: it shows only that it works" if "size" in frame and (frame["size"] == "smoke").any() else ""


def with_interval(value: float, low: float, high: float) -> str:
    """Write a number with its interval, or that it has none."""
    bounds = f" [{number(low)}, {number(high)}]" if pd.notna(low) and pd.notna(high) else ", no interval"
    return f"{number(value)}{bounds}"


def log_axis(
    ax: Axes, values: Sequence[float], *, axis: str = "x", room: float = 1.25, unit: str = "", few: bool = False
) -> None:
    """Make an axis logarithmic with round ticks over the values; ``unit`` stands on the last tick, ``few``: decades."""
    good = [value for value in values if pd.notna(value) and value > 0] or [1.0]
    low, high = min(good) / room, max(good) * room
    getattr(ax, f"set_{axis}scale")("log")
    getattr(ax, f"set_{axis}lim")(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    decades = [tick for tick in ticks if math.log10(tick).is_integer()]
    if len(decades) >= 2 and (few or len(ticks) > 6):
        ticks = decades[::2] if few and len(decades) > 3 else decades
    labels = [f"{tick:,.0f}" if tick >= 1 else f"{tick:g}" for tick in ticks]
    if unit and labels:
        labels[-1] += f" {unit}"
    getattr(ax, f"set_{axis}ticks")(ticks, labels, minor=False)
    getattr(ax, f"set_{axis}ticks")([], minor=True)


def key(ax: Axes, frameworks: Sequence[str], more: str = "", *, lift: float = 22.0, marks: bool = True) -> None:
    """Write above a panel which marker (or line) is which framework, and ``more``; ``lift`` is in points."""
    from matplotlib.lines import Line2D
    from matplotlib.offsetbox import AnchoredOffsetbox, DrawingArea, HPacker, TextArea
    from matplotlib.transforms import ScaledTranslation

    parts = []
    for name in frameworks:
        area = DrawingArea(7, 7)
        look = {"marker": MARKERS[name], "markersize": 5} if marks else {"linewidth": 1.6}
        area.add_artist(Line2D([3.5] if marks else [0, 7], [3.5] * (1 if marks else 2), color=COLORS[name], **look))
        text = TextArea(FRAMEWORKS[name], textprops={"color": LABEL_COLORS[name], "fontsize": style.NOTE_SIZE})
        parts.append(HPacker(children=[area, text], align="center", pad=0, sep=2))
    if more:
        parts.append(TextArea(more, textprops={"color": style.MUTED, "fontsize": style.NOTE_SIZE}))
    row = HPacker(children=parts, align="center", pad=0, sep=9)
    figure = ax.get_figure()
    box = AnchoredOffsetbox(
        loc="lower left",
        child=row,
        pad=0,
        borderpad=0,
        frameon=False,
        bbox_to_anchor=(0, 1),
        bbox_transform=ax.transAxes + ScaledTranslation(0, lift / 72, figure.dpi_scale_trans),
    )
    ax.add_artist(box)
