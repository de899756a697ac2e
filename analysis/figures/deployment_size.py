"""Is a smaller artefact a faster one?"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, _deployment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _deployment.SECTION
ORDER = 2
REQUIRES = ("deployment_paths",)

COLUMNS = (
    *("machine", "date", "path", "path_title", "framework", "runtime_title", "model", "model_title", "artefact_bytes"),
    *("latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms", "quantized"),
)
LEFT, BETWEEN, RIGHT, TOP, BOTTOM = 0.62, 0.62, 0.2, 0.6, 0.48  # inches
#: Characters of a line of a name beside its mark.
WIDE = 24


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the scatter of size and latency; see :class:`analysis.figures.Drawing`."""
    every = tables["deployment_paths"]
    one = _deployment.last_machine(every)
    good = one[(one["status"] == "ok") & one["latency_p50_ms"].notna() & one["artefact_bytes"].notna()]
    good = good.reset_index(drop=True)
    return Drawing(
        title=_title(good),
        subtitle=(
            "Size of what is deployed against the median latency of one row on one thread, both logarithmic; bars: "
            f"bootstrap 95 % intervals; open: fewer bits; n = {len(good)} paths and models, "
            f"{_deployment.machine_words(good)}{_deployment.beyond(every, one)}{_deployment.smoke(one)}"
            if len(good)
            else "Size of what is deployed against the latency of one row; n = 0 paths"
        ),
        limits=(
            "The artefact alone counts, not the runtime that reads it, whose size stands in the table; a path whose "
            "shapes are fixed at export needs a file for each batch size, and its file for one row is shown."
            if len(good)
            else _deployment.absent("deployment_paths")
        ),
        description=_description(good),
        data=good.reindex(columns=list(COLUMNS)),
        draw=lambda figure: _draw(figure, good),
        sources=_deployment.measured_on(good),
        size=(7.0, 3.9 if len(good) else 1.6),
    )


def _span(values: pd.Series, factor: float = 1.0) -> str:
    return f"{_deployment.number(values.min() / factor)} to {_deployment.number(values.max() / factor)}"


def _ends(good: pd.DataFrame) -> tuple[tuple[pd.Series, float], ...]:
    return (good["artefact_bytes"], 1e6), (good["latency_p50_ms"], 1.0)


def _title(good: pd.DataFrame) -> str:
    if good.empty:
        return "No size and latency of a path measured yet"
    sizes, times = (_span(values, factor).replace(" to ", "–") for values, factor in _ends(good))
    return f"Artefacts take {sizes} MB, one answer {times} ms"


def _description(good: pd.DataFrame) -> str:
    if good.empty:
        return _deployment.nothing("the size of each deployed artefact against the latency of one row")
    parts = []
    for model, own in good.groupby("model_title", sort=False):
        small, fast = own.loc[own["artefact_bytes"].idxmin()], own.loc[own["latency_p50_ms"].idxmin()]
        slow = own.loc[own["latency_p50_ms"].idxmax()]
        parts.append(
            f"{model}: {len(own)} paths, {_span(own['artefact_bytes'], 1e6)} megabytes and "
            f"{_span(own['latency_p50_ms'])} milliseconds; the smallest is {small['path_title']} "
            f"({_deployment.number(small['artefact_bytes'] / 1e6)} megabytes, "
            f"{_deployment.number(small['latency_p50_ms'])} milliseconds), the quickest {fast['path_title']}, the "
            f"slowest {slow['path_title']}"
        )
    return (
        "A scatter plot with a panel for each model: the size of the artefact grows to the right, the median latency "
        "of one row upwards, both on logarithmic axes. The marker tells the framework that the model comes from; an "
        f"open one computes in fewer bits. {'. '.join(parts)}."
    )


def _draw(figure: Figure, good: pd.DataFrame) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    models = list(good["model"].unique())
    width = (wide - LEFT - RIGHT - BETWEEN * (len(models) - 1)) / len(models)
    for number, model in enumerate(models):
        own = good[good["model"] == model]
        x = LEFT + number * (width + BETWEEN)
        ax = figure.add_axes((x / wide, BOTTOM / high, width / wide, (high - TOP - BOTTOM) / high))
        ax.grid(visible=True, axis="both")
        _deployment.log_axis(ax, own["artefact_bytes"] / 1000, unit="kB", room=1.6)
        ends = own[["latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms"]].to_numpy().ravel()
        _deployment.log_axis(ax, ends, axis="y", unit="ms", room=1.9)
        ax.set_title(str(own.iloc[0]["model_title"]), fontsize=8.5)
        ax.set_xlabel("size of the artefact", fontsize=style.NOTE_SIZE, labelpad=2)
        if number == 0:
            _deployment.key(ax, list(good["framework"].unique()), "open: fewer bits", lift=22)
        _points(ax, own)
        _name(ax, own)


def _points(ax: Axes, own: pd.DataFrame) -> None:
    for (framework, quantized), rows in own.groupby(["framework", "quantized"], sort=False):
        color = _deployment.COLORS[framework]
        sizes = rows["artefact_bytes"] / 1000
        timed = rows[rows["latency_p50_low_ms"].notna()]
        xs = [value for size in timed["artefact_bytes"] / 1000 for value in (size, size, float("nan"))]
        ys = [
            value
            for low, high in zip(timed["latency_p50_low_ms"], timed["latency_p50_high_ms"], strict=True)
            for value in (low, high, float("nan"))
        ]
        ax.plot(xs, ys, color=color, linewidth=1, alpha=0.6, zorder=2)
        face = style.PAPER if quantized == "yes" else color
        marker = _deployment.MARKERS.get(framework, "o")
        ax.plot(sizes, rows["latency_p50_ms"], marker, color=color, markerfacecolor=face, markersize=5, zorder=3)


def _name(ax: Axes, own: pd.DataFrame) -> None:
    """Name the extremes beside their marks; all names stand in the figure of the matrix."""
    extremes = {
        own[column].idxmin() if least else own[column].idxmax()
        for column, least in (("artefact_bytes", True), ("latency_p50_ms", True), ("latency_p50_ms", False))
    }
    low, high = ax.get_xlim()
    for index in sorted(extremes):
        row = own.loc[index]
        size, value = row["artefact_bytes"] / 1000, row["latency_p50_ms"]
        right = size * size < low * high  # left of the middle of a logarithmic axis
        ax.annotate(
            textwrap.fill(str(row["path_title"]), WIDE),
            (size, value),
            xytext=(6 if right else -6, 6),
            textcoords="offset points",
            ha="left" if right else "right",
            fontsize=style.NOTE_SIZE - 0.8,
            color=style.INK,
            annotation_clip=False,
        )
