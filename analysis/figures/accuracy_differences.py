"""Do both frameworks learn equally well from the same weights and the same order of data?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.accuracies import POINT_OF_INTEREST
from analysis.figures import Drawing, Finding, _rows, _sets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "parity"
ORDER = 1
REQUIRES = ("accuracy_differences",)

LEFT, RIGHT = 2.6, 1.75  # inches
ROW, TOP, BOTTOM = 0.26, 0.3, 0.34


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the forest of differences in accuracy; see :class:`analysis.figures.Drawing`."""
    data = _sets.filled(tables["accuracy_differences"]).reset_index(drop=True)
    good = data[(data["status"] == "ok") & data["low"].notna()]
    apart = good[(good["low"] > 0) | (good["high"] < 0)]
    return Drawing(
        title=_title(len(good), len(apart)),
        subtitle=(
            f"Test accuracy of PyTorch minus TensorFlow in percentage points, paired by seed; n = {len(good)} "
            "workloads and "
            f"sets, {_seeds(good)} seeds each; Student t 95 % intervals over seeds"
            if len(good)
            else "Test accuracy of PyTorch minus TensorFlow in percentage points; n = 0 workloads with an interval"
        ),
        limits=(
            "Seeds share one test set and start from equal weights, so the intervals hold the spread of arithmetic "
            "alone."
            if len(data)
            else "No workload has been trained to an accuracy on both sides yet: run `snakemake --cores 2`."
        ),
        description=_description(data, good, apart),
        data=data,
        draw=lambda figure: _draw(figure, data, good),
        sources=_sets.sources(data),
        size=(7.0, ROW * len(data) + TOP + BOTTOM if len(data) else 1.6),
        finding=_finding(good, apart) if len(good) else None,
    )


def _seeds(good: pd.DataFrame) -> str:
    low, high = int(good["seeds"].min()), int(good["seeds"].max())
    return str(low) if low == high else f"{low} to {high}"


def _points(row: pd.Series) -> str:
    return f"{100 * row['difference']:+.2f} [{100 * row['low']:+.2f}, {100 * row['high']:+.2f}]"


def _title(total: int, apart: int) -> str:
    if not total:
        return "No difference in accuracy has an interval yet"
    if not apart:
        return f"Accuracies are not shown to differ in {total} trainings"
    return f"Accuracies differ in {apart} of {total} trainings"


def _finding(good: pd.DataFrame, apart: pd.DataFrame) -> Finding:
    most = good.loc[good["difference"].abs().idxmax()]
    inside = int((good[["low", "high"]].abs().max(axis=1) <= POINT_OF_INTEREST).sum())
    return Finding(
        "Do both reach the same accuracy?",
        f"In {len(good) - len(apart)} of {len(good)} trainings no difference is settled, in {inside} the whole "
        "interval lies "
        f"within one point; the largest difference is {_points(most)} points ({most['workload']}).",
        f"largest difference: {_points(most)} points, 95 % interval",
        f"n = {len(good)} trainings, {_seeds(good)} seeds each",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame, apart: pd.DataFrame) -> str:
    start = (
        "A forest chart of differences in test accuracy, PyTorch minus TensorFlow, in percentage points, with a line "
        "at zero "
        "and a grey zone of one point on either side. Each row is one workload on one data set; both sides start each "
        "seed "
        "from the same weights and see the data in the same order. "
    )
    if good.empty:
        return start + f"No difference has an interval yet: the table holds {len(data)} rows."
    first, last = good.iloc[0], good.iloc[-1]
    return start + (
        f"{len(apart)} of {len(good)} intervals leave zero out. The first row is {_points(first)} "
        f"({first['workload']}), the "
        f"last {_points(last)} ({last['workload']})."
    )


def _draw(figure: Figure, data: pd.DataFrame, good: pd.DataFrame) -> None:
    wide, tall = figure.get_figwidth(), figure.get_figheight()
    ax = figure.add_axes((LEFT / wide, BOTTOM / tall, (wide - LEFT - RIGHT) / wide, (tall - TOP - BOTTOM) / tall))
    reach = max(100 * good[["low", "high"]].abs().max().max() if len(good) else 0, 150 * POINT_OF_INTEREST)
    ax.set_ylim(len(data), 0)
    ax.set_xlim(-1.05 * reach, 1.05 * reach)
    ax.set_yticks([])
    ax.grid(visible=True, axis="x")
    ax.axvspan(-100 * POINT_OF_INTEREST, 100 * POINT_OF_INTEREST, color=style.ZONE, linewidth=0, zorder=0)
    ax.axvline(0, color=style.INK, linewidth=0.9, zorder=1)
    _rows.above(ax, 0, "percentage points, PyTorch minus TensorFlow")
    for y, (_, row) in enumerate(data.iterrows()):
        whose = _sets.whose(row)
        label = f"{row['workload']}, {row['dataset']}" + (f" ({whose.split(',')[0]})" if whose else "")
        _rows.beside(ax, 0.06 - LEFT, y + 0.5, label)
        words = style.state_words(row["status"], short=True) or str(row["wording"])
        if row.name in good.index:
            ax.plot([100 * row["low"], 100 * row["high"]], [y + 0.5] * 2, color=style.INK, linewidth=1.3)
            ax.plot(100 * row["difference"], y + 0.5, marker="o", markersize=4.6, color=style.INK)
            words = _points(row)
        color = style.INK if row.name in good.index else style.MUTED
        _rows.beside(ax, wide - LEFT - RIGHT + 0.1, y + 0.5, words, size=style.NOTE_SIZE, color=color)
