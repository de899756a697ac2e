"""Which ways out of the frameworks work, and what does each cost: the matrix as a table to look at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.deployment import FRAMEWORKS
from analysis.figures import Drawing, Finding, _deployment

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = _deployment.SECTION
ORDER = 0
REQUIRES = ("deployment_paths", "deployment_counts")

LEFT, EDGE, TOP, BOTTOM = 2.62, 0.06, 0.62, 0.26  # inches
ROW, HEADING, BETWEEN = 0.178, 0.3, 0.1
#: Of a model's share of the width: what is written left and right of the panel of latencies.
SIZE, ACCURACY = 0.56, 0.5
LABEL = 7.2
COLUMNS = (
    *("machine", "date", "path", "path_title", "framework", "model", "model_title", "outcome", "status", "note"),
    *("artefact_bytes", "latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms", "accuracy", "quantized"),
)


@dataclass(frozen=True)
class Line:
    """A row of the picture: a path, or the heading of a framework (``path`` is None); ``y`` in inches from the top."""

    y: float
    label: str
    path: str | None


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the matrix; see :class:`analysis.figures.Drawing`."""
    every = tables["deployment_paths"]
    one = _deployment.last_machine(every)
    counts = _deployment.last_machine(tables["deployment_counts"])
    lines, height = lay_out(one)
    models = one["model"].nunique()
    return Drawing(
        title=_title(counts),
        subtitle=(
            "Artefact in kB, dot: median latency of one row in ms on one thread with its bootstrap 95 % interval, "
            f"accuracy on the real test set; open: fewer bits; n = {one['path'].nunique()} paths, {models} models, "
            f"{_deployment.machine_words(_deployment.when(one))}{_deployment.beyond(every, one)}"
            f"{_deployment.smoke(one)}"
            if len(one)
            else "Status, size, latency and accuracy of every deployment path; n = 0 paths"
        ),
        limits=(
            "Two small models on one machine: fixed costs of a runtime weigh more here than with large models, and "
            "dots that are close are not told apart. Why a path has no number stands below, path by path."
            if len(one)
            else _deployment.absent("deployment_paths")
        ),
        description=_description(one, counts),
        data=one.reindex(columns=list(COLUMNS)),
        draw=lambda figure: _draw(figure, one, lines, height),
        sources=_deployment.measured_on(_deployment.when(one)),
        size=(7.0, TOP + height + BOTTOM if lines else 1.6),
        finding=_finding(counts) if len(counts) else None,
    )


def lay_out(one: pd.DataFrame) -> tuple[list[Line], float]:
    """Return the rows in the order of the registry under a heading each framework, and their height in inches."""
    lines, y = [], 0.0
    for framework, own in one.groupby("framework", sort=False):
        lines.append(Line(y + HEADING / 2, f"From {FRAMEWORKS[framework]}", None))
        y += HEADING
        for path, rows in own.groupby("path", sort=False):
            lines.append(Line(y + ROW / 2, rows.iloc[0]["path_title"], path))
            y += ROW
        y += BETWEEN
    return lines, max(0.0, y - BETWEEN)


def ends(counts: pd.DataFrame) -> dict[str, int]:
    """Return how the paths of a machine ended, each counted once with each model."""
    names = ("tried", "ok", "expected", "failed", "wrong", "unsupported")
    found = {name: int(counts[name].sum()) for name in names}
    return found | {"outside": int(counts[["skipped", "not_tried"]].to_numpy().sum())}


def _title(counts: pd.DataFrame) -> str:
    if counts.empty:
        return "No deployment path has been tried here yet"
    found = ends(counts)
    return f"{found['ok']} of {found['tried']} pairs of path and model answer rightly"


def _finding(counts: pd.DataFrame) -> Finding:
    found = ends(counts)
    by = [f"{row['framework_title']} {row['ok']} of {row['tried']}" for _, row in counts.iterrows()]
    return Finding(
        "Which ways out of the frameworks work?",
        f"Of {found['tried']} paths, each counted once a model, {found['ok']} export, run and answer as the framework "
        f"does; {found['expected']} fail as upstream reports say, {found['failed']} fail otherwise, {found['wrong']} "
        f"give wrong numbers, {found['unsupported']} are not supported.",
        f"{'; '.join(by)}; counts, so no interval",
        f"n = {found['tried']} tried, {found['outside']} not tried or not measured here, "
        f"{_deployment.machine_words(counts)}",
    )


def _description(one: pd.DataFrame, counts: pd.DataFrame) -> str:
    if one.empty:
        return _deployment.nothing("status, size, latency and accuracy of each deployment path with each model")
    found, good = ends(counts), one[(one["status"] == "ok") & one["latency_p50_ms"].notna()]
    start = (
        "A table with one row for each deployment path, grouped by the framework that the model comes from, and for "
        "each model the size of the artefact, a dot for the median latency of one row on a logarithmic axis, and the "
        f"accuracy. Of {found['tried']} paths tried, each counted once a model, {found['ok']} answer rightly; a path "
        "without numbers says in words how it ended. "
    )
    if good.empty:
        return start + "No latency was measured."
    low, high = good.loc[good["latency_p50_ms"].idxmin()], good.loc[good["latency_p50_ms"].idxmax()]
    named = (("first", good.iloc[0]), ("last", good.iloc[-1]), ("lowest", low), ("highest", high))
    return start + "; ".join(
        f"{name} {_deployment.number(row['latency_p50_ms'])} ms ({row['path_title']}, {row['model_title']})"
        for name, row in named
    ) + "."  # fmt: skip


