"""What have others published, and where do our own measurements lie beside it?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _forest, _rows, _sets
from analysis.figures.performance_ratios import primary
from analysis.literature import names

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "literature"
ORDER = 1
REQUIRES = ("literature", "performance_ratios")

LEFT, RIGHT = 3.1, 1.75  # inches
ROW, TOP, BOTTOM, GAP = 0.178, 0.32, 0.34, 0.35  # inches; GAP in rows between two studies
MARKS = {"GPU": "o", "CPU": "s", "IPU": "^", "not stated": "x"}
OURS = ("eager", "function")  # the pair of modes that is laid beside
LINE = ["study", "phase", "model", "pytorch_mode", "tensorflow_mode"]


@dataclass(frozen=True)
class _Line:
    """One line: the published ratios of a model in one pair of modes, and ours where it matches."""

    y: float
    study: str
    label: str
    rows: pd.DataFrame
    ours: pd.DataFrame


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the forest of published results; see :class:`analysis.figures.Drawing`."""
    published = tables["literature"]
    published = published[published["ratio"].notna()].reset_index(drop=True)
    ours = _ours(tables["performance_ratios"])
    lines, high = _lay_out(published, ours)
    beside = pd.concat([line.ours for line in lines if len(line.ours)] or [ours.head(0)]).drop_duplicates()
    held = _held(lines)
    return Drawing(
        title=_title(published),
        subtitle=(
            "Speed of PyTorch over TensorFlow as published (right of the line PyTorch is faster); n = "
            f"{len(published)} ratios in "
            f"{published['study'].nunique()} "
            f"studies, {published['year'].min()} to {published['year'].max()}, each under its own conditions, never "
            "pooled; "
            f"◆ ours (eager / tf.function) for {len(beside)} workloads and phases, 95 % intervals"
            if len(published)
            else "Speed of PyTorch over TensorFlow as published; n = 0 ratios"
        ),
        limits=(
            "Published pairs differ in release, batch size, mode and machine and give no interval; ours are on another "
            "machine, "
            f"{_device(beside)}, and at other sizes, so they lie beside and test nothing."
            if len(published)
            else "The table literature holds no ratio yet: run `snakemake --cores 2 results/tables/literature.csv`."
        ),
        description=_description(published, beside, lines),
        data=_data(published, beside),
        draw=lambda figure: _draw(figure, lines, high),
        sources=("data/literature.csv", *(_sets.sources(beside) if len(beside) else ())),
        size=(7.0, high * ROW + TOP + BOTTOM if lines else 1.6),
        finding=_finding(published, beside, held) if len(published) else None,
    )


def _ours(ratios: pd.DataFrame) -> pd.DataFrame:
    rows = _forest.settled(primary(_sets.last_environment(_sets.leading(ratios))))
    mine = (rows["pytorch_mode"] == OURS[0]) & (rows["tensorflow_mode"] == OURS[1])
    return rows[mine].reset_index(drop=True)


def _device(rows: pd.DataFrame) -> str:
    names = sorted(rows["device"].dropna().astype(str).unique()) if "device" in rows else []
    return " and ".join("a GPU" if name.startswith("GPU") else "a CPU" for name in names) or "of another kind"


def _lay_out(published: pd.DataFrame, ours: pd.DataFrame) -> tuple[list[_Line], float]:
    lines, y, before, called = [], 0.0, "", names(published)
    for study, own in published.groupby("study", sort=False):
        y += GAP if lines else 0
        for _, rows in own.groupby(LINE, sort=False, dropna=False):
            first = rows.iloc[0]
            match = ours[(ours["workload"] == first["workload"]) & (ours["phase"] == first["phase"])]
            name = called[study] if before != study else ""
            lines.append(_Line(y + 0.5, name, f"{_short(first['model'])}, {_phase(first['phase'])}", rows, match))
            before, y = study, y + 1
    return lines, y


def _short(model: str) -> str:
    return model if len(model) <= 22 else re.split(r"[,(]", model)[0][:22]


def _phase(phase: str) -> str:
    return style.PHASE_LABELS.get(phase, phase)


def _title(published: pd.DataFrame) -> str:
    if published.empty:
        return "No published ratio has been read yet"
    return f"Published ratios run from {published['ratio'].min():.2f} to {published['ratio'].max():.2f}"


def _held(lines: list[_Line]) -> tuple[int, int]:
    """Return on how many lines ours overlaps the published range, and how many lines have ours."""
    met = [line for line in lines if len(line.ours)]
    inside = [
        line
        for line in met
        if line.ours["low"].iloc[0] <= line.rows["ratio"].max()
        and line.ours["high"].iloc[0] >= line.rows["ratio"].min()
    ]
    return len(inside), len(met)


