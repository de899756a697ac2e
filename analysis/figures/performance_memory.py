"""How much memory does a process need at its peak?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 8
REQUIRES = ("performance_cells",)

LEFT, RIGHT = 1.75, 1.0  # inches
ENVIRONMENT = "as_shipped"


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of peak memory; see :class:`analysis.figures.Drawing`."""
    cells = tables["performance_cells"]
    data = _sets.fit(merge_phases(_rows.one_environment(_sets.leading(cells), ENVIRONMENT)))
    good = data[(data["status"] == "ok") & data["peak_host_mib"].notna()]
    lines, rows = _rows.lay_out(data, _rows.cell_label)
    span = "" if good.empty else f"{good['peak_host_mib'].min():,.0f} to {good['peak_host_mib'].max():,.0f} MiB"
    return Drawing(
        title=f"Peak memory spans {span}" if span else "No peak memory has been measured yet",
        subtitle=(
            f"Highest resident memory of the worker process in MiB, framework included; {_rows.span(data)}; "
            f"n = {len(good)} cells, {_rows.environment_words(data)} environment; highest of all restarts, no interval"
        ),
        limits=(
            "The table performance_cells holds no row yet: run `snakemake --cores 2 measure` to fill it."
            if data.empty
            else "For small models most of it is the framework itself; memory of an accelerator stands in the table."
        ),
        description=_description(data, good),
        data=data[
            [
                *("origin", "machine", "workload", "workload_title", "phase", "batch_size", "environment", "framework"),
                "mode",
                *("peak_host_mib", "peak_device_mib", "status", "note"),
            ]
        ],
        draw=lambda figure: _draw(figure, lines, rows, good),
        sources=_sets.sources(data),
        size=(7.0, _rows.height(rows) if lines else 1.6),
        finding=_finding(good, span) if span else None,
    )


def merge_phases(cells: pd.DataFrame) -> pd.DataFrame:
    """Return one row a workload and mode where one process ran all phases, so that their peak is the same number.

    The rows come back unchanged where any peak differs between the phases.
    """
    keys = ["workload", "framework", "mode"]
    if cells.empty or cells.groupby(keys)["peak_host_mib"].nunique().max() > 1:
        return cells
    names = [style.PHASE_LABELS.get(name, name) for name in cells["phase"].unique()]
    phases = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    sizes = cells.groupby("workload")["batch_size"].transform("nunique")
    cells = cells.assign(phase=phases, batch_size=cells["batch_size"].where(sizes == 1))
    return cells.drop_duplicates(keys, ignore_index=True)


def _finding(good: pd.DataFrame, span: str) -> Finding:
    medians = good.groupby("framework")["peak_host_mib"].median()
    parts = [f"{style.FRAMEWORK_LABELS[name]} {value:,.0f} MiB" for name, value in medians.items()]
    return Finding(
        "Which needs more memory?",
        f"A process peaked at {span}; the median over modes is {' and '.join(parts)}.",
        f"no interval: highest of all restarts, {span}",
        f"n = {len(good)} cells, {_rows.span(good)}, {_sets.whose_words(good)}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame) -> str:
    start = (
        "A bar chart of the highest resident memory of each worker process in mebibytes, with bars from zero. Each row "
        "is one framework in one mode, grouped by workload and phase, and the value stands at the end of its bar. "
    )
    if good.empty:
        return start + f"No peak has been measured yet: the table holds {len(data)} rows without a value."
    low, high = good.loc[good["peak_host_mib"].idxmin()], good.loc[good["peak_host_mib"].idxmax()]
    first, last = good.iloc[0], good.iloc[-1]
    parts = [
        f"{name} {row['peak_host_mib']:,.0f} MiB ({_rows.cell_where(row)})"
        for name, row in (("The lowest is", low), ("the highest", high), ("the first row", first), ("the last", last))
    ]
    return start + ", ".join(parts) + "."


def _draw(figure: Figure, lines: list[_rows.Line], rows: float, good: pd.DataFrame) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT)
    ax.set_xlim(0, good["peak_host_mib"].max() * 1.02 if len(good) else 1)
    ax.xaxis.get_major_locator().set_params(nbins=5)
    ax.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    _rows.above(ax, 0, "MiB")
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        row = line.rows.iloc[0]
        words, value = style.state_words(row["status"], short=True), row["peak_host_mib"]
        if words or pd.isna(value):
            _rows.beside(ax, 0.06, line.y, words or "not measured here", size=style.NOTE_SIZE, color=style.MUTED)
            continue
        ax.barh(line.y, value, height=0.62, color=style.COLORS[row["framework"]], linewidth=0)
        style.direct_label(ax, value, line.y, f"{value:,.0f}", dx=4, fontsize=style.NOTE_SIZE)
