"""How far does the ratio move when only the environment of the two processes changes?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _sets
from analysis.figures.performance_ratios import compared, estimate, pair_label, primary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 4
REQUIRES = ("performance_ratios",)

KEYS = ["origin", "machine", "workload", "workload_title", "phase", "batch_size", "pytorch_mode", "tensorflow_mode"]
PANEL = 2.75  # inches


def pairs(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return a row a comparison with its ratio and interval in both environments, and ``shift`` and ``change``.

    ``shift`` is tuned over as shipped; ``change`` is "changes side" when both directions are settled and differ,
    "becomes settled" or "becomes unsettled" when one of them is, else "same side".
    """
    good = compared(primary(_sets.leading(ratios)))
    values = ["ratio", "low", "high"]
    sides = [
        good.loc[good["environment"] == name, KEYS + values].rename(columns={v: f"{v}_{name}" for v in values})
        for name in style.ENVIRONMENT_LABELS
    ]
    both = sides[0].merge(sides[1], on=KEYS, how="inner")
    both["shift"] = both["ratio_tuned"] / both["ratio_as_shipped"]
    both["change"] = [_change(row) for _, row in both.iterrows()] if len(both) else pd.Series(dtype=str)
    return both


def _side(row: pd.Series, environment: str) -> int:
    return int(row[f"low_{environment}"] > 1) - int(row[f"high_{environment}"] < 1)


