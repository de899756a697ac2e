"""How fast is PyTorch against TensorFlow on this machine, for each pair of modes?"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _rows, _sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SECTION = "performance"
ORDER = 0
REQUIRES = ("performance_ratios",)

LEFT, RIGHT = 1.95, 2.35  # inches for the labels and for the two columns of estimates
COLUMNS = {"as_shipped": 0.08, "tuned": 1.22}  # inches right of the panel
OFFSETS = {"as_shipped": -0.17, "tuned": 0.17}  # rows
NO_OP = "no_op_mode"  # the flag that says the same
SILENT = "is eager execution"  # how the measurements note a mode that captured no operation
METRICS = {"cpu": "CPU time", "wall": "wall-clock time"}


def primary(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the primary metric: the flagged ones, else CPU time where there is any, else wall time."""
    if "primary" in ratios:
        return ratios[ratios["primary"].astype(str).str.lower().isin({"true", "1", "1.0"})]
    metrics = set(ratios["metric"])
    return ratios[ratios["metric"] == ("cpu" if "cpu" in metrics else "wall")]


def admitted(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the rows whose two sides were shown to compute the same and whose interval was measured."""
    measured = ratios[["ratio", "low", "high"]].notna().all(axis=1)
    return ratios[(ratios["status"] == "ok") & (ratios["parity"] == "pass") & measured]


def silent(ratios: pd.DataFrame) -> pd.Series:
    """Return True for rows in which a compiled mode captured nothing, so that they repeat another row."""
    noted = ratios["note"].fillna("").astype(str).str.contains(SILENT, regex=False)
    return noted | ratios["flags"].astype(str).str.contains(NO_OP, regex=False) if "flags" in ratios else noted


def compared(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the admitted rows, each comparison once: without those of a mode that silently did nothing."""
    rows = admitted(ratios)
    return rows[~silent(rows)]


def pair_label(row: pd.Series) -> str:
    """Name the two modes of a comparison, PyTorch's first."""
    names = style.MODE_LABELS
    left, right = (row["pytorch_mode"], row["tensorflow_mode"])
    return f"{names.get(left, left)} / {'TF eager' if right == 'eager' else names.get(right, right)}"


def estimate(row: pd.Series) -> str:
    """Write a ratio with its interval, such as "1.42 [1.38, 1.47]", or say that it has none."""
    bounds = row[["low", "high"]]
    largest = row["ratio"] if bounds.isna().any() else row["high"]
    digits = 2 if largest < 10 else 1 if largest < 100 else 0
    if bounds.isna().any():
        return f"{row['ratio']:.{digits}f}, no interval"
    return f"{row['ratio']:.{digits}f} [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"


def where(row: pd.Series) -> str:
    """Say which comparison a row is."""
    environment = style.ENVIRONMENT_LABELS.get(row["environment"], row["environment"])
    return f"{row['workload_title']}, {style.PHASE_LABELS[row['phase']]}, {pair_label(row)}, {environment}"


@dataclass(frozen=True)
class Tally:
    """The admitted comparisons, counted by what their intervals allow to be said."""

    rows: pd.DataFrame
    metric: str
    pytorch: int
    tensorflow: int
    equal: int
    unsettled: int

    @classmethod
    def of(cls, data: pd.DataFrame) -> Tally:
        """Count the rows of the table of ratios."""
        rows = compared(data)
        words = [style.interval_words(*values) for values in rows[["ratio", "low", "high"]].itertuples(index=False)]
        sides = [sum(text.startswith(name) for text in words) for name in ("PyTorch", "TensorFlow")]
        equal = words.count("practically equal")
        metric = " and ".join(METRICS.get(m, m) for m in data["metric"].unique())
        return cls(rows, metric, *sides, equal, len(words) - sum(sides) - equal)

    def extremes(self) -> tuple[pd.Series, pd.Series]:
        """Return the rows with the lowest and the highest ratio."""
        return self.rows.loc[self.rows["ratio"].idxmin()], self.rows.loc[self.rows["ratio"].idxmax()]


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the forest of ratios; see :class:`analysis.figures.Drawing`."""
    data = primary(_sets.leading(tables["performance_ratios"])).reset_index(drop=True)
    tally = Tally.of(data)
    measured = data[(data["status"] == "ok") & (data["parity"] == "pass")]
    bare = bool((measured["ratio"].notna() & measured["low"].isna()).any())
    starred = silent(data)
    many = data["workload"].nunique() > _sets.MANY
    lines, rows = _rows.lay_out(data, lambda row: pair_label(row) + (" *" if starred[row.name] else ""))
    return Drawing(
        title=_title(tally),
        subtitle=(
            f"Speed of PyTorch over TensorFlow by {tally.metric}; {_rows.span(data)}; "
            f"n = {len(tally.rows)} of {(~starred).sum()} comparisons with a bootstrap 95 % interval"
            f"{_effort(tally.rows)}, {_sets.whose_words(data)}; rows: PyTorch mode / TensorFlow mode"
            f"{'; ● tuned, □ as shipped' if many else ''}"
            if len(data)
            else "Speed of PyTorch over TensorFlow; n = 0 comparisons"
        ),
        limits=(
            "One machine and these models only: a ratio says nothing about larger models, other batch sizes or other "
            f"processors.{' A cross has no interval, because one restart shows no spread.' if bare else ''}"
            f"{' Rows with * are not counted: their mode captured nothing and ran eagerly.' if starred.any() else ''}"
            if len(data)
            else "The table performance_ratios holds no row yet: run `snakemake --cores 2 measure` to fill it."
        ),
        description=_description(data, tally),
        data=_sets.told(data),
        draw=lambda figure: _multiples(figure, data) if many else _draw(figure, data, lines, rows),
        sources=_sets.sources(data),
        size=(7.0, _multiples_height(data) if many else _rows.height(rows) if lines else 1.6),
        finding=_finding(tally),
    )


def _title(tally: Tally) -> str:
    total = len(tally.rows)
    if not total:
        return "No comparison of speed has an interval yet"
    if not tally.pytorch + tally.tensorflow:
        return f"None of {total} comparisons shows a faster framework"
    if not tally.tensorflow or not tally.pytorch:
        name = "PyTorch" if tally.pytorch else "TensorFlow"
        return f"{name} is faster in {max(tally.pytorch, tally.tensorflow)} of {total} comparisons"
    return f"PyTorch leads in {tally.pytorch}, TensorFlow in {tally.tensorflow} of {total} comparisons"


def _effort(rows: pd.DataFrame) -> str:
    if not len(rows):
        return ""
    return f" from {_range(rows['pairs'])} pairs of blocks in {_range(rows['restarts'])} restarts each"


def _range(values: pd.Series) -> str:
    low, high = int(values.min()), int(values.max())
    return f"{low}" if low == high else f"{low}-{high}"


def _description(data: pd.DataFrame, tally: Tally) -> str:
    if not len(tally.rows):
        return (
            "A chart that would show, for each workload, phase and pair of modes, how fast PyTorch runs against "
            "TensorFlow, on a logarithmic axis with a line at equal speed. No comparison with passed "
            f"parity has been measured yet: the table holds {len(data)} rows, and none of them has an interval that "
            "may be shown."
        )
    (low, high), first, last = tally.extremes(), tally.rows.iloc[0], tally.rows.iloc[-1]
    return (
        f"A forest chart of {len(tally.rows)} ratios of speed by {tally.metric}, PyTorch over TensorFlow, on a "
        f"logarithmic axis with a line at 1 and a grey zone of ten per cent around it. {tally.pytorch} intervals lie "
        f"wholly on PyTorch's side, {tally.tensorflow} on TensorFlow's, {tally.equal} inside the zone of practical "
        f"equality, and {tally.unsettled} leave the direction open. The lowest ratio is {estimate(low)} "
        f"({where(low)}), the highest {estimate(high)} ({where(high)}). The first row is {estimate(first)} "
        f"({where(first)}), the last {estimate(last)} ({where(last)}). {len(data) - len(admitted(data))} rows have no "
        "interval that may be shown and say why in words."
    )


def _finding(tally: Tally) -> Finding:
    question = "Which of the two runs the same model faster?"
    if not len(tally.rows):
        return Finding(
            question,
            "Nothing can be said yet: no comparison with passed parity has an interval.",
            "no interval: fewer than two restarts, or nothing measured",
            "n = 0 comparisons",
        )
    low, high = tally.extremes()
    return Finding(
        question,
        f"It depends on mode and model: of {len(tally.rows)} comparisons PyTorch is faster in "
        f"{tally.pytorch}, TensorFlow in {tally.tensorflow}; {tally.equal} are practically equal and "
        f"{tally.unsettled} leave the direction open. The ratios run from {estimate(low)} ({where(low)}) to "
        f"{estimate(high)} ({where(high)}).",
        f"PyTorch over TensorFlow, {tally.metric}: {estimate(low)} to {estimate(high)}, 95 % intervals",
        f"n = {len(tally.rows)} comparisons, {_rows.span(tally.rows)}, "
        f"{_sets.whose_words(tally.rows)}{_effort(tally.rows)}",
    )


def _draw(figure: Figure, data: pd.DataFrame, lines: list[_rows.Line], rows: float) -> None:
    ax = _rows.panel(figure, lines, rows, left=LEFT, right=RIGHT)
    good = admitted(data)
    bare = data.loc[(data["status"] == "ok") & (data["parity"] == "pass"), "ratio"]
    drawn = pd.concat([good["low"], good["high"], bare]).dropna()
    style.ratio_axis(ax, drawn.min() if len(drawn) else 1, drawn.max() if len(drawn) else 1)
    edge = figure.get_figwidth() - LEFT - RIGHT
    for environment, inches in COLUMNS.items():
        sign = "●" if environment == "tuned" else "□"
        _rows.above(ax, edge + inches, f"{sign} {style.ENVIRONMENT_LABELS[environment]}")
    for line in lines:
        if line.rows is None:
            _rows.mask(ax, line)
            continue
        for environment, inches in COLUMNS.items():
            found = line.rows[line.rows["environment"] == environment]
            words = _row(ax, found.iloc[0], line.y) if len(found) else "not measured here"
            color = style.MUTED if words else style.INK
            _rows.beside(ax, edge + inches, line.y, words or estimate(found.iloc[0]), size=style.NOTE_SIZE, color=color)


def _row(ax: Axes, row: pd.Series, y: float) -> str:
    """Draw the interval of a row, or return the words for why it has none."""
    if words := _why(row):
        return words
    filled = row["environment"] == "tuned"
    y += OFFSETS.get(row["environment"], 0)
    if pd.isna(row["low"]) or pd.isna(row["high"]):
        ax.plot(row["ratio"], y, marker="x", markersize=4, color=style.MUTED, zorder=3)
        return estimate(row)
    ax.plot([row["low"], row["high"]], [y, y], color=style.INK, linewidth=1.3, solid_capstyle="butt", zorder=2)
    ax.plot(
        row["ratio"],
        y,
        marker="o" if filled else "s",
        markersize=4.6 if filled else 4.2,
        color=style.INK,
        markerfacecolor=style.INK if filled else style.PAPER,
        markeredgewidth=1.1,
        zorder=3,
    )
    return ""


# -- many workloads: a small panel each -------------------------------------------------------------------------------
SMALL = {"left": 1.62, "columns": 3, "row": 0.165, "heads": 0.62, "gap": 0.3}  # inches


def _kinds(data: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return the rows that all panels share: phase and pair of modes, in the order of the plan."""
    kinds = data[["phase", "pytorch_mode", "tensorflow_mode"]].drop_duplicates()
    place = {name: number for number, name in enumerate(style.PHASE_LABELS)}
    return list(
        kinds.sort_values("phase", key=lambda p: p.map(place), kind="stable").itertuples(index=False, name=None)
    )


def _multiples_height(data: pd.DataFrame) -> float:
    deep = -(-data["workload"].nunique() // SMALL["columns"])
    kinds = _kinds(data)
    rows = len(kinds) + 0.9 * len({phase for phase, *_ in kinds})
    return deep * (rows * SMALL["row"] + SMALL["heads"] + SMALL["gap"])


def _multiples(figure: Figure, data: pd.DataFrame) -> None:
    """Draw one panel a workload; all share their rows, which are named at the left."""
    kinds, good = _kinds(data), admitted(data)
    groups = [own for _, own in data.groupby("workload", sort=False)]
    wide, high = figure.get_figwidth(), figure.get_figheight()
    deep = -(-len(groups) // SMALL["columns"])
    width = (wide - SMALL["left"]) / SMALL["columns"]
    height = high / deep - SMALL["heads"] - SMALL["gap"]
    for place, own in enumerate(groups):
        row, column = divmod(place, SMALL["columns"])
        x, y = SMALL["left"] + column * width, high - row * high / deep - SMALL["heads"] - height
        ax = figure.add_axes((x / wide, y / high, (width - 0.12) / wide, height / high))
        style.ratio_axis(ax, good["low"].min() if len(good) else 1, good["high"].max() if len(good) else 1, words=False)
        ax.tick_params(axis="x", labelsize=7)
        first = own.iloc[0]
        owner = f" ({first['origin']})" if _sets.whose(first) else ""
        ax.set_title(textwrap.fill(f"{first['workload_title']}{owner}", 27), fontsize=7.2, linespacing=1.1)
        _small_panel(ax, own, kinds, named=column == 0)


def _small_panel(ax: Axes, own: pd.DataFrame, kinds: list[tuple[str, str, str]], *, named: bool) -> None:
    """Draw the rows of one workload: one path for all intervals and one for the marks of each environment."""
    y, before, drawn = 0.0, "", []
    for phase, ours, theirs in kinds:
        if phase != before:
            y, before = y + 0.9, phase
            if named:
                _rows.beside(ax, 0.06 - SMALL["left"], y - 0.4, style.PHASE_LABELS.get(phase, phase), size=7.4)
        modes = (own["phase"] == phase) & (own["pytorch_mode"] == ours) & (own["tensorflow_mode"] == theirs)
        rows = own[modes]
        if named:
            label = pair_label(pd.Series({"pytorch_mode": ours, "tensorflow_mode": theirs}))
            _rows.beside(ax, 0.14 - SMALL["left"], y + 0.5, label, size=6.8)
        words = [_why(row) for _, row in rows.iterrows()] or ["not planned"]
        drawn += [
            row.to_dict() | {"y": y + 0.5 + OFFSETS.get(row["environment"], 0)}
            for (_, row), reason in zip(rows.iterrows(), words, strict=False)
            if not reason
        ]
        if all(words):
            _rows.beside(ax, 0.04, y + 0.5, words[0], size=6.0, color=style.MUTED)
        y += 1
    ax.set_ylim(y, 0)
    ax.set_yticks([])
    if drawn:
        _small_marks(ax, pd.DataFrame(drawn))


def _small_marks(ax: Axes, rows: pd.DataFrame) -> None:
    settled = rows["low"].notna() & rows["high"].notna()
    _sets.bars(ax, rows.loc[settled, "y"], rows.loc[settled, "low"], rows.loc[settled, "high"], upright=False)
    tuned = rows["environment"] == "tuned"
    looks = {
        "o": (settled & tuned, {"markersize": 3.8, "color": style.INK}),
        "s": (settled & ~tuned, {"markersize": 3.4, "color": style.INK, "markerfacecolor": style.PAPER}),
        "x": (~settled, {"markersize": 3.4, "color": style.MUTED}),
    }
    for marker, (chosen, look) in looks.items():
        if chosen.any():
            ax.plot(rows.loc[chosen, "ratio"], rows.loc[chosen, "y"], marker, zorder=3, **look)


def _why(row: pd.Series) -> str:
    """Return the words for why a row has no value that may be shown, or ""."""
    words = style.state_words(row["status"], row["parity"], short=True)
    return words or ("not measured here" if pd.isna(row["ratio"]) else "")