def _draw(figure: Figure, one: pd.DataFrame, lines: list[Line], height: float) -> None:
    wide, high = figure.get_figwidth(), figure.get_figheight()
    models = list(one["model"].unique())
    share = (wide - LEFT - EDGE) / len(models)
    for number, model in enumerate(models):
        rows = one[one["model"] == model].drop_duplicates("path").set_index("path")
        left = LEFT + number * share
        ax = figure.add_axes(
            (
                *((left + SIZE) / wide, (high - TOP - height) / high),
                *((share - SIZE - ACCURACY) / wide, height / high),
            )
        )
        ax.set_ylim(height, 0)
        ax.set_yticks([])
        ax.grid(visible=True, axis="x")
        ax.grid(visible=False, axis="y")
        ends_ms = rows[["latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms"]].to_numpy().ravel()
        _deployment.log_axis(ax, ends_ms, unit="ms", room=1.5, few=True)
        _heads(ax, share, rows.iloc[0]["model_title"])
        if number == 0:
            _deployment.key(ax, list(one["framework"].unique()), "open: fewer bits", lift=30)
        _rows(ax, rows, lines, share)
        if number == 0:
            _labels(ax, lines)


def _heads(ax: Axes, share: float, title: str) -> None:
    panel = share - SIZE - ACCURACY
    _write(ax, -SIZE + 0.06, 1, title, lift=16, fontweight="bold", fontsize=8)
    for x, words, align in ((-0.08, "kB", "right"), (0, "latency", "left"), (panel + ACCURACY - 0.1, "%", "right")):
        _write(ax, x, 1, words, lift=4, ha=align, fontsize=style.NOTE_SIZE - 0.6, color=style.MUTED)


def _labels(ax: Axes, lines: list[Line]) -> None:
    for line in lines:
        heavy = line.path is None
        weight, size = ("bold", 8.2) if heavy else ("normal", LABEL)
        _beside(ax, 0.06 - LEFT - SIZE, line.y, line.label, fontweight=weight, fontsize=size)


def _rows(ax: Axes, rows: pd.DataFrame, lines: list[Line], share: float) -> None:
    """Draw a model's column: one path of intervals and one row of marks for each framework and filling."""
    marks: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    intervals: dict[str, tuple[list[float], list[float]]] = {}
    panel = share - SIZE - ACCURACY
    for line in lines:
        if line.path is None:
            ax.axhspan(line.y - HEADING / 2, line.y + HEADING / 2 - 0.02, color=style.PAPER, linewidth=0, zorder=1.4)
            continue
        if line.path not in rows.index:
            _beside(ax, -SIZE + 0.06, line.y, "not part of this model", fontsize=LABEL - 0.4, color=style.MUTED)
            continue
        row = rows.loc[line.path]
        if row["status"] != "ok" or pd.isna(row["latency_p50_ms"]):
            _beside(ax, -SIZE + 0.06, line.y, row["outcome"], fontsize=LABEL - 0.4, color=style.MUTED, back=True)
            continue
        _beside(ax, -0.08, line.y, f"{row['artefact_bytes'] / 1000:,.0f}", ha="right", fontsize=LABEL)
        accuracy = f"{100 * row['accuracy']:.1f}"
        _beside(ax, panel + ACCURACY - 0.1, line.y, accuracy, ha="right", fontsize=LABEL)
        open_mark = row["quantized"] == "yes"
        marks.setdefault((row["framework"], open_mark), []).append((row["latency_p50_ms"], line.y))
        if pd.notna(row["latency_p50_low_ms"]):
            xs, ys = intervals.setdefault(row["framework"], ([], []))
            xs.extend((row["latency_p50_low_ms"], row["latency_p50_high_ms"], float("nan")))
            ys.extend((line.y, line.y, float("nan")))
    for framework, (xs, ys) in intervals.items():
        ax.plot(xs, ys, color=_deployment.COLORS[framework], linewidth=1.5, alpha=0.55, zorder=2)
    for (framework, open_mark), points in marks.items():
        color = _deployment.COLORS[framework]
        face = style.PAPER if open_mark else color
        marker = _deployment.MARKERS[framework]
        ax.plot(*zip(*points, strict=True), marker, color=color, markerfacecolor=face, markersize=4, zorder=3)


def _beside(ax: Axes, inches: float, y: float, words: str, *, back: bool = False, **text: object) -> None:
    """Write at height ``y``, ``inches`` right of the panel's left edge; ``back`` takes away the grid behind it."""
    look = {"va": "center", "color": style.INK} | text
    if back:
        look["bbox"] = {"facecolor": style.PAPER, "edgecolor": "none", "pad": 0.6}
    ax.annotate(
        words,
        (0, y),
        xycoords=("axes fraction", "data"),
        xytext=(72 * inches, 0),
        textcoords="offset points",
        annotation_clip=False,
        **look,
    )


def _write(ax: Axes, inches: float, y: float, words: str, *, lift: float, **text: object) -> None:
    """Write above the panel, ``inches`` right of its left edge, ``lift`` points above its top."""
    ax.annotate(
        words,
        (0, y),
        xycoords="axes fraction",
        xytext=(72 * inches, lift),
        textcoords="offset points",
        annotation_clip=False,
        va="bottom",
        **text,
    )
