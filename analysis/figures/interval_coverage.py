"""How often 95 % intervals hold the truth, in simulated worlds where the truth is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows
from analysis.figures import _trends as trends

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = trends.SECTION
ORDER = 60
REQUIRES = ("interval_coverage",)

COMMAND = "python -m analysis simulate"
LEFT, RIGHT = 2.55, 2.3  # inches
GOAL = (0.93, 0.97)  # analysis.trends.simulate
ALL = "all worlds"
FLOOR = 0.8  # the axis starts here at the latest


def make(tables: Mapping[str, pd.DataFrame]) -> Drawing:
    """Draw the coverage of every kind of interval, by condition, with its Monte Carlo error."""
    table = tables["interval_coverage"]
    rows = trends.present(table)
    if rows.empty:
        return trends.placeholder(
            title="How often the intervals hold is not simulated here",
            subtitle="Part of 95 % intervals that hold the truth in simulated worlds; n = 0 worlds",
            shows="how often the intervals of the trends hold a truth that is known, with the goal of 93 to 97 %",
            needs=trends.missing(table) or [COMMAND],
            sources=("simulation",),
            data=table,
        )
    rows = rows.assign(met=rows["met"].fillna("").astype(str))
    groups = _groups(rows)
    lines, height = trends.lay_out(groups)
    judged = rows[rows["met"] != ""]
    whole = judged[judged["condition"] == ALL]
    worlds = int(rows["worlds"].max())
    outside = judged[judged["met"] != "yes"]
    title, answer = _words(judged, whole)
    low, high = judged.loc[judged["covered"].idxmin()], judged.loc[judged["covered"].idxmax()]
    version = f"version {rows['version'].iloc[0]}, {rows['date'].iloc[0]}"
    bias = rows[rows["bias"].notna() & (rows["condition"] == ALL)]
    bias_words = "".join(
        f" The crossing date is off by {row['bias']:+.3f} years on average "
        f"[{row['bias_low']:+.3f}, {row['bias_high']:+.3f}]."
        for _, row in bias.iterrows()
    )
    return Drawing(
        title=title,
        subtitle=(
            f"Part of 95 % intervals that hold the truth, n = {worlds:,} simulated worlds; bars: 95 % Monte Carlo "
            "error; grey band: the goal, 93 to 97 %; small ticks: sizes and shapes of worlds apart; open marks: what "
            "the intervals do not allow for"
        ),
        limits=(
            f"The worlds are invented and kinder than the real one may be; {len(outside)} of {len(judged)} cells lie "
            f"outside the goal; made by `{COMMAND}`, {version}.{bias_words}"
        ),
        description=" ".join(
            [
                f"A dot for each kind of interval and condition, {len(rows)} in all, from {worlds:,} worlds.",
                answer,
                f"Least covered: {_cell(low)}; most: {_cell(high)}.",
                f"Outside the goal: {'; '.join(_cell(row) for _, row in outside.iterrows()) or 'nothing'}.",
                bias_words.strip(),
            ]
        ),
        data=rows.drop(columns=["needs"]).dropna(axis="columns", how="all").reset_index(drop=True),
        draw=lambda figure: _draw(figure, rows, lines, height),
        sources=(f"simulation of {rows['date'].iloc[0]} ({COMMAND}, seed {int(float(rows['seed'].iloc[0]))})",),
        size=(7.0, _rows.height(height)),
        finding=Finding(
            question="Do the 95 % intervals of the trends hold what they promise?",
            answer=answer,
            estimate=f"covered {100 * whole['covered'].min():.1f} to {100 * whole['covered'].max():.1f} % over "
            f"{len(whole)} kinds (Monte Carlo 95 % bars in the figure)",
            evidence=f"n = {worlds:,} simulated worlds, {version}",
        ),
    )


def _groups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Return a row a kind over all worlds, and a row for every fault that the intervals do not allow for."""
    whole = rows[rows["condition"] == ALL]
    whole = whole.assign(label=whole["kind"], order=(whole["met"] == "").astype(int))
    apart = rows[(rows["condition"] != ALL) & (rows["met"] == "") & rows["kind"].isin(rows[rows["met"] != ""]["kind"])]
    apart = apart.assign(label=apart["kind"])
    found = [("All worlds", whole.sort_values("order", kind="stable"))]
    found += [(f"Not allowed for: {name}", part) for name, part in apart.groupby("condition", sort=False)]
    return [
        (heading.replace("for: owners not allowed for", "for: owners"), part) for heading, part in found if len(part)
    ]


