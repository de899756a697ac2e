"""Are the tools of deployment still looked after?"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.deployment import COMMAND
from analysis.figures import Drawing, Finding, _deployment, _rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _deployment.SECTION
ORDER = 4
REQUIRES = ("deployment_states",)

LEFT, RIGHT, TOP, BOTTOM = 2.25, 1.75, 0.34, 0.3  # inches
ROW = 0.2
GOOD = "maintained"
REGISTRY = "reproductions/deployment/states.yaml"


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the timeline of the tools' states; see :class:`analysis.figures.Drawing`."""
    data = tables["deployment_states"].reset_index(drop=True).astype(object)
    data = data.where(data.notna(), "")
    looked = sorted(set(data["looked"].astype(str)) - {""})
    return Drawing(
        title=_title(data),
        subtitle=(
            "Circle: month of the newest release; diamond: from when the state holds, where a page gives a date; line: "
            f"from then to the day of looking; n = {len(data)} tools, looked up by hand {_span(looked)}"
            if len(data)
            else "States of the tools of deployment; n = 0 tools"
        ),
        limits=(
            "A state is what a page said on the day of looking, or what its list of releases shows; nothing is "
            "measured, and a tool without a date of its own has a circle alone."
            if len(data)
            else f"The table deployment_states holds no row: it is made from {REGISTRY} by `snakemake --cores 2`, and "
            f"`{COMMAND}` is not needed for it."
        ),
        description=_description(data),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=(f"{REGISTRY}, looked up {_span(looked)}" if len(data) else REGISTRY,),
        size=(7.0, TOP + ROW * len(data) + BOTTOM if len(data) else 1.6),
        finding=_finding(data, looked) if len(data) else None,
    )


def _span(days: list[str]) -> str:
    return "on no day" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def by_state(data: pd.DataFrame) -> dict[str, list[str]]:
    """Return the titles of the tools by state, in the order of the registry."""
    found: dict[str, list[str]] = {}
    for _, row in data.iterrows():
        found.setdefault(str(row["state"]), []).append(str(row["title"]))
    return found


def _title(data: pd.DataFrame) -> str:
    if data.empty:
        return "No state of a tool has been recorded"
    others = int((data["state"] != GOOD).sum())
    return f"{others} of {len(data)} tools are in another state than maintained"


def _finding(data: pd.DataFrame, looked: list[str]) -> Finding:
    groups = by_state(data)
    others = "; ".join(f"{state}: {', '.join(titles)}" for state, titles in groups.items() if state != GOOD)
    counts = ", ".join(f"{len(titles)} {state}" for state, titles in groups.items())
    return Finding(
        "Are the tools still looked after?",
        f"{len(groups.get(GOOD, []))} of {len(data)} tools are maintained; {others or 'no other state was found'}.",
        f"{counts}; counts, so no interval",
        f"n = {len(data)} tools, looked up by hand {_span(looked)}",
    )


def _description(data: pd.DataFrame) -> str:
    if data.empty:
        return _deployment.nothing("since when each tool is maintained, deprecated, archived or renamed")
    groups = "; ".join(f"{state}: {', '.join(titles)}" for state, titles in by_state(data).items())
    months = sorted(text for text in data["released"].astype(str) if text)
    span = f"The newest releases date from {months[0]} to {months[-1]}. " if months else ""
    return (
        "A timeline with one row for each tool. A circle stands at the month of its newest release, a diamond at the "
        "day from which its state holds where a page gives one, and words at the right say the state. "
        f"{span}States: {groups}."
    )


def day(text: str) -> float | None:
    """Return a date or a month as a year with fraction, the middle of a month; None for anything else."""
    parts = str(text).split("-")
    try:
        year, month = int(parts[0]), int(parts[1])
        found = date(year, month, int(parts[2]) if len(parts) > 2 else 15)
    except (ValueError, IndexError):
        return None
    return found.year + (found.timetuple().tm_yday - 1) / 365.25


def _words(row: pd.Series) -> str:
    return f"{row['state']} since {row['since']}" if row["since"] else str(row["state"])


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    body = ROW * len(data)
    ax = figure.add_axes((LEFT / wide, BOTTOM / high, (wide - LEFT - RIGHT) / wide, body / high))
    ax.set_ylim(len(data), 0)
    ax.set_yticks([])
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    lines: tuple[list[float], list[float]] = ([], [])
    released: list[tuple[float, float]] = []
    dated: list[tuple[float, float]] = []
    for place, row in data.iterrows():
        y = place + 0.5
        ends = [day(row[name]) for name in ("released", "since", "looked")]
        known = [value for value in ends[:2] if value is not None]
        if known and ends[2] is not None:
            start = ends[1] if ends[1] is not None else ends[0]
            lines[0].extend((start, ends[2], float("nan")))
            lines[1].extend((y, y, float("nan")))
        released += [(ends[0], y)] if ends[0] is not None else []
        dated += [(ends[1], y)] if ends[1] is not None else []
        _rows.beside(ax, 0.06 - LEFT, y, str(row["title"]), size=7.4)
        color = style.MUTED if row["state"] == GOOD else style.INK
        _rows.beside(ax, wide - LEFT - RIGHT + 0.1, y, _words(row), size=7.4, color=color)
        if not known:
            ax.text(0.98, y, "no date recorded", transform=ax.get_yaxis_transform(), ha="right", va="center",
                    fontsize=style.NOTE_SIZE - 1, color=style.MUTED)  # fmt: skip
    ax.plot(*lines, color=style.COLORS["other"], linewidth=1.4, zorder=2, solid_capstyle="butt")
    for points, marker, face in ((released, "o", style.PAPER), (dated, "D", style.INK)):
        if points:
            ax.plot(*zip(*points, strict=True), marker, color=style.INK, markerfacecolor=face, markersize=4, zorder=3)
    _years(ax, [*lines[0], *(x for x, _ in (*released, *dated))])
    _rows.above(ax, wide - LEFT - RIGHT + 0.1, "state")


def _years(ax: Axes, values: list[float]) -> None:
    good = [value for value in values if pd.notna(value)] or [2026.0]
    low, high = int(min(good)), int(max(good)) + 1
    ax.set_xlim(min(good) - 0.15, max(good) + 0.15)
    years = [year for year in range(low, high + 1) if min(good) - 0.15 <= year <= max(good) + 0.15]
    ax.set_xticks(years, [str(year) for year in years])
