"""How many days pass from one minor release to the next?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _upkeep

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _upkeep.SECTION
ORDER = 1
REQUIRES = ("upkeep_minors",)

SINCE = "2021-01-01"
DRAWN = ("torch", "tensorflow")
RECENT = 5  # gaps that the title speaks of
TICKS = (7, 14, 30, 60, 120, 240, 480)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the lines of days between minors; see :class:`analysis.figures.Drawing`."""
    table = tables["upkeep_minors"]
    chosen = table["gap_days"].notna() & (table["day"].astype(str) >= SINCE) & table["package"].isin(DRAWN)
    data = table[chosen].reset_index(drop=True)
    data = data[["package", "title", "version", "day", "gap_days", "read"]]
    recent = {name: rows["gap_days"].tail(RECENT) for name, rows in data.groupby("package", sort=False)}
    medians = {name: gaps.median() for name, gaps in recent.items()}
    both = {"torch", "tensorflow"} <= set(medians)
    return Drawing(
        title=(
            f"A minor every {medians['torch']:.0f} days at PyTorch, {medians['tensorflow']:.0f} at TensorFlow"
            if both
            else "Days between minor releases have not been counted here yet"
        ),
        subtitle=(
            f"Days from the first release of a minor to that of the next, logarithmic; n = {len(data)} minors since "
            f"{SINCE[:4]}; title: medians of the last {RECENT}; a full count, so no interval; {_upkeep.read_on(data)}"
            if len(data)
            else "Days between minor releases; n = 0 minors"
        ),
        limits=(
            "A minor is what the version number says; the wait for the next one, which is not over, is not drawn. "
            "Keras and JAX stand in the table below and in upkeep_minors.csv."
            if len(data)
            else _upkeep.absent("upkeep_minors")
        ),
        description=_description(data, medians),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_upkeep.sources(data),
        size=(7.0, 3.1),
        finding=_finding(data, recent) if both else None,
    )


def _finding(data: pd.DataFrame, recent: dict[str, pd.Series]) -> Finding:
    words = {name: f"{gaps.median():.0f} ({gaps.min():.0f} to {gaps.max():.0f})" for name, gaps in recent.items()}
    last = data.groupby("package").tail(1).set_index("package")
    return Finding(
        "How often does a new minor come?",
        f"The last {RECENT} gaps: PyTorch {words['torch']} days, TensorFlow {words['tensorflow']} days. The newest "
        f"minors are {last.loc['torch', 'version']} of {last.loc['torch', 'day']} and "
        f"{last.loc['tensorflow', 'version']} of {last.loc['tensorflow', 'day']}.",
        f"median and range of the last {RECENT} gaps; no interval: a full count",
        f"n = {len(data)} minors since {SINCE[:4]}, {_upkeep.read_on(data)}",
    )


def _description(data: pd.DataFrame, medians: dict[str, float]) -> str:
    if data.empty:
        return _upkeep.nothing("the days between the minor releases of PyTorch and of TensorFlow")
    parts = []
    for _, rows in data.groupby("package", sort=False):
        first, last, peak = rows.iloc[0], rows.iloc[-1], rows.loc[rows["gap_days"].idxmax()]
        parts.append(
            f"{first['title']} from {first['gap_days']:.0f} days ({first['version']}) to {last['gap_days']:.0f} "
            f"({last['version']}), longest {peak['gap_days']:.0f} ({peak['version']}), median of the last "
            f"{RECENT} {medians[first['package']]:.0f}"
        )
    return (
        "A line a framework over time. Each mark is a minor release; its height is the number of days since the minor "
        f"before it, on a logarithmic axis. {'; '.join(parts)}."
    )


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    ax = figure.add_axes((0.075, 0.11, 0.79, 0.82))
    ax.set_yscale("log")
    low, high = max(data["gap_days"].min(), 1), data["gap_days"].max()
    ticks = [tick for tick in TICKS if low / 1.3 <= tick <= high * 1.3]
    ax.set_yticks(ticks, [f"{tick}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(low / 1.4, high * 1.4)
    ends = []
    for name, side in _upkeep.SIDES.items():
        rows = data[data["package"] == name]
        if rows.empty:
            continue
        days = pd.to_datetime(rows["day"])
        ax.plot(days, rows["gap_days"], **style.line(side))
        ends.append((days.iloc[-1], rows["gap_days"].iloc[-1], side, rows["title"].iloc[0]))
    ax.set_ylabel("days since the minor before")
    ax.yaxis.set_minor_formatter("")
    figure.canvas.draw()
    _label(ax, ends)


def _label(ax, ends) -> None:
    """Label the ends of the lines; their places are spread on the logarithmic axis."""
    from matplotlib.dates import date2num

    from analysis.style import direct_label, spread

    points = [ax.transData.transform((date2num(x), y))[1] for x, y, _, _ in ends]
    dpi = ax.get_figure().dpi
    for (x, y, side, words), point, place in zip(ends, points, spread(points, 12 * dpi / 72), strict=True):
        direct_label(ax, x, y, words, side, dx=7, dy=(place - point) * 72 / dpi)
