"""When does a planted fault come to light?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis.figures import Drawing, _rows, _usability
from analysis.usability import MODES, STAGES

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 2
REQUIRES = ("usability_stages",)

LEFT = 1.3  # inches


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of stages by mode; see :class:`analysis.figures.Drawing`."""
    data = tables["usability_stages"].reset_index(drop=True)
    lines, rows = _usability.lay_out(data, list(MODES), "mode", MODES.get)
    one = _usability.newest(data)
    return Drawing(
        title=_title(one),
        subtitle=(
            "Share of the planted faults that do harm, by the stage in which an error or a warning first comes; "
            f"n = {one['n'].min()} to {one['n'].max()} faults a mode; Wilson 95 % interval; "
            f"{_usability.machine_words(data)}"
            if len(data)
            else "Share of the planted faults by stage; n = 0 faults"
        ),
        limits=(
            "The first step includes tracing and compiling. Later is any later step, evaluation or export; never "
            "means that the program ended, did harm and said nothing."
            if len(data)
            else _usability.absent("usability_stages")
        ),
        description=_description(one),
        data=data,
        draw=lambda figure: _draw(figure, lines, rows, data),
        sources=_usability.measured_on(data),
        size=(7.0, _usability.height(rows) if lines else 1.6),
    )


def _total(one: pd.DataFrame) -> pd.Series:
    return one.groupby("stage", sort=False)["faults"].sum()


def _title(one: pd.DataFrame) -> str:
    if one.empty:
        return "No fault has been planted on this machine yet"
    counts = _total(one)
    seen = counts.drop("never", errors="ignore")
    most = seen.idxmax()
    return f"Of {seen.sum()} reported cases, {seen[most]} come {_in(most)}"


def _in(stage: str) -> str:
    return {"definition": "at definition", "build": "at build", "first step": "at the first step"}.get(stage, stage)


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("the stage in which each planted fault is noticed")
    parts = []
    for title, rows in one.groupby("mode_title", sort=False):
        parts.append(f"{title}: " + ", ".join(f"{row.stage} {row.faults} of {row.n}" for row in rows.itertuples()))
    return (
        "Five panels side by side, one a stage: definition, build, first step, later and never. Each row is one "
        "framework in one mode; a mark is the share of its harmful planted faults that first come to light in that "
        f"stage, on its 95 per cent interval. {'; '.join(parts)}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, data: pd.DataFrame) -> None:
    axes = _usability.panels(figure, lines, rows, STAGES, left=LEFT)
    for ax, stage in zip(axes, STAGES, strict=True):
        _usability.share_panel(ax, unit=ax is axes[-1])
        marks = _usability.Marks()
        for line in lines:
            chosen = data[(data["machine"] == line.machine) & (data["mode"] == line.key) & (data["stage"] == stage)]
            for _, row in chosen.iterrows():
                filled = stage != "never"
                marks.add(line.y, row, _usability.MODE_COLORS[line.key], filled=filled)
                if row["faults"]:
                    _usability.count(ax, line.y, row["share"], str(row["faults"]))
        marks.draw(ax)
    _rows.above(axes[0], -LEFT + 0.06, "faults by stage")
