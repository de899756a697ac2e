"""After how many steps is the first one, with its tracing and compiling, paid back?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets
from analysis.figures.performance_ratios import compared, primary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 2
REQUIRES = ("performance_ratios", "performance_cells")

STEPS = (10, 100, 1000)
LATER = 10_000  # where "later steps only" stands on the axis
PANEL = 2.9  # inches
PAIRS = (("eager", "eager"), ("eager", "function"), ("eager", "xla"), ("compile", "function"), ("compile", "xla"))
MOST_USED = (("eager", "function"), ("compile", "function"), ("compile", "xla"))  # drawn with many workloads


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the ratio against the number of steps; see :class:`analysis.figures.Drawing`."""
    ratios = tables["performance_ratios"]
    told = {f"ratio_{steps}" for steps in STEPS} <= set(ratios)
    rows = compared(primary(_sets.last_environment(_sets.leading(ratios)))) if told else ratios.head(0)
    wanted = [pair in PAIRS for pair in zip(rows.get("pytorch_mode", ()), rows.get("tensorflow_mode", ()), strict=True)]
    rows = rows[pd.Series(wanted, rows.index, dtype=bool)]
    if rows["workload"].nunique() > _sets.MANY:
        first = rows.groupby("workload")["phase"].transform("first")
        pairs = [pair in MOST_USED for pair in zip(rows["pytorch_mode"], rows["tensorflow_mode"], strict=True)]
        rows = rows[(rows["phase"] == first) & pd.Series(pairs, rows.index)]
    rows = rows[rows["ratio_10"].notna()].reset_index(drop=True) if len(rows) else rows
    paid = _paid(tables["performance_cells"])
    turned = [_turns(row) for _, row in rows.iterrows()]
    groups = [own for _, own in rows.groupby(["workload", "phase"], sort=False)]
    return Drawing(
        title=_title(len(rows), sum(turned)),
        subtitle=(
            "Speed of PyTorch over TensorFlow for a run of 10, 100 and 1,000 steps with its first step (empty compile "
            "cache), "
            f"and for later steps alone; {_rows.span(rows)}; n = {len(rows)} pairs of modes, "
            f"{_sets.whose_words(rows)}; "
            "bootstrap 95 % intervals as bars"
            if len(rows)
            else "Speed of PyTorch over TensorFlow by number of steps; n = 0 pairs of modes"
        ),
        limits=(
            "A warm compile cache shortens the first step: the table of cells has the break-even point with it as well."
            if len(rows)
            else "No run with its first step has been measured yet: run `snakemake --cores 2 measure`."
        ),
        description=_description(rows, paid, sum(turned)),
        data=_long(rows),
        draw=lambda figure: _draw(figure, groups, paid),
        sources=_sets.sources(rows),
        size=(7.0, PANEL * max(1, -(-len(groups) // 2)) if len(rows) else 1.6),
        finding=_finding(rows, paid, sum(turned)) if len(rows) else None,
    )


def _paid(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells that have a break-even point or never reach one."""
    if "break_even" not in cells:
        return cells.head(0)
    cells = _sets.last_environment(_sets.leading(cells))
    return cells[(cells["status"] == "ok") & (cells["parity"] == "pass") & cells["break_even"].notna()]


def _turns(row: pd.Series) -> bool:
    """Return whether a run of ten steps and later steps are settled on different sides."""
    sides = [int(row[low] > 1) - int(row[high] < 1) for low, high in (("low_10", "high_10"), ("low", "high"))]
    return sides[0] * sides[1] < 0


def _long(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row a pair and length of run, ``steps`` empty for later steps alone."""
    keys = ["workload", "workload_title", "phase", "batch_size", "environment", "pytorch_mode", "tensorflow_mode"]
    keys += ["origin", "machine"]
    parts = [
        rows[keys].assign(steps=steps, **{name: rows[f"{name}{suffix}"] for name in ("ratio", "low", "high")})
        for steps, suffix in [*((steps, f"_{steps}") for steps in STEPS), (None, "")]
        if len(rows)
    ]
    return (
        pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*keys, "steps", "ratio", "low", "high"])
    )


def _title(total: int, turned: int) -> str:
    if not total:
        return "No ratio over short runs has been measured yet"
    if not turned:
        return f"Length of run turns none of {total} comparisons around"
    return f"Length of run turns {turned} of {total} comparisons around"


def _cell_words(row: pd.Series) -> str:
    return f"{style.MODE_LABELS.get(row['mode'], row['mode'])} {row['break_even']}"


def _finding(rows: pd.DataFrame, paid: pd.DataFrame, turned: int) -> Finding:
    never = int(paid["break_even_steps"].isna().sum())
    most = paid.loc[paid["break_even_steps"].idxmax()] if paid["break_even_steps"].notna().any() else None
    longest = (
        "" if most is None else f"; the latest is paid back after {most['break_even']} steps ({_rows.cell_where(most)})"
    )
    return Finding(
        "When does compiling pay?",
        f"Of {len(paid)} compiled modes {len(paid) - never} are paid back at some number of steps and {never} never"
        f"{longest}. Between runs of ten steps and later steps, {turned or 'no'} of {len(rows)} comparisons change "
        "side.",
        "no compiled mode is paid back"
        if most is None
        else f"latest break-even: {most['break_even']} steps, 95 % interval",
        f"n = {len(paid)} compiled modes, {_rows.span(rows)}",
    )


def _description(rows: pd.DataFrame, paid: pd.DataFrame, turned: int) -> str:
    start = (
        "Line charts with a panel for each workload and phase. From left to right stand runs of 10, 100 and 1,000 "
        "steps "
        "with their first step and, apart, later steps alone; from bottom to top the ratio of speed, PyTorch over "
        "TensorFlow, on a logarithmic axis with a line at equal speed. Under each panel stands after how many steps "
        "each "
        "compiled mode is paid back. "
    )
    if rows.empty:
        return start + "Nothing of this kind has been measured yet: 0 pairs of modes."
    first, last = rows.iloc[0], rows.iloc[-1]
    return start + (
        f"{turned} of {len(rows)} lines end on the other settled side than they begin. The first goes from "
        f"{first['ratio_10']:.2f} over ten steps to {first['ratio']:.2f} later, the last from {last['ratio_10']:.2f} "
        "to "
        f"{last['ratio']:.2f}. {int(paid['break_even_steps'].isna().sum())} of {len(paid)} compiled modes are never "
        "paid back."
    )


def _draw(figure: Figure, groups: list[pd.DataFrame], paid: pd.DataFrame) -> None:
    columns = [f"{name}{suffix}" for name in ("low", "high", "ratio") for suffix in ("", *(f"_{s}" for s in STEPS))]
    values = pd.concat(groups)[columns]
    for ax, own in _sets.grid(figure, groups, columns=2, right=0.95, gap=0.9):
        first = own.iloc[0]
        ax.set_xscale("log")
        ax.set_xlim(7, LATER * 1.3)
        style.ratio_axis(ax, values.min().min(), values.max().max(), axis="y", words=False)
        ax.set_xticks([*STEPS, LATER], [*(f"{steps:,}" for steps in STEPS), "later"])
        ax.set_xticks([], minor=True)
        _sets.panel_title(ax, first)
        ends = []
        for place, (_, row) in enumerate(own.iterrows()):
            marker, dash = _sets.LINES[place % len(_sets.LINES)]
            ratio = [row[f"ratio_{steps}"] for steps in STEPS]
            ax.plot(STEPS, ratio, color=style.INK, linestyle=dash, linewidth=1.1, marker=marker, markersize=3.6)
            ax.plot(
                [STEPS[-1], LATER], [ratio[-1], row["ratio"]], color=style.MUTED, linestyle=(0, (1, 2)), linewidth=0.8
            )
            ax.plot(LATER, row["ratio"], color=style.INK, marker=marker, markersize=3.6)
            suffixes = [*(f"_{steps}" for steps in STEPS), ""]
            _sets.bars(
                ax, [*STEPS, LATER], *([row[f"{end}{suffix}"] for suffix in suffixes] for end in ("low", "high"))
            )
            ends.append((row["ratio"], _sets.pair(row)))
        points = 72 / figure.dpi
        heights = [ax.transData.transform((LATER, ratio))[1] * points for ratio, _ in ends]
        for (ratio, words), now, then in zip(ends, heights, style.spread(heights, 9.0), strict=True):
            style.direct_label(ax, LATER, ratio, words, dx=6, dy=then - now, fontsize=style.NOTE_SIZE - 0.8)
        here = paid[(paid["workload"] == first["workload"]) & (paid["phase"] == first["phase"])]
        words = "\n".join(["steps; paid back after:", *(_cell_words(row) for _, row in here.iterrows())])
        ax.annotate(
            words if len(here) else "no compiled mode has a break-even point",
            (0, 0),
            xycoords="axes fraction",
            xytext=(0, -22),
            textcoords="offset points",
            fontsize=6.6,
            va="top",
            color=style.MUTED,
            linespacing=1.15,
        )
