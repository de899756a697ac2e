"""How many of the planted faults does each mode report?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, Finding, _rows, _usability
from analysis.usability import MODES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 1
REQUIRES = ("usability_rates",)

LEFT = 1.3  # inches
WORDS = 2.3  # inches at the right for the numbers


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of the shares of faults that are reported; see :class:`analysis.figures.Drawing`."""
    rates = tables["usability_rates"]
    data = rates[rates["mode"].isin(list(MODES))].reset_index(drop=True)
    good = data[data["n"] > 0]
    lines, rows = _usability.lay_out(good, list(MODES), "mode", MODES.get)
    one = _usability.newest(good)
    return Drawing(
        title=_title(one),
        subtitle=(
            "Share of the planted faults that do harm: filled, an error or a crash; open, an error or a warning; "
            f"n = {one['n'].min()} to {one['n'].max()} faults a mode; Wilson 95 % interval; "
            f"{_usability.machine_words(good)}"
            if len(good)
            else "Share of the planted faults that are reported; n = 0 faults"
        ),
        limits=(
            "The faults were chosen, not sampled, and each mode has those that make sense in it: a share is not the "
            "share of mistakes in the wild. To compare two modes, read the table of pairs."
            if len(good)
            else _usability.absent("usability_rates")
        ),
        description=_description(one),
        data=good,
        draw=lambda figure: _draw(figure, lines, rows, good),
        sources=_usability.measured_on(good),
        size=(7.0, _usability.height(rows) if lines else 1.6),
        finding=_finding(one) if len(one) else None,
    )


def told(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with the share of what was reported, error or warning, as share, low and high."""
    return _named(rows, "told")


def _named(rows: pd.DataFrame, which: str) -> pd.DataFrame:
    return rows.assign(share=rows[f"share_{which}"], low=rows[f"share_{which}_low"], high=rows[f"share_{which}_high"])


def _title(one: pd.DataFrame) -> str:
    if one.empty:
        return "No fault has been planted on this machine yet"
    low, high = (f"{100 * value:.0f}" for value in (one["share_told"].min(), one["share_told"].max()))
    return f"Modes report {low} to {high} % of planted faults"


def _finding(one: pd.DataFrame) -> Finding:
    rows = told(one)
    low, high = rows.loc[rows["share"].idxmin()], rows.loc[rows["share"].idxmax()]
    apart = low["high"] < high["low"]
    between = "their intervals lie apart" if apart else "their intervals overlap"
    return Finding(
        "Do they say so when something is wrong?",
        f"Of the planted faults that do harm, {low['mode_title']} reports {_usability.percent(low['share'])} and "
        f"{high['mode_title']} {_usability.percent(high['share'])} with an error or a warning; {between}.",
        "; ".join(f"{row['mode_title']} {_usability.share_words(row)}" for _, row in rows.iterrows()),
        f"n = {one['n'].min()} to {one['n'].max()} chosen faults a mode, {_usability.machine_words(one)}",
    )


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("the share of planted faults that raise an error, or an error or a warning")
    return (
        "A dot chart of shares from 0 to 100 per cent. Each row is one framework in one mode; the filled mark is the "
        "share of harmful planted faults that end in an error or a crash, the open mark the share that end in an error "
        "or a warning, each on its 95 per cent interval. Reported at all: "
        f"{_usability.plain_range(one, 'share_told', 'mode_title')}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, good: pd.DataFrame) -> None:
    (ax,) = _usability.panels(figure, lines, rows, ["share of harmful faults"], left=LEFT)
    box = ax.get_position()
    wide = figure.get_figwidth()
    ax.set_position((box.x0, box.y0, box.width - WORDS / wide, box.height))
    _usability.share_panel(ax, (0, 0.25, 0.5, 0.75, 1))
    edge = wide - LEFT - _usability.EDGE - WORDS
    _rows.above(ax, edge + 0.12, "errors + warnings of n")
    marks = _usability.Marks()
    for line in lines:
        if line.key is None:
            continue
        row = good[(good["machine"] == line.machine) & (good["mode"] == line.key)].iloc[0]
        color = _usability.MODE_COLORS[line.key]
        frame = row.to_frame().T
        marks.add(line.y - 0.14, _named(frame, "noticed").iloc[0], color)
        marks.add(line.y + 0.14, told(frame).iloc[0], color, filled=False)
        words = f"{row['noticed']} + {row['warned']} of {row['n']}"
        if row["harmless"]:
            words += f" ({row['harmless']} do no harm)"
        _rows.beside(ax, edge + 0.12, line.y, words, size=8)
    marks.draw(ax)
