"""How long after a Python release does the first wheel for it come?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _upkeep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _upkeep.SECTION
ORDER = 2
REQUIRES = ("upkeep_pythons",)

WAITING = "none yet"
OLDEST = 9  # Python 3.9: the first whose wheels all three built anew


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the marks of days to the first wheel; see :class:`analysis.figures.Drawing`."""
    table = tables["upkeep_pythons"]
    plain = [not str(name).endswith("t") and _minor(name) >= OLDEST for name in table["python"]]
    # A list that is empty would choose columns, and none of them.
    data = table[pd.Series(plain, table.index, dtype=bool)].drop(columns="source").reset_index(drop=True)
    return Drawing(
        title=_title(data),
        subtitle=(
            f"Days from a Python release to the first final release with a wheel for it; n = {len(data)} pairs of "
            f"Python and framework; hollow: none yet, days waited; full count, no interval; {_upkeep.read_on(data)}"
            if len(data)
            else "Days from a Python release to the first wheel; n = 0 pairs"
        ),
        limits=(
            "A wheel on any platform counts; builds on other indexes do not; the newest Python's day is as planned; "
            "below zero a wheel came before it. Keras has one wheel for every Python, so it is not asked."
            if len(data)
            else _upkeep.absent("upkeep_pythons")
        ),
        description=_description(data),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_upkeep.sources(data),
        size=(7.0, 0.85 + 0.34 * max(1, data["python"].nunique())),
        finding=_finding(data) if len(data) else None,
    )


def _minor(python: str) -> int:
    return int(python.removesuffix("t").partition(".")[2] or 0)


def _say(row: pd.Series) -> str:
    if row["state"] == WAITING:
        return f"{row['title']} none after {row['days']:.0f} days"
    return f"{row['title']} {row['days']:.0f} days ({row['first_version']})"


def _latest(data: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the newest Python for which a framework has a wheel."""
    had = data[data["state"] != WAITING]
    newest = max(had["python"], key=_minor) if len(had) else data["python"].iloc[-1]
    # The Python before it tells more: the newest has been there for weeks only.
    before = [name for name in set(data["python"]) if _minor(name) < _minor(newest)]
    chosen = max(before, key=_minor) if before else newest
    return data[data["python"] == chosen]


def _title(data: pd.DataFrame) -> str:
    if data.empty:
        return "The wait for a new Python has not been counted"
    rows = _latest(data).set_index("package")
    if not {"torch", "tensorflow"} <= set(rows.index):
        return "Days to the first wheel for a new Python"
    words = [
        f"none from {rows.loc[name, 'title']}"
        if rows.loc[name, "state"] == WAITING
        else f"{rows.loc[name, 'title']} {rows.loc[name, 'days']:.0f} days"
        for name in ("torch", "tensorflow")
    ]
    return f"Wheels for {rows.iloc[0]['python']}: {words[0]}, {words[1]}"


def _finding(data: pd.DataFrame) -> Finding:
    rows = _latest(data)
    said = ", ".join(_say(row) for _, row in rows.iterrows())
    return Finding(
        "When does the newest Python work?",
        f"{rows.iloc[0]['python']}, released on {rows.iloc[0]['released']}: {said}.",
        "no interval: a full count",
        f"n = {len(data)} pairs of Python and framework, {_upkeep.read_on(data)}",
    )


def _description(data: pd.DataFrame) -> str:
    if data.empty:
        return _upkeep.nothing("the days from each Python release to the first wheel of each framework for it")
    parts = [
        f"{python}: {', '.join(_say(row) for _, row in rows.iterrows())}"
        for python, rows in data.groupby("python", sort=False)
    ]
    return (
        "A row a Python version, oldest above. Each mark is a framework, placed at the number of days from that "
        "Python's release to its first final release with a wheel for it; a hollow mark is a framework that has none "
        f"yet, at the days it has let pass. {'; '.join(parts)}."
    )


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    ax = figure.add_axes((0.85 / wide, 0.48 / high, (wide - 1.3) / wide, (high - 0.82) / high))
    pythons = list(dict.fromkeys(data["python"]))
    ax.set_ylim(len(pythons) - 0.4, -0.6)
    ax.set_yticks(range(len(pythons)), pythons)
    ax.grid(visible=True, axis="x")
    ax.grid(visible=False, axis="y")
    ax.axvline(0, color=style.MUTED, linewidth=0.8)
    ax.set_xlim(min(0, data["days"].min()) - 12, data["days"].max() * 1.12 + 5)
    ax.set_xlabel("days after the Python release")
    for name, side in _upkeep.SIDES.items():
        rows = data[data["package"] == name]
        shift = {"pytorch": -0.16, "tensorflow": 0.16}.get(side, 0)
        for waits, own in rows.groupby(rows["state"] == WAITING):
            ax.plot(
                own["days"],
                [pythons.index(python) + shift for python in own["python"]],
                marker=style.MARKERS[side],
                color=style.COLORS[side],
                markerfacecolor=style.PAPER if waits else style.COLORS[side],
                markersize=5.5,
                linestyle="none",
            )
    for number, (name, side) in enumerate(
        (name, side) for name, side in reversed(_upkeep.SIDES.items()) if (data["package"] == name).any()
    ):
        title = data.loc[data["package"] == name, "title"].iloc[0]
        ax.annotate(
            title,
            (1, 1),
            xycoords="axes fraction",
            xytext=(-70 * number, 6),
            textcoords="offset points",
            ha="right",
            fontsize=style.TICK_SIZE,
            color=style.COLORS[side],
        )
    _rows.above(ax, 0, "first wheel")
