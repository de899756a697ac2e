"""Written as each framework's users write it (DataLoader and a loop; Keras fit and tf.data): which is faster?"""

from __future__ import annotations

import pandas as pd

from analysis.figures import Drawing, Finding, _forest, _rows, _sets
from analysis.figures.performance_ratios import estimate, primary

SECTION = "performance"
ORDER = 11
REQUIRES = ("performance_ratios",)


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the forest of the idiomatic track; see :class:`analysis.figures.Drawing`."""
    data = primary(_sets.leading(tables["performance_ratios"], track="idiomatic")).reset_index(drop=True)
    good = _forest.settled(data)
    up, down = _forest.sides(good)
    lines, high, size = _forest.lay_out(data, lambda row: f"idiomatic, {row['environment'].replace('_', ' ')}")
    return Drawing(
        title=_title(len(good), up, down),
        subtitle=(
            "Speed of PyTorch (DataLoader, own loop, torch.compile) over TensorFlow (Keras fit, tf.data), input "
            "pipeline "
            f"included; {_rows.span(data)}; n = {len(good)} comparisons, {_sets.whose_words(data)}; bootstrap 95 % "
            "intervals"
            if len(data)
            else "Speed of PyTorch over TensorFlow, each as its users write it; n = 0 comparisons"
        ),
        limits=(
            "The two programs differ in more than the framework, so these ratios are never set beside the matched ones."
            if len(data)
            else "The idiomatic track has not been measured yet: run `snakemake --cores 2 measure --config "
            "preset=standard`."
        ),
        description=_description(data, good, up, down),
        data=_sets.told(data),
        draw=lambda figure: _forest.draw(figure, lines, high),
        sources=_sets.sources(data),
        size=size,
        finding=_finding(good, up, down) if len(good) else None,
    )


def _title(total: int, up: int, down: int) -> str:
    if not total:
        return "No idiomatic comparison has an interval yet"
    if not up + down:
        return f"No idiomatic program of {total} is shown to be faster"
    return f"Idiomatic PyTorch leads in {up}, TensorFlow in {down} of {total}"


def _finding(good: pd.DataFrame, up: int, down: int) -> Finding:
    low, high = good.loc[good["ratio"].idxmin()], good.loc[good["ratio"].idxmax()]
    words = f"{estimate(low)} ({low['workload_title']}) to {estimate(high)} ({high['workload_title']})"
    return Finding(
        "And if each is written as its users write it?",
        f"Of {len(good)} comparisons PyTorch is faster in {up}, TensorFlow in {down}; the ratios run from {words}.",
        f"PyTorch over TensorFlow: {estimate(low)} to {estimate(high)}, 95 % intervals",
        f"n = {len(good)} comparisons, {_rows.span(good)}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame, up: int, down: int) -> str:
    start = (
        "A forest chart on a logarithmic axis with a line at equal speed and a grey zone of ten per cent around it. "
        "Each "
        "row is one workload trained as the users of each framework write it, with that framework's own input "
        "pipeline. "
    )
    if good.empty:
        return start + f"No such comparison has an interval yet: the table holds {len(data)} rows of this track."
    first, last = good.iloc[0], good.iloc[-1]
    return start + (
        f"{up} of {len(good)} intervals lie wholly on PyTorch's side, {down} on TensorFlow's. The first row is "
        f"{estimate(first)} ({first['workload_title']}), the last {estimate(last)} ({last['workload_title']})."
    )
