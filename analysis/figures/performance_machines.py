"""Do other machines, and other runs, say the same?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _forest, _rows, _sets
from analysis.figures.performance_ratios import estimate, pair_label, primary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 1
REQUIRES = ("performance_ratios", "performance_machines")

LEFT, RIGHT = 1.95, 0.5  # inches
PAIRS = (("eager", "function"), ("compile", "xla"))
KEYS = ["workload", "workload_title", "phase", "pytorch_mode", "tensorflow_mode"]
MARKS = (("o", True), ("s", False), ("^", True), ("D", False), ("v", True), ("P", False), ("X", True), ("p", False))


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the sets side by side; see :class:`analysis.figures.Drawing`."""
    data = side_by_side(tables["performance_ratios"])
    sets = list(dict.fromkeys(data["set"]))
    agree, apart = _verdicts(data)
    lines, rows = _rows.lay_out(data.assign(batch_size=float("nan")), pair_label)
    about = "; ".join(f"{_letter(place)} {name}" for place, name in enumerate(sets))
    return Drawing(
        title=_title(len(sets), agree, apart),
        subtitle=(
            f"Speed of PyTorch over TensorFlow in {len(sets)} sets of measurements that are never pooled; n = "
            f"{len(data)} "
            f"ratios, {_rows.span(data)}; bootstrap 95 % intervals; sets: {about}"
            if len(data)
            else "Speed of PyTorch over TensorFlow, one set of measurements beside another; n = 0 ratios"
        ),
        limits=(
            "Sets may differ in preset, batch size and versions as well as in machine: the table of machines says how."
            if len(data)
            else "There is no second set of measurements yet: `python -m reproductions export` writes one on another "
            "machine; "
            "drop it into data/measurements and run `snakemake --cores 2`."
        ),
        description=_description(data, sets, agree, apart),
        data=_sets.told(data),
        draw=lambda figure: _draw(figure, lines, rows, sets),
        sources=_sets.sources(data),
        size=(7.0, _rows.height(rows, top=0.55) if lines else 1.6),
        finding=_finding(data, sets, agree, apart) if len(data) else None,
    )


def side_by_side(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the matched float32 comparisons that at least two sets hold, with ``set`` naming whose they are."""
    rows = _sets.filled(ratios)
    rows = rows[(rows["track"] == "matched") & (rows["precision"] == "float32")]
    wanted = [pair in PAIRS for pair in zip(rows["pytorch_mode"], rows["tensorflow_mode"], strict=True)]
    rows = _forest.settled(primary(rows[pd.Series(wanted, rows.index, dtype=bool)]))
    parts = [_sets.last_environment(own) for _, own in rows.groupby(_sets.SET, sort=False)]
    rows = pd.concat(parts, ignore_index=True) if parts else rows
    names = [
        f"{row['origin']}, {row['machine'] or 'this machine'} ({row['preset'] or 'no preset'})"
        for _, row in rows.iterrows()
    ]
    rows = rows.assign(set=pd.Series(names, rows.index, dtype=object))
    several = rows.groupby(KEYS, sort=False)["set"].transform("nunique") > 1 if len(rows) else []
    return rows[several].reset_index(drop=True) if len(rows) else rows.reset_index(drop=True)


def _verdicts(data: pd.DataFrame) -> tuple[int, int]:
    """Return the comparisons whose settled sets all take one side, and those whose settled sets take both."""
    agree = apart = 0
    for _, own in data.groupby(KEYS, sort=False):
        up, down = _forest.sides(own)
        apart += bool(up and down)
        agree += (up == len(own)) or (down == len(own))
    return agree, apart


def _letter(place: int) -> str:
    return chr(ord("A") + place)


def _title(sets: int, agree: int, apart: int) -> str:
    if sets < 2:
        return "Only one set of measurements can be shown yet"
    if apart:
        return f"Sets contradict each other in {apart} comparisons, agree in {agree}"
    return f"{sets} sets of measurements agree in {agree} comparisons"


def _finding(data: pd.DataFrame, sets: list[str], agree: int, apart: int) -> Finding:
    total = data.groupby(KEYS).ngroups
    spread = data.groupby(KEYS)["ratio"].agg(lambda values: values.max() / values.min()).max()
    machines = data["machine"].nunique()
    return Finding(
        "Is it the same on another machine?" if machines > 1 else "Does the same machine say it again?",
        f"Of {total} comparisons in at least two sets, {agree} are settled on one side in all of them and {apart} on "
        f"opposite sides; estimates of one comparison differ by a factor of {spread:.2f} at most.",
        f"no interval: largest quotient of two estimates {spread:.2f}",
        f"n = {len(data)} ratios in {len(sets)} sets of {machines} machine{'s' if machines > 1 else ''}",
    )


def _description(data: pd.DataFrame, sets: list[str], agree: int, apart: int) -> str:
    start = (
        "A forest chart on a logarithmic axis with a line at equal speed and a grey zone of ten per cent around it. "
        "Each row "
        "is one pair of modes in one workload and phase; each set of measurements has its own mark, so that this run "
        "and other sets, of this machine or of others, can be read side by side. "
    )
    if data.empty:
        return start + "Only 1 set or none can be shown yet."
    first, last = data.iloc[0], data.iloc[-1]
    return start + (
        f"{len(sets)} sets are drawn: {'; '.join(sets)}. {agree} comparisons are settled on one side in every set, "
        f"{apart} "
        f"on opposite sides. The first mark is {estimate(first)} ({first['workload_title']}, {first['set']}), the last "
        f"{estimate(last)} ({last['workload_title']}, {last['set']})."
    )


def _draw(figure: Figure, lines: list[_rows.Line], rows: float, sets: list[str]) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT, top=0.55)
    drawn = pd.concat([line.rows for line in lines if line.rows is not None])
    style.ratio_axis(ax, drawn["low"].min(), drawn["high"].max())
    step = 0.7 / max(len(sets), 2)
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        for _, row in line.rows.iterrows():
            place = sets.index(row["set"])
            marker, filled = MARKS[place % len(MARKS)]
            y = line.y + (place - (len(sets) - 1) / 2) * step
            color = style.INK if row["origin"] == _sets.THIS_RUN else style.MUTED
            ax.plot([row["low"], row["high"]], [y, y], color=color, linewidth=1.1, solid_capstyle="butt", zorder=2)
            face = color if filled else style.PAPER
            ax.plot(row["ratio"], y, marker=marker, markersize=4, color=color, markerfacecolor=face, zorder=3)
            label = (3, 0)
            ax.annotate(
                _letter(place),
                (row["high"], y),
                xytext=label,
                textcoords="offset points",
                fontsize=6.2,
                va="center",
                color=color,
            )
    words = "   ".join(f"{_letter(place)} {name.split(',')[0]}" for place, name in enumerate(sets))
    _rows._write(
        ax, (0, 18), words, (("axes fraction", "axes fraction"), 1), va="bottom", fontsize=7.2, color=style.MUTED
    )
