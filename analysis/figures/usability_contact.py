"""What does it take to get a framework, and to take a first step with it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _usability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 6
REQUIRES = ("usability_contact",)

LEFT = 1.15  # inches
PANELS = {
    "installed_mib": "installed (MiB)",
    "install_s": "install (s)",
    "import_wall_s": "import (s)",
    "import_peak_mib": "import, peak (MiB)",
    "first_step_s": "first step (s)",
}
SUBJECTS = {"PyTorch (torch)": "pytorch", "TensorFlow": "tensorflow", "Keras": "keras"}


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the bars of first contact; see :class:`analysis.figures.Drawing`."""
    table = tables["usability_contact"]
    data = table[table["metric"].isin(PANELS) & (table["status"] == "ok")].reset_index(drop=True)
    data = data.assign(value=pd.to_numeric(data["value"]))
    lines, rows = _usability.lay_out(data, list(SUBJECTS), "subject_title", str)
    one = _usability.newest(data)
    return Drawing(
        title=_title(one),
        subtitle=(
            "Size on disk with all dependencies, installation from local files, import and first training step in a "
            f"fresh process; median and range of n = {_runs(one)} runs where timed; no interval: a range of few runs; "
            f"{_usability.machine_words(data)}"
            if len(data)
            else "Size, installation, import and first training step; n = 0 runs"
        ),
        limits=(
            "Keras' values are those of Keras on TensorFlow. Sizes are those of the builds that are installed here, "
            "which on a machine with a GPU are several times larger."
            if len(data)
            else _usability.absent("usability_contact")
        ),
        description=_description(one),
        data=data,
        draw=lambda figure: _draw(figure, lines, rows, data),
        sources=_usability.measured_on(data),
        size=(7.0, _usability.height(rows) if lines else 1.6),
        finding=_finding(one) if len(one) else None,
    )


def _runs(one: pd.DataFrame) -> str:
    runs = one["runs"].dropna()
    return f"{runs.min():.0f} to {runs.max():.0f}" if len(runs) and runs.min() != runs.max() else f"{runs.max():.0f}"


def _say(one: pd.DataFrame, metric: str, unit: str) -> str:
    rows = one[one["metric"] == metric]
    return ", ".join(f"{row['subject_title']} {_usability.number(row['value'])} {unit}" for _, row in rows.iterrows())


def _title(one: pd.DataFrame) -> str:
    rows = one[one["metric"] == "first_step_s"] if len(one) else one
    if rows.empty:
        return "First contact has not been measured here yet"
    return (
        f"The first step takes {_usability.number(rows['value'].min())} to {_usability.number(rows['value'].max())} s"
    )


def _finding(one: pd.DataFrame) -> Finding | None:
    if not (one["metric"] == "first_step_s").any():
        return None
    return Finding(
        "What does it take to begin?",
        f"On disk, with all dependencies: {_say(one, 'installed_mib', 'MiB')}. To the first training step: "
        f"{_say(one, 'first_step_s', 's')}.",
        "no interval: medians of few runs, their ranges in the figure",
        f"n = {_runs(one)} runs a value, {_usability.machine_words(one)}",
    )


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("what it takes to install, import and first use each framework")
    parts = [
        f"{heading}: {_say(one, metric, '')}" for metric, heading in PANELS.items() if (one["metric"] == metric).any()
    ]
    return (
        "Five panels of bars from zero side by side: size on disk, seconds to install, seconds and peak memory of the "
        "import, seconds to the first training step. The rows are PyTorch, TensorFlow and Keras on TensorFlow, and a "
        f"thin line is the range over runs. {'; '.join(parts)}."
    )


def _draw(figure: Figure, lines: list[_usability.Line], rows: float, data: pd.DataFrame) -> None:
    axes = _usability.panels(figure, lines, rows, list(PANELS.values()), left=LEFT)
    for ax, metric in zip(axes, PANELS, strict=True):
        mine = data[data["metric"] == metric]
        reach = pd.concat([mine["value"], mine["high"]]).max()
        ax.set_xlim(0, (reach if pd.notna(reach) else 1) * 1.55)
        ax.xaxis.get_major_locator().set_params(nbins=3)
        for line in lines:
            if line.key is None:
                continue
            chosen = mine[(mine["machine"] == line.machine) & (mine["subject_title"] == line.key)]
            if chosen.empty:
                ax.annotate(
                    "not measured" if line.key != "Keras" or metric != "install_s" else "with TensorFlow",
                    (0, line.y),
                    xytext=(3, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=style.NOTE_SIZE - 0.8,
                    color=style.MUTED,
                )
                continue
            row = chosen.iloc[0]
            ax.barh(line.y, row["value"], height=0.6, color=style.COLORS[SUBJECTS[line.key]], linewidth=0)
            end = row["value"]
            if pd.notna(row["low"]):
                ax.plot([row["low"], row["high"]], [line.y] * 2, color=style.INK, linewidth=1, zorder=3)
                end = max(end, row["high"])
            style.direct_label(ax, end, line.y, _usability.number(row["value"]), dx=4, fontsize=style.NOTE_SIZE)
