"""Do the frameworks' own tools notice what the frameworks keep silent about?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, _rows, _usability
from analysis.usability import MODES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 5
REQUIRES = ("usability_tools",)

LEFT, WORDS = 1.3, 3.0  # inches


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of what tools add; see :class:`analysis.figures.Drawing`."""
    data = tables["usability_tools"].reset_index(drop=True)
    lines, rows = _usability.lay_out(data, list(MODES), "mode", MODES.get)
    one = _usability.newest(data)
    return Drawing(
        title=_title(one),
        subtitle=(
            "Share of the silent planted faults that an error, a warning or a model summary shows once the framework's "
            f"own tools are on; n = {one['n'].min()} to {one['n'].max()} silent faults a mode; Wilson 95 % interval; "
            f"{_usability.machine_words(data)}"
            if len(data)
            else "Share of the silent planted faults that the framework's tools show; n = 0 faults"
        ),
        limits=(
            "All tools for a kind of fault are on at once, and only what they do not say of the corrected program "
            "counts; a person who reads a summary may see more or less than the rule does."
            if len(data)
            else _usability.absent("usability_tools")
        ),
        description=_description(one),
        data=data,
        draw=lambda figure: _draw(figure, lines, rows, data),
        sources=_usability.measured_on(data),
        size=(7.0, _usability.height(rows) if lines else 1.6),
    )


def _found(one: pd.DataFrame) -> tuple[int, int]:
    return int(one[["noticed", "warned", "shown"]].to_numpy().sum()), int(one["n"].sum())


def _title(one: pd.DataFrame) -> str:
    if one.empty:
        return "No silent fault has been tried with tools yet"
    found, n = _found(one)
    return f"Built-in tools show {found} of {n} silent cases"


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("the share of silent planted faults that the framework's own tools notice")
    return (
        "A dot chart of shares from 0 to 100 per cent. Each row is one framework in one mode; the mark is the share of "
        "its silent planted faults that come to light when its own tools (anomaly detection, numeric checks, gradient "
        "checks, model summary, strict modes) are on, with a 95 per cent interval. Values: "
        f"{_usability.plain_range(one, 'share', 'mode_title')}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, data: pd.DataFrame) -> None:
    (ax,) = _usability.panels(figure, lines, rows, ["share of silent faults"], left=LEFT)
    box, wide = ax.get_position(), figure.get_figwidth()
    ax.set_position((box.x0, box.y0, box.width - WORDS / wide, box.height))
    _usability.share_panel(ax, (0, 0.25, 0.5, 0.75, 1))
    edge = wide - LEFT - _usability.EDGE - WORDS
    _rows.above(ax, edge + 0.12, "what the tools gave")
    marks = _usability.Marks()
    for line in lines:
        for _, row in data[(data["machine"] == line.machine) & (data["mode"] == line.key)].iterrows():
            marks.add(line.y, row, _usability.MODE_COLORS[line.key])
            parts = [
                f"{row[name]} {words}"
                for name, words in (("noticed", "error"), ("warned", "warning"), ("shown", "summary"))
                if row[name]
            ]
            words = f"{', '.join(parts) or 'nothing'} of {row['n']}"
            words += f"; {row['unusable']} unusable" if row["unusable"] else ""
            _rows.beside(ax, edge + 0.12, line.y, words, size=8)
    marks.draw(ax)
