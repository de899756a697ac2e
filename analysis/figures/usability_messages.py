"""What does a message say of the fault that it reports?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, Finding, _usability
from analysis.usability import MODES, SAYS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 4
REQUIRES = ("usability_messages",)

LEFT = 1.3  # inches
HEADINGS = {
    "shows the faulty line": "shows faulty line",
    "names the shapes": "names the shapes",
    "names the layer or operation": "names layer or op",
    "names the remedy": "names the remedy",
}


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of what messages say; see :class:`analysis.figures.Drawing`."""
    data = tables["usability_messages"].reset_index(drop=True)
    lines, rows = _usability.lay_out(data, list(MODES), "mode", MODES.get)
    one = _usability.newest(data)
    return Drawing(
        title=_title(one),
        subtitle=(
            "Share of the messages of reported faults of which it holds; beside each mark messages / n, where the "
            f"question makes sense; n = {one['n'].min()} to {one['n'].max()} messages; Wilson 95 % interval; "
            f"{_usability.machine_words(data)}"
            if len(data)
            else "Share of the messages of which it holds; n = 0 messages"
        ),
        limits=(
            "Each is a written rule applied to the kept text, so a message that helps in other words is not counted; "
            "modes report different faults, so their messages are not paired."
            if len(data)
            else _usability.absent("usability_messages")
        ),
        description=_description(one),
        data=data,
        draw=lambda figure: _draw(figure, lines, rows, data),
        sources=_usability.measured_on(data),
        size=(7.0, _usability.height(rows) if lines else 1.6),
        finding=_finding(one) if len(one) else None,
    )


def overall(one: pd.DataFrame) -> pd.DataFrame:
    """Return the counts over all modes, a row a question."""
    found = one.groupby("says", sort=False)[["faults", "n"]].sum().reset_index()
    return found.assign(share=found["faults"] / found["n"])


def _title(one: pd.DataFrame) -> str:
    if one.empty:
        return "No message of a planted fault was kept yet"
    found = overall(one).set_index("says")["share"]
    remedy = found.get("names the remedy", found.iloc[-1])
    return f"{_usability.percent(remedy)} of the messages name a remedy"


def _finding(one: pd.DataFrame) -> Finding:
    parts = [f"{_usability.percent(row.share)} {row.says}" for row in overall(one).itertuples()]
    low, high = one.loc[one["share"].idxmin()], one.loc[one["share"].idxmax()]
    ends = [f"{row['mode_title']} {row['says']} {_usability.share_words(row)}" for _, row in (("", low), ("", high))]
    return Finding(
        "Does the message help?",
        f"Of the messages, over all modes: {', '.join(parts)}.",
        f"by mode from {ends[0]} to {ends[1]}",
        f"n = {one['n'].max()} messages at most a mode and question, {_usability.machine_words(one)}",
    )


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("what the messages of reported faults say")
    parts = "; ".join(f"{row.says}: {row.faults} of {row.n}" for row in overall(one).itertuples())
    labelled = one.assign(where=one["mode_title"] + " " + one["says"])
    return (
        "Four panels side by side: shows the faulty line, names the shapes, names the layer or operation, names the "
        "remedy. Each row is one framework in one mode; a mark is the share of its messages of which that holds, on "
        f"its 95 per cent interval. Over all modes {parts}. The extremes are "
        f"{_usability.plain_range(labelled, 'share', 'where')}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, data: pd.DataFrame) -> None:
    axes = _usability.panels(figure, lines, rows, list(HEADINGS.values()), left=LEFT)
    for ax, says in zip(axes, SAYS.values(), strict=True):
        _usability.share_panel(ax, unit=ax is axes[-1])
        marks = _usability.Marks()
        for line in lines:
            chosen = data[(data["machine"] == line.machine) & (data["mode"] == line.key) & (data["says"] == says)]
            for _, row in chosen.iterrows():
                marks.add(line.y, row, _usability.MODE_COLORS[line.key])
                _usability.count(ax, line.y, row["share"], f"{row['faults']}/{row['n']}")
        marks.draw(ax)
