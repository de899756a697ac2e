"""What does a default that differs do to accuracy, changed alone?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _upkeep, _usability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _upkeep.SECTION
ORDER = 3
REQUIRES = ("upkeep_defaults",)

LEFT, RIGHT = 2.35, 1.85  # inches
NARROW = 0.5  # points to either side of zero, where every effect is smaller


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the marks of effects; see :class:`analysis.figures.Drawing`."""
    table = tables["upkeep_defaults"]
    rows = table[(table["status"] == "ok") & table["difference"].notna()]
    # One set is drawn, the newest; the table below holds them all.
    newest = rows.sort_values("date", kind="stable")["machine"].iloc[-1] if len(rows) else None
    data = rows[rows["machine"] == newest].reset_index(drop=True)
    for name in ("difference", "low", "high", "accuracy_pytorch"):
        data[name] = 100 * pd.to_numeric(data[name])
    data = data.rename(columns={name: f"{name}_points" for name in ("difference", "low", "high")})
    kept = ["default", "title", "network", "dataset", "pytorch_value", "tensorflow_value", "seeds", "n_test"]
    data = data[[*kept, "difference_points", "low_points", "high_points", "wording", "machine", "date"]]
    return Drawing(
        title=_title(data),
        subtitle=(
            "Accuracy with one default as TensorFlow has it minus that with all as PyTorch has them, points; paired by "
            f"seed, n = {_seeds(data)} seeds; Student t 95 % interval over seeds; {data['machine'].iloc[0]}, "
            f"{data['date'].iloc[0]}"
            if len(data)
            else "Effect of each default on accuracy, in points; n = 0 defaults"
        ),
        limits=(
            "Small networks, two or three epochs, real digits and news: a longer training or another network may show "
            "another effect; seeds share one test set."
            if len(data)
            else f"{_upkeep.absent('upkeep_defaults')}"
        ),
        description=_description(data),
        data=data,
        draw=lambda figure: _draw(figure, data),
        sources=_usability.measured_on(data),
        size=(7.0, _rows.height(max(1, len(data)), bottom=0.46)),
        finding=_finding(data) if len(data) else None,
    )


def _seeds(data: pd.DataFrame) -> str:
    low, high = data["seeds"].min(), data["seeds"].max()
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _settled(data: pd.DataFrame) -> pd.DataFrame:
    return data[(data["low_points"] > 0) | (data["high_points"] < 0)]


def _title(data: pd.DataFrame) -> str:
    if data.empty:
        return "No default has been changed on this machine yet"
    return f"{len(_settled(data))} of {len(data)} defaults change accuracy here"


def _say(row: pd.Series) -> str:
    words = f"{row['title']} {row['difference_points']:+.2f} points"
    if pd.isna(row["low_points"]):
        return f"{words} (no interval)"
    return f"{words} ({row['low_points']:+.2f} to {row['high_points']:+.2f})"


def _finding(data: pd.DataFrame) -> Finding:
    largest = data.loc[data["difference_points"].abs().idxmax()]
    settled = _settled(data)
    also = f"; settled: {', '.join(settled['title'])}" if len(settled) else ""
    return Finding(
        "Same network, same settings: why another accuracy?",
        f"Largest when changed alone: {_say(largest)}{also}.",
        _say(largest).removeprefix(f"{largest['title']} "),
        f"n = {len(data)} defaults, {_seeds(data)} seeds each, {largest['machine']}, {largest['date']}",
    )


def _description(data: pd.DataFrame) -> str:
    if data.empty:
        return (
            "An empty frame. It would show, for each default that differs between PyTorch and TensorFlow, by how many "
            "points the accuracy of a small network changes when that default alone is changed, with an interval over "
            "seeds. No such measurement has landed for this build, so there are 0 rows; run "
            f"{_upkeep.COMMAND} and draw the page again."
        )
    return (
        "A row for each default that differs between PyTorch and TensorFlow. The mark is the change in accuracy, in "
        "points, when this default alone is set as TensorFlow has it and all others are as PyTorch has them; the line "
        "through it is the interval over seeds; right of the panel stand both values. "
        f"{'; '.join(_say(row) for _, row in data.iterrows())}."
    )


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 11 else ""


def _draw(figure: Figure, data: pd.DataFrame) -> None:
    lines = [_rows.Line(number + 0.5, row["title"], data.iloc[[number]]) for number, row in data.iterrows()]
    ax = _rows.panel(figure, lines, max(1, len(data)), left=LEFT, right=RIGHT)
    ends = pd.concat([data["difference_points"], data["low_points"], data["high_points"]]).abs().max()
    reach = 1.12 * max(NARROW, float(ends) if pd.notna(ends) else NARROW)
    ax.set_xscale("symlog", linthresh=1)
    ax.set_xlim(-reach, reach)
    ticks = [tick for tick in (-30, -10, -3, -1, 0, 1, 3, 10, 30) if abs(tick) <= reach]
    ax.set_xticks(ticks, [f"{tick:+d}" if tick else "0" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.axvline(0, color=style.MUTED, linewidth=0.8)
    ax.set_xlabel("points of accuracy (linear within 1, logarithmic beyond)")
    width = figure.get_figwidth() - LEFT - RIGHT
    _rows.above(ax, width + 0.12, "PyTorch")
    _rows.above(ax, width + 0.98, "TensorFlow")
    for number, row in data.iterrows():
        y = number + 0.5
        if pd.notna(row["low_points"]):
            ax.plot([row["low_points"], row["high_points"]], [y, y], color=style.INK, linewidth=1.2)
        ax.plot([row["difference_points"]], [y], marker="o", markersize=4.5, color=style.INK, linestyle="none")
        for place, side in ((0.12, "pytorch"), (0.98, "tensorflow")):
            _rows.beside(ax, width + place, y, _short(row[f"{side}_value"]), color=style.COLORS[side])