def _conditions(rows: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Return the sizes and shapes of worlds that a kind of interval was judged in."""
    return rows[(rows["kind"] == kind) & (rows["condition"] != ALL) & (rows["met"] != "")]


def _words(judged: pd.DataFrame, whole: pd.DataFrame) -> tuple[str, str]:
    """Return title and answer: how many of the judged cells lie within the goal, all worlds first."""
    met = int((whole["met"] == "yes").sum())
    cells = int((judged["met"] == "yes").sum())
    answer = (
        f"Over all worlds {met} of {len(whole)} kinds of interval hold the truth in 93 to 97 % of cases; by condition "
        f"{cells} of {len(judged)} cells do."
    )
    if met == len(whole):
        return f"All {len(whole)} kinds of interval hold about 95 %", answer
    return f"{met} of {len(whole)} kinds of interval meet their goal", answer


def _cell(row: pd.Series) -> str:
    return (
        f"{row['kind']}, {row['condition']}: {100 * row['covered']:.1f} % "
        f"[{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    )


def _draw(figure: Figure, rows: pd.DataFrame, lines: list[_rows.Line], height: float) -> None:
    ax = _rows.panel(figure, lines, height, left=LEFT, right=RIGHT)
    shown = pd.concat([line.rows for line in lines if line.rows is not None])
    least = min(FLOOR, shown["low"].min() - 0.02)
    ax.set_xlim(least, 1.005)
    step = 0.05 if least >= 0.75 else 0.1 if least >= 0.5 else 0.2
    ticks = [1 - step * k for k in range(int((1 - least) / step) + 1)][::-1]
    ax.set_xticks(ticks, [f"{100 * tick:.0f}" for tick in ticks[:-1]] + ["100 %"])
    ax.axvspan(*GOAL, color=style.RULE, alpha=0.6, linewidth=0, zorder=0)
    edge = figure.get_figwidth() - LEFT - RIGHT
    for inches, heading in ((0.1, "covered [95 %]"), (1.42, "by condition")):
        _rows.above(ax, edge + inches, heading)
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
        else:
            _draw_row(ax, line.y, line.rows.iloc[0], rows, edge)


def _draw_row(ax: Axes, y: float, row: pd.Series, rows: pd.DataFrame, edge: float) -> None:
    ends = [row["low"], min(row["high"], 1.0)]
    ax.plot(ends, [y] * 2, "-|", color=style.INK, linewidth=1.4, markersize=8, zorder=2)
    face = style.PAPER if row["met"] == "" else style.INK
    look = {"color": style.INK, "markerfacecolor": face, "markersize": 4.8, "clip_on": False}
    ax.plot(row["covered"], y, "X" if row["met"] == "no" else "o", zorder=3, **look)
    said = f"{100 * row['covered']:.1f} [{100 * row['low']:.1f}, {100 * row['high']:.1f}]"
    _rows.beside(ax, edge + 0.1, y, said, size=style.NOTE_SIZE)
    if row["condition"] != ALL:
        return
    own = _conditions(rows, row["kind"])
    if own.empty:
        words = "no goal set" if row["met"] == "" else "one condition"
        _rows.beside(ax, edge + 1.42, y, words, size=style.NOTE_SIZE, color=style.MUTED)
        return
    ax.plot(own["covered"], [y + 0.33] * len(own), "|", color=style.MUTED, markersize=4, zorder=2)
    said = " to ".join(dict.fromkeys(f"{100 * end:.1f}" for end in (own["covered"].min(), own["covered"].max())))
    _rows.beside(ax, edge + 1.42, y, said, size=style.NOTE_SIZE)
