"""Which kinds of fault does each mode report?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, _usability
from analysis.figures.usability_noticed import told
from analysis.usability import MODES
from reproductions.usability.faults.catalogue import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 3
REQUIRES = ("usability_kinds",)

LEFT = 1.0  # inches
ENOUGH = 10  # cases of a kind, over all modes, below which the title does not speak of it
_SHARE_NOTICED = ("share_noticed", "share_noticed_low", "share_noticed_high")


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the grid of kinds and modes; see :class:`analysis.figures.Drawing`."""
    rates = tables["usability_kinds"]
    data = rates[rates["kind"].isin(KINDS) & (rates["n"] > 0)].reset_index(drop=True)
    both = told(data[data["mode"].isin(list(MODES))])
    lines, rows = _usability.lay_out(both, KINDS, "kind", str)
    one = _usability.newest(data[~data["mode"].isin(list(MODES))])
    return Drawing(
        title=_title(one),
        subtitle=(
            "Share of the planted faults that do harm and are reported with an error or a warning, by kind of fault "
            f"and mode; beside each mark reported / n; n = {one['n'].sum()} faults times modes; Wilson 95 % interval; "
            f"{_usability.machine_words(data)}"
            if len(data)
            else "Share of the planted faults that are reported, by kind; n = 0 faults"
        ),
        limits=(
            "A cell holds few faults, so its interval is wide: the grid shows where faults stay silent, not small "
            "differences between modes."
            if len(data)
            else _usability.absent("usability_kinds")
        ),
        description=_description(one),
        data=data.drop(columns=["mode", "harmless", "silent", *_SHARE_NOTICED]),
        draw=lambda figure: _draw(figure, lines, rows, both),
        sources=_usability.measured_on(data),
        size=(7.0, _usability.height(rows) if lines else 1.6),
    )


def _title(one: pd.DataFrame) -> str:
    if one.empty:
        return "No fault has been planted on this machine yet"
    many = one[one["n"] >= ENOUGH]
    many = many if len(many) > 1 else one
    low, high = many.loc[many["share_told"].idxmin()], many.loc[many["share_told"].idxmax()]
    words = (f"{row['kind'].capitalize()} faults {_usability.percent(row['share_told'])}" for row in (high, low))
    first, second = words
    return f"{first} reported, {second[0].lower()}{second[1:]}"


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("the share of planted faults of each kind that are reported")
    parts = "; ".join(f"{row.kind} {row.noticed + row.warned} of {row.n}" for row in one.itertuples())
    return (
        "A grid of dot charts. Each row is a kind of fault, each column one framework in one mode; a mark is the share "
        "of the harmful planted faults of that kind that are reported with an error or a warning, on its 95 per cent "
        f"interval from 0 to 100 per cent. Over all modes: {parts}. The extremes are "
        f"{_usability.plain_range(one, 'share_told', 'kind')}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, data: pd.DataFrame) -> None:
    axes = _usability.panels(
        figure, lines, rows, [title.replace("TensorFlow", "TF") for title in MODES.values()], left=LEFT
    )
    for ax, mode in zip(axes, MODES, strict=True):
        _usability.share_panel(ax, unit=ax is axes[-1])
        marks = _usability.Marks()
        for line in lines:
            chosen = data[(data["machine"] == line.machine) & (data["kind"] == line.key) & (data["mode"] == mode)]
            for _, row in chosen.iterrows():
                marks.add(line.y, row, _usability.MODE_COLORS[mode])
                _usability.count(ax, line.y, row["share"], f"{row['noticed'] + row['warned']}/{row['n']}")
        marks.draw(ax)
