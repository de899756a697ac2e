"""Does a lower precision change which framework is faster?"""

from __future__ import annotations

import math

import pandas as pd

from analysis.figures import Drawing, Finding, _forest, _rows, _sets
from analysis.figures.performance_ratios import estimate, pair_label, primary, silent

SECTION = "performance"
ORDER = 8
REQUIRES = ("performance_ratios",)
FULL = "float32"
KEYS = ["origin", "machine", "preset", "workload", "phase", "batch_size", "pytorch_mode", "tensorflow_mode"]


def make(tables: dict[str, pd.DataFrame]) -> Drawing:
    """Return the ratios of each precision beside those in float32; see :class:`analysis.figures.Drawing`."""
    data = chosen(tables["performance_ratios"])
    good = _forest.settled(data)
    moved = shifts(good)
    lines, high, size = _forest.lay_out(data, lambda row: f"{row['precision']}, {pair_label(row)}")
    return Drawing(
        title=_title(moved),
        subtitle=(
            f"Speed of PyTorch over TensorFlow in each precision, the same network; {_rows.span(data)}; "
            f"n = {len(moved)} comparisons with float32, {_sets.whose_words(data)}; bootstrap 95 % intervals"
            if len(data)
            else "Speed of PyTorch over TensorFlow in each precision; n = 0 comparisons"
        ),
        limits=(
            "A processor without instructions for a precision emulates it; what a precision costs in accuracy is not "
            "shown here."
            if len(data)
            else "No lower precision has been measured yet: run `snakemake --cores 2 measure --config preset=standard`."
        ),
        description=_description(data, good, moved),
        data=_sets.told(data).assign(precision=data["precision"]),
        draw=lambda figure: _forest.draw(figure, lines, high),
        sources=_sets.sources(data),
        size=size,
        finding=_finding(moved) if len(moved) else None,
    )


def chosen(ratios: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of pairs of modes that were measured in more than one precision, float32 first, in plan order."""
    ratios = _sets.filled(ratios)
    names = dict.fromkeys([FULL, *ratios["precision"]])
    # Only sets that have both are asked for float32: this run may have nothing below it.
    both = ratios.groupby([*_sets.SET, "workload"])["precision"].transform("nunique") > 1
    found = [_sets.leading(ratios[both], precision=name) for name in names]
    rows = _sets.last_environment(primary(pd.concat(found, ignore_index=True)))
    if rows.empty:
        return rows
    rows = rows[~silent(rows)]
    rows = rows[rows["threads"] == rows.groupby("workload")["threads"].transform("min")]
    rows = rows[rows.groupby(KEYS, dropna=False)["precision"].transform("nunique") > 1]
    places = {key: place for place, key in enumerate(rows[KEYS].drop_duplicates().itertuples(index=False, name=None))}
    order = [places[key] for key in rows[KEYS].itertuples(index=False, name=None)]
    return rows.assign(place=order).sort_values("place", kind="stable").drop(columns="place").reset_index(drop=True)


def shifts(good: pd.DataFrame) -> pd.DataFrame:
    """Return a row a pair of modes and lower precision: ``low`` the row, ``full`` that of float32, and ``gains``.

    A side gains where the two intervals do not overlap, which is stricter than a test of their difference.
    """
    found = []
    for _, own in good.groupby(KEYS, sort=False, dropna=False):
        full = own[own["precision"] == FULL]
        for _, row in own[own["precision"] != FULL].iterrows() if len(full) == 1 else ():
            base = full.iloc[0]
            gains = "pytorch" if row["low"] > base["high"] else "tensorflow" if row["high"] < base["low"] else ""
            found.append({"lower": row, "full": base, "gains": gains})
    return pd.DataFrame(found, columns=["lower", "full", "gains"])


def _counts(moved: pd.DataFrame) -> tuple[int, int]:
    return int((moved["gains"] == "pytorch").sum()), int((moved["gains"] == "tensorflow").sum())


def _title(moved: pd.DataFrame) -> str:
    if moved.empty:
        return "No lower precision has an interval yet"
    up, down = _counts(moved)
    if not up + down:
        return f"A lower precision settles nothing in {len(moved)} comparisons"
    return f"Lower precision helps PyTorch in {up}, TensorFlow in {down} of {len(moved)}"


def _finding(moved: pd.DataFrame) -> Finding:
    up, down = _counts(moved)
    shift = [abs(math.log(row.lower["ratio"] / row.full["ratio"])) for row in moved.itertuples()]
    most = moved.iloc[shift.index(max(shift))]
    low, full = most["lower"], most["full"]
    return Finding(
        "Does a lower precision change which is faster?",
        f"Of {len(moved)} comparisons with float32 PyTorch gains in {up}, TensorFlow in {down}; the largest move is "
        f"from {estimate(full)} to {estimate(low)} ({low['workload_title']}, {_sets.phase(low)}, {low['precision']}).",
        f"PyTorch over TensorFlow: {estimate(full)} in float32, {estimate(low)} in {low['precision']}, 95 % intervals",
        f"n = {len(moved)} comparisons, {_rows.span(pd.DataFrame([low, full]))}",
    )


def _description(data: pd.DataFrame, good: pd.DataFrame, moved: pd.DataFrame) -> str:
    start = (
        "A forest chart on a logarithmic axis with a line at equal speed and a grey zone of ten per cent around it. "
        "Each pair of modes has a row in float32 and one for each lower precision below it. "
    )
    if moved.empty:
        return start + f"No such comparison has an interval yet: the table holds {len(data)} rows."
    up, down = _counts(moved)
    first = moved.iloc[0]
    return start + (
        f"Of {len(moved)} comparisons {up} move towards PyTorch and {down} towards TensorFlow by more than the "
        f"intervals. The first moves from {estimate(first['full'])} to {estimate(first['lower'])} "
        f"({first['lower']['precision']}); {len(good)} rows are drawn with an interval."
    )
