"""The control: the same Keras source on both back ends, and what writing natively changes."""

from __future__ import annotations

import pandas as pd

from analysis import style
from analysis.figures import Drawing, Finding, _forest, _rows, _sets
from analysis.figures.performance_ratios import estimate

SECTION = "performance"
ORDER = 10
REQUIRES = ("performance_control",)

MOST_USED = ("keras-torch", "pytorch-eager", "tensorflow-function")  # what is drawn where there are many workloads


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the forest of the comparisons with Keras; see :class:`analysis.figures.Drawing`."""
    data = _sets.last_environment(_sets.leading(tables["performance_control"]))
    data = data[data["threads"] == data.groupby("workload")["threads"].transform("min")] if len(data) else data
    if data["workload"].nunique() > _sets.MANY:
        data = data[data["first"].isin(MOST_USED)]
    data = data.reset_index(drop=True)
    good = _forest.settled(data)
    ends = good[good["first"] == "keras-torch"]
    up, down = _forest.sides(ends)
    lines, high, size = _forest.lay_out(data, _label)
    return Drawing(
        title=_title(len(ends), up, down),
        subtitle=(
            "Speed of the first over the second: Keras on PyTorch over Keras on TensorFlow, and each native mode over "
            "Keras "
            f"on it; {_rows.span(data)}; n = {len(good)} comparisons, {_sets.whose_words(data)}; bootstrap 95 % "
            "intervals"
            if len(data)
            else "Speed of one Keras source on both back ends; n = 0 comparisons"
        ),
        limits=(
            "Keras runs its PyTorch back end eagerly and its TensorFlow back end as a graph, so the modes differ."
            if len(data)
            else "The Keras control has not been measured yet: run `snakemake --cores 2 measure`."
        ),
        description=_description(data, good, ends, up, down),
        data=_sets.told(data),
        draw=lambda figure: _forest.draw(figure, lines, high, above="first faster", below="second faster"),
        sources=_sets.sources(data),
        size=size,
        finding=_finding(ends, up, down) if len(ends) else None,
    )


def _label(row: pd.Series) -> str:
    return f"{_cell(row['first'])} / {_cell(row['second'])}"


def _cell(name: str) -> str:
    framework, _, mode = str(name).partition("-")
    if framework == "keras":
        return "Keras on " + {"torch": "PT", "tensorflow": "TF"}.get(mode, mode)
    return style.MODE_LABELS.get(mode, mode) if mode != "eager" else {"pytorch": "PT eager"}.get(framework, "TF eager")


def _title(total: int, up: int, down: int) -> str:
    if not total:
        return "No comparison of Keras back ends has an interval yet"
    if not up + down:
        return f"Neither back end of Keras is shown faster in {total} comparisons"
    return f"Keras: PyTorch back end leads in {up}, TensorFlow's in {down}"


def _finding(ends: pd.DataFrame, up: int, down: int) -> Finding:
    low, high = ends.loc[ends["ratio"].idxmin()], ends.loc[ends["ratio"].idxmax()]
    return Finding(
        "Does one Keras source run alike on both back ends?",
        f"Of {len(ends)} comparisons of the same source the PyTorch back end is faster in {up}, the TensorFlow back "
        "end in "
        f"{down}; the ratios run from {estimate(low)} ({low['workload_title']}, {_sets.phase(low)}) to "
        f"{estimate(high)} "
        f"({high['workload_title']}, {_sets.phase(high)}).",
        f"PyTorch back end over TensorFlow back end: {estimate(low)} to {estimate(high)}, 95 % intervals",
        f"n = {len(ends)} comparisons, {_rows.span(ends)}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame, ends: pd.DataFrame, up: int, down: int) -> str:
    start = (
        "A forest chart on a logarithmic axis with a line at equal speed and a grey zone of ten per cent around it. "
        "For "
        "each workload and phase the first row sets one Keras source on PyTorch against the same source on TensorFlow; "
        "the "
        "rows below set the native programs of each framework against Keras on that framework. "
    )
    if good.empty:
        return start + f"No such comparison has an interval yet: the table holds {len(data)} rows."
    first, last = good.iloc[0], good.iloc[-1]
    return start + (
        f"{up} of {len(ends)} back-end comparisons lie wholly on PyTorch's side, {down} on TensorFlow's. The first row "
        "is "
        f"{estimate(first)} ({_label(first)}), the last {estimate(last)} ({_label(last)})."
    )