def _change(row: pd.Series) -> str:
    before, after = _side(row, "as_shipped"), _side(row, "tuned")
    if before * after < 0:
        return "changes side"
    if before == after:
        return "same side"
    return "becomes settled" if after else "becomes unsettled"


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the slope chart of the two environments; see :class:`analysis.figures.Drawing`."""
    data = pairs(tables["performance_ratios"])
    turned = int((data["change"] == "changes side").sum())
    largest = data.loc[data["shift"].map(lambda s: max(s, 1 / s)).idxmax()] if len(data) else None
    groups = data.groupby(["workload", "phase"], sort=False).ngroups
    return Drawing(
        title=(
            "No comparison has an interval in both environments"
            if largest is None
            else f"The environment turns {turned} of {len(data)} comparisons around"
            if turned
            else f"No environment turns any of {len(data)} comparisons around"
        ),
        subtitle=(
            f"Speed of PyTorch over TensorFlow as shipped and tuned (allocator, threads, oneDNN); "
            f"n = {len(data)} comparisons measured in both; bootstrap 95 % intervals as thin bars; "
            "labels: PyTorch mode / TensorFlow mode"
        ),
        limits=(
            "The table performance_ratios holds no comparison with an interval in both environments: run "
            "`snakemake --cores 2 measure` with both environment profiles."
            if largest is None
            else "The tuned profile changes several settings at once, so a shift is not the effect of one of them."
        ),
        description=_description(data, turned, largest),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_sets.sources(data),
        size=(7.0, PANEL * ((groups + 1) // 2) if len(data) else 1.6),
        finding=None if largest is None else _finding(data, turned, largest),
    )


def _where(row: pd.Series) -> str:
    return f"{row['workload_title']}, {style.PHASE_LABELS.get(row['phase'], row['phase'])}, {pair_label(row)}"


def _both(row: pd.Series) -> str:
    before, after = (
        estimate(row.rename({f"{v}_{name}": v for v in ("ratio", "low", "high")})) for name in ("as_shipped", "tuned")
    )
    return f"{before} as shipped and {after} tuned"


def _finding(data: pd.DataFrame, turned: int, largest: pd.Series) -> Finding:
    return Finding(
        "Do settings of the process matter more than the framework?",
        f"{turned or 'Not one'} of {len(data)} comparisons {'change' if turned > 1 else 'changes'} side between the "
        f"environment as shipped and the tuned one; the largest shift is {_both(largest)} ({_where(largest)}).",
        f"largest shift: {_both(largest)}, 95 % intervals",
        f"n = {len(data)} comparisons measured in both environments, {_sets.whose_words(data)}",
    )


def _description(data: pd.DataFrame, turned: int, largest: pd.Series | None) -> str:
    start = (
        "A slope chart with a panel for each workload and phase. Each line joins the ratio of speed, PyTorch over "
        "TensorFlow, in the environment as shipped on the left with the same ratio in the tuned environment on the "
        "right, on a logarithmic axis with a line at equal speed. "
    )
    if largest is None:
        return start + "No comparison has an interval in both environments yet."
    first, last = data.iloc[0], data.iloc[-1]
    return start + (
        f"{turned} of {len(data)} lines cross from one settled side to the other and are drawn heavier. The largest "
        f"shift is {_both(largest)} ({_where(largest)}). The first line is {_both(first)} ({_where(first)}), the last "
        f"{_both(last)} ({_where(last)})."
    )


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    groups = list(data.groupby(["workload", "phase"], sort=False))
    deep = (len(groups) + 1) // 2
    figure.subplots_adjust(left=0.06, right=0.82, top=1 - 0.5 / (PANEL * deep), bottom=0.3 / (PANEL * deep))
    axes = figure.subplots(deep, 2, squeeze=False, gridspec_kw={"wspace": 0.9, "hspace": 0.42})
    values = data.filter(regex="^(low|high)_")
    for ax, (_, group) in zip(axes.flat, groups, strict=False):
        _panel(ax, group, values.min().min(), values.max().max())
    for ax in axes.flat[len(groups) :]:
        ax.remove()


def _panel(ax: Axes, group: pd.DataFrame, low: float, high: float) -> None:
    first = group.iloc[0]
    ax.set_xlim(-0.15, 1.0)
    style.ratio_axis(ax, low, high, axis="y", words=False)
    ax.set_xticks([0, 1], ["as shipped", "tuned"])
    ax.set_title(f"{first['workload_title']},\n{style.PHASE_LABELS.get(first['phase'], first['phase'])}", fontsize=8.6)
    for y, words, side in ((0.99, "PyTorch faster ▲", "pytorch"), (0.01, "TensorFlow faster ▼", "tensorflow")):
        ax.text(
            0.5,
            y,
            words,
            transform=ax.transAxes,
            ha="center",
            va="top" if side == "pytorch" else "bottom",
            fontsize=style.NOTE_SIZE,
            color=style.COLORS[side],
        )
    ends = []
    for _, row in group.iterrows():
        heavy = row["change"] == "changes side"
        color = style.INK if heavy else style.MUTED
        ends.append((row["ratio_tuned"], f"{_short(row['pytorch_mode'])} / {_short(row['tensorflow_mode'])}", heavy))
        ax.plot(
            [0, 1],
            [row["ratio_as_shipped"], row["ratio_tuned"]],
            color=color,
            linewidth=1.8 if heavy else 0.9,
            zorder=3 if heavy else 2,
        )
        for x, name in ((0, "as_shipped"), (1, "tuned")):
            ax.plot([x, x], [row[f"low_{name}"], row[f"high_{name}"]], color=color, linewidth=1.0, zorder=2)
            ax.plot(
                x,
                row[f"ratio_{name}"],
                marker="o" if name == "tuned" else "s",
                markersize=4,
                color=color,
                markerfacecolor=color if name == "tuned" else style.PAPER,
                zorder=4,
                clip_on=False,
            )
    _labels(ax, ends)


def _short(mode: str) -> str:
    return style.MODE_LABELS.get(mode, mode).rsplit(".", maxsplit=1)[-1]


def _labels(ax: Axes, ends: list[tuple[float, str, bool]]) -> None:
    """Label the right ends; the axis is logarithmic, so the distances are taken on the screen."""
    figure = ax.get_figure()
    points = 72 / figure.dpi
    heights = [ax.transData.transform((1, ratio))[1] * points for ratio, _, _ in ends]
    for (ratio, words, heavy), now, then in zip(ends, heights, style.spread(heights, 10.0), strict=True):
        style.direct_label(
            ax,
            1,
            ratio,
            words,
            dx=8,
            dy=then - now,
            fontsize=style.NOTE_SIZE,
            fontweight="bold" if heavy else "normal",
        )
