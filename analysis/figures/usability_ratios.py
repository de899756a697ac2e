"""How do the texts and runs of the paired programs compare, over the tasks?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _usability

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = _usability.SECTION
ORDER = 0
REQUIRES = ("usability_medians", "usability_ratios")

LEFT = 2.05  # inches
PAIRS = {"PyTorch / Keras": "pytorch/keras", "PyTorch / TensorFlow core": "pytorch/tensorflow"}
METRICS = {
    "logical_lines": "logical lines",
    "tokens": "tokens",
    "halstead_volume": "Halstead volume",
    "cyclomatic_complexity": "cyclomatic complexity",
    "framework_names": "framework names used",
    "wall_s": "seconds to first result",
    "import_wall_s": "of these, import",
    "main_wall_s": "of these, the task",
    "cpu_s": "CPU seconds",
    "peak_mib": "peak memory",
}


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the chart of ratios over tasks; see :class:`analysis.figures.Drawing`."""
    medians, ratios = tables["usability_medians"], tables["usability_ratios"]
    medians = medians[medians["compared"].isin(PAIRS) & medians["metric"].isin(METRICS)]
    medians = _one_size(medians).reset_index(drop=True)
    points = _one_size(ratios[ratios["metric"].isin(METRICS)]).reset_index(drop=True)
    lines, rows = _usability.lay_out(medians, list(METRICS), "metric", METRICS.get)
    one = _usability.newest(medians)
    return Drawing(
        title=_title(one),
        subtitle=(
            "PyTorch's program over its partner's, same task and result; strokes: tasks; mark: median "
            f"with bootstrap 95 % interval over tasks; n = {_tasks(one)} tasks; {_usability.machine_words(medians)}"
            f"{_smoke(medians)}"
            if len(medians)
            else "PyTorch's program over its partner's; n = 0 tasks"
        ),
        limits=(
            "Twelve short tasks by one author: the interval says how much the median depends on which tasks were "
            "chosen. Above 1 is more for PyTorch, which for none of these measures is better or worse as such."
            if len(medians)
            else _usability.absent("usability_medians")
        ),
        description=_description(one),
        data=medians.drop(columns=["statistic", "note"]),
        draw=lambda figure: _draw(figure, lines, rows, medians, points),
        sources=_usability.measured_on(medians),
        size=(7.0, _usability.height(rows) if lines else 1.6),
        finding=_finding(one) if len(one) else None,
    )


def _one_size(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the full size where a machine has them: a smoke run only shows that it works."""
    full = set(frame.loc[frame["size"] == "full", "machine"])
    return frame[(frame["size"] == "full") | ~frame["machine"].isin(full)]


def _smoke(medians: pd.DataFrame) -> str:
    return "; smoke size: it shows only that it works" if (medians["size"] == "smoke").any() else ""


def _tasks(one: pd.DataFrame) -> str:
    low, high = one["tasks"].min(), one["tasks"].max()
    return f"{low:.0f}" if low == high else f"{low:.0f} to {high:.0f}"


def _pick(one: pd.DataFrame, compared: str, metric: str) -> pd.Series | None:
    rows = one[(one["compared"] == compared) & (one["metric"] == metric)]
    return rows.iloc[0] if len(rows) else None


def _words(row: pd.Series) -> str:
    if pd.isna(row["low"]):
        return f"{row['value']:.2f}, no interval"
    return f"{row['value']:.2f} [{row['low']:.2f}, {row['high']:.2f}]"


def _title(one: pd.DataFrame) -> str:
    row = _pick(one, "PyTorch / Keras", "tokens") if len(one) else None
    if row is None:
        return "No paired program has been run here yet"
    return f"PyTorch programs take {row['value']:.2f} times Keras' tokens"


def _finding(one: pd.DataFrame) -> Finding | None:
    rows = [(name, _pick(one, name, "tokens")) for name in PAIRS]
    rows = [(name, row) for name, row in rows if row is not None]
    if not rows:
        return None
    parts = [f"{row['value']:.2f} times as many as {name.partition(' / ')[2]}" for name, row in rows]
    return Finding(
        "Which needs more text for the same task?",
        f"Counted in tokens, the median PyTorch program has {' and '.join(parts)}.",
        "; ".join(f"{name} {_words(row)}" for name, row in rows),
        f"n = {_tasks(one)} paired tasks with equal results, bootstrap 95 % interval over tasks",
    )


def _description(one: pd.DataFrame) -> str:
    if one.empty:
        return _usability.nothing("the ratios of PyTorch's paired programs to their partners'")
    parts = [f"{row['compared']}, {METRICS[row['metric']]} {_words(row)}" for _, row in one.iterrows()]
    low, high = one["value"].min(), one["value"].max()
    return (
        "Two panels on a logarithmic ratio axis: PyTorch over Keras, and PyTorch over TensorFlow's core API. Each row "
        "is a measure of the program's text or of its run; thin strokes are tasks, the mark is the median over tasks "
        f"on its 95 per cent interval, and a line stands at 1. Medians go from {low:.2f} to {high:.2f}: "
        f"{'; '.join(parts)}."
    )


def _draw(
    figure: Figure, lines: list[_usability.Line], rows: float, medians: pd.DataFrame, points: pd.DataFrame
) -> None:
    axes = _usability.panels(figure, lines, rows, ["", ""], left=LEFT)
    values = pd.concat([points["value"], medians["low"], medians["high"]]).dropna()
    values = values[values > 0]
    for ax, (compared, pair) in zip(axes, PAIRS.items(), strict=True):
        low, high = values.min() if len(values) else 0.5, values.max() if len(values) else 2
        style.ratio_axis(ax, low, high, words=False)
        _rows.above(ax, 0, compared)
        dots: tuple[list[float], list[float]] = ([], [])
        intervals: tuple[list[float], list[float]] = ([], [])
        middles: tuple[list[float], list[float]] = ([], [])
        for line in lines:
            here = points[
                (points["machine"] == line.machine) & (points["metric"] == line.key) & (points["pair"] == pair)
            ]
            for value in here.loc[here["value"] > 0, "value"]:
                _stroke(dots, (value, value), (line.y - 0.22, line.y + 0.22))
            chosen = medians[
                (medians["machine"] == line.machine)
                & (medians["metric"] == line.key)
                & (medians["compared"] == compared)
            ]
            for _, row in chosen.iterrows():
                if pd.notna(row["low"]):
                    _stroke(intervals, (row["low"], row["high"]), (line.y, line.y))
                middles[0].append(row["value"])
                middles[1].append(line.y)
        ax.plot(*dots, color=style.COLORS["other"], linewidth=1.1, zorder=1.8)
        ax.plot(*intervals, color=style.INK, linewidth=2, zorder=2.2)
        ax.plot(*middles, "D", color=style.INK, markersize=4.5, zorder=3)


def _stroke(path: tuple[list[float], list[float]], x: tuple[float, float], y: tuple[float, float]) -> None:
    """Add a stroke to a path that is drawn in one piece: a mark of its own for each task makes a picture heavy."""
    path[0].extend((*x, float("nan")))
    path[1].extend((*y, float("nan")))