def _finding(published: pd.DataFrame, beside: pd.DataFrame, held: tuple[int, int]) -> Finding:
    by_study = published.groupby("study")["ratio"]
    both = int(((by_study.min() < 1) & (by_study.max() > 1)).sum())
    words = (
        f" Our interval meets the published range on {held[0]} of the {held[1]} lines that it can be laid beside."
        if held[1]
        else ""
    )
    return Finding(
        "Do published comparisons agree?",
        f"No: single ratios run from {published['ratio'].min():.2f} to {published['ratio'].max():.2f}, and {both} of "
        f"{published['study'].nunique()} studies hold ratios on both sides of 1.{words}",
        f"no interval and no pooled number: {len(published)} ratios under unlike conditions",
        f"n = {len(published)} published ratios in {published['study'].nunique()} studies; {len(beside)} of ours "
        "beside them",
    )


def _description(published: pd.DataFrame, beside: pd.DataFrame, lines: list[_Line]) -> str:
    start = (
        "A forest chart on a logarithmic axis with a line at equal speed. Each line is one model, phase and pair of "
        "modes of "
        "one published study, and each small mark one published ratio of speed, PyTorch over TensorFlow, under its own "
        "conditions; the mark tells the kind of device. Diamonds with intervals are our own measurements of the like "
        "workload. "
    )
    if not lines:
        return start + "No published ratio has been read: 0 lines."
    low, high = published.loc[published["ratio"].idxmin()], published.loc[published["ratio"].idxmax()]
    first, last = published.iloc[0], published.iloc[-1]
    parts = [
        f"{name} {row['ratio']:.2f} ({row['model']}, {row['study']})"
        for name, row in (("The lowest is", low), ("the highest", high), ("the first", first), ("the last", last))
    ]
    return start + ", ".join(parts) + f". {len(beside)} of our own ratios are laid beside {len(lines)} lines."


def _data(published: pd.DataFrame, beside: pd.DataFrame) -> pd.DataFrame:
    columns = [*LINE, "year", "ratio", "hardware", "device", "batch_size", "precision", "versions", "evidence", "url"]
    mine = pd.DataFrame(
        {
            "study": beside["origin"] + " " + beside["machine"],
            **{name: beside.get(name) for name in ("phase", "pytorch_mode", "tensorflow_mode", "ratio", "low", "high")},
            "model": beside["workload_title"],
            "device": beside.get("device"),
            "batch_size": beside["batch_size"],
            "year": beside["date"].astype(str).str[:4],
        }
    )
    return pd.concat([published[columns], mine], ignore_index=True) if len(mine) else published[columns]


def _draw(figure: Figure, lines: list[_Line], high: float) -> None:
    wide, tall = figure.get_figwidth(), figure.get_figheight()
    ax = figure.add_axes((LEFT / wide, BOTTOM / tall, (wide - LEFT - RIGHT) / wide, (tall - TOP - BOTTOM) / tall))
    ax.set_ylim(high, 0)
    ax.set_yticks([])
    ratios = pd.concat([line.rows["ratio"] for line in lines])
    style.ratio_axis(ax, ratios.min(), ratios.max(), above="PyTorch", below="TensorFlow")
    _rows.above(ax, wide - LEFT - RIGHT + 0.08, "n, device, conditions")
    for line in lines:
        if line.study:
            _rows.beside(ax, 0.06 - LEFT, line.y, line.study, size=7.2)
        _rows.beside(ax, 1.5 - LEFT, line.y, line.label, size=6.8)
        _marks(ax, line)
        _rows.beside(ax, wide - LEFT - RIGHT + 0.08, line.y, _conditions(line), size=6.8, color=style.MUTED)


def _marks(ax: Axes, line: _Line) -> None:
    for device, own in line.rows.groupby("device", sort=False):
        ax.plot(
            own["ratio"],
            [line.y] * len(own),
            linestyle="none",
            marker=MARKS.get(device, "x"),
            markersize=3.4,
            color=style.MUTED,
            markerfacecolor="none",
            markeredgewidth=0.8,
            zorder=2,
        )
    for _, row in line.ours.iterrows():
        ax.plot([row["low"], row["high"]], [line.y] * 2, color=style.INK, linewidth=1.3, zorder=3)
        ax.plot(row["ratio"], line.y, marker="D", markersize=4.4, color=style.INK, zorder=4)


def _conditions(line: _Line) -> str:
    rows = line.rows
    devices = "/".join(dict.fromkeys(rows["device"].astype(str)))
    precisions = "/".join(dict.fromkeys(rows["precision"].dropna().astype(str)))
    modes = rows["tensorflow_mode"].dropna().astype(str)
    words = [str(len(rows)), devices, precisions, "TF: " + modes.iloc[0] if len(modes) else ""]
    text = ", ".join(word for word in words if word)
    text = text if len(text) <= 32 else text[:31] + "…"
    ours = "GPU" if line.ours["device"].astype(str).str.startswith("GPU").any() else "CPU" if len(line.ours) else ""
    return f"{', '.join(words[:2])}; ours {ours}" if ours else text
