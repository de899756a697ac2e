"""What the judging functions share: asking for tables, cells out of rows, intervals of what was formed from cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from analysis.claims.rules import (
    AGREEING,
    AGREEMENT,
    OPEN,
    REFUTES,
    SUPPORTS,
    Cell,
    MissingEvidence,
    Rule,
    Step,
    side,
)
from analysis.measured_rows import once
from analysis.style import ADMITTED, ENVIRONMENT_LABELS, MODE_LABELS, PHASE_LABELS

Tables = Mapping[str, pd.DataFrame]
REPLICATES = 2000
#: A median or a slope over fewer workloads gets no interval: drawing anew would pretend to know how they vary.
MIN_WORKLOADS = 3
#: Share of disturbed pairs from which a measurement counts as taken on a busy machine.
BUSY = 0.25
Z = 1.959964


def need(tables: Tables, name: str, *columns: str) -> pd.DataFrame:
    """Return a table that has rows and these columns; raise MissingEvidence in words where it does not."""
    frame = tables.get(name)
    if frame is None:
        raise MissingEvidence(f"the table {name} has not been made")
    if absent := [column for column in columns if column not in frame]:
        raise MissingEvidence(f"the table {name} has no column {', '.join(absent)}")
    if frame.empty:
        raise MissingEvidence(f"the table {name} holds no row")
    return frame


def text(value: object) -> str:
    """Return a cell as text, "" where it is empty."""
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else str(value)


def number(value: object) -> float:
    """Return a cell as a number, nan where it is none."""
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return math.nan


def title(row: Mapping) -> str:
    """Return a workload's name, short: its title before the comma."""
    return (text(row.get("workload_title")) or text(row.get("workload")).replace("_", " ")).split(",")[0]


def percent(share: float) -> str:
    """Write a share as a percentage."""
    return f"{100 * share:.0f} %"


def ratios(tables: Tables) -> pd.DataFrame:
    """Return the speed ratios that count: measured, matched, parity shown, the primary clock, float32.

    ``ratio`` is PyTorch's speed over TensorFlow's. A mode that captured no operation is no such mode and is left out.
    """
    frame = need(
        tables, "performance_ratios", "workload", "phase", "batch_size", "environment", "pytorch_mode",
        "tensorflow_mode", "primary", "ratio", "low", "high", "parity", "status",
    )  # fmt: skip
    frame = once(_countable(frame))
    if frame.empty:
        raise MissingEvidence("no measured ratio is admitted: none was timed, or parity was not shown")
    return frame


def _countable(frame: pd.DataFrame) -> pd.DataFrame:
    keep = frame["primary"].astype(str).str.lower().eq("true") & frame["status"].eq("ok")
    keep &= frame["parity"].isin(ADMITTED) & pd.to_numeric(frame["ratio"], errors="coerce").notna()
    for column, value in (("track", "matched"), ("precision", "float32")):
        if column in frame:
            keep &= frame[column].fillna(value).eq(value)
    for column in ("flags", "note"):
        if column in frame:
            keep &= ~frame[column].astype(str).str.contains("no_op_mode|captured no operation", na=False)
    return frame[keep].reset_index(drop=True)


def sweeps(tables: Tables, axis: str) -> pd.DataFrame:
    """Return the admitted ratios along an axis (``value``), as :func:`ratios` admits them."""
    frame = need(
        tables, "performance_sweeps", "axis", "value", "workload", "phase", "batch_size", "environment", "pytorch_mode",
        "tensorflow_mode", "primary", "ratio", "low", "high", "parity", "status",
    )  # fmt: skip
    frame = once(_countable(frame[frame["axis"].eq(axis)]))
    if frame.empty:
        raise MissingEvidence(f"no ratio was measured along the axis {axis}")
    return frame


def busy(row: Mapping) -> float:
    """Return the share of a row's pairs that were disturbed, 0 where it is not told."""
    pairs, flagged = number(row.get("pairs")), number(row.get("flagged"))
    return flagged / pairs if pairs > 0 and flagged > 0 else 0.0


def ratio_cell(row: Mapping, supports: Rule, refutes: Rule, *, modes: bool = True, **other: str) -> Cell:
    """Return a measured ratio as a cell, judged by two rules."""
    value, low, high = (number(row.get(name)) for name in ("ratio", "low", "high"))
    parts = [title(row), PHASE_LABELS.get(text(row.get("phase")), text(row.get("phase"))), f"batch {_whole(row)}"]
    parts += [ENVIRONMENT_LABELS.get(text(row.get("environment")), text(row.get("environment")))]
    if modes:
        parts.append(
            " / ".join(MODE_LABELS.get(text(row.get(name)), "") for name in ("pytorch_mode", "tensorflow_mode"))
        )
    return Cell(
        name=", ".join(part for part in parts if part) + _whose(row),
        side=side(low, high, supports, refutes),
        value=value,
        low=low,
        high=high,
        unit="times TensorFlow's speed",
        n=", ".join(f"{number(row[name]):.0f} {name}" for name in ("pairs", "restarts") if number(row.get(name)) > 0),
        cluster=text(row.get("workload")),
        same="|".join(
            text(row.get(name)) for name in ("workload", "phase", "batch_size", "pytorch_mode", "tensorflow_mode")
        ),
        disturbed=busy(row),
        **({"table": "performance_ratios"} | where(row) | other),
    )


def _whole(row: Mapping) -> str:
    return f"{number(row.get('batch_size')):.0f}"


def _whose(row: Mapping) -> str:
    origin = text(row.get("origin"))
    return f" ({origin})" if origin and origin != "this run" else ""


def where(row: Mapping) -> dict[str, str]:
    """Return machine, device, date and note of a row, as far as it has them."""
    return {name: text(row.get(name)) for name in ("machine", "device", "date", "note")}


def measured(row: Mapping, tables: Tables) -> dict[str, str]:
    """Return machine, device, date and note of a row; what the row lacks is taken from the set that it belongs to."""
    about = where(row)
    frame = tables.get("performance_machines")
    if frame is None or "machine" not in frame or (about["date"] and about["device"]):
        return about
    sets = frame[frame["machine"].eq(about["machine"])]
    if "origin" in sets and text(row.get("origin")) in set(sets["origin"]):
        sets = sets[sets["origin"].eq(text(row.get("origin")))]
    if sets.empty:
        return about
    own = sets.iloc[0]
    return about | {
        "date": about["date"] or text(own.get("date")),
        "device": about["device"] or text(own.get("devices")),
    }


def on_gpu(row: Mapping) -> bool:
    """Return whether a row was measured on something else than a CPU."""
    return text(row.get("device")).lower() not in ("", "cpu")


# -- intervals of what is formed from cells ----------------------------------------------------------------------------
def quotient(above: Cell, below: Cell) -> tuple[float, float, float]:
    """Return (estimate, low, high) of one ratio over another, their errors added in squares on the logarithm.

    Both hold the same third side, whose error they share, so the interval is rather too wide than too narrow.
    """
    if not (above.value > 0 and below.value > 0):
        return math.nan, math.nan, math.nan
    centre = math.log(above.value / below.value)
    spread = math.hypot(_spread(above), _spread(below))
    return math.exp(centre), math.exp(centre - Z * spread), math.exp(centre + Z * spread)


def _spread(cell: Cell) -> float:
    return math.log(cell.high / cell.low) / (2 * Z) if cell.low > 0 and cell.high > 0 else math.nan


def drawn(
    cells: Sequence[Cell], statistic: Callable[[np.ndarray, np.ndarray], np.ndarray], seed: int = 0
) -> tuple[float, float, float]:
    """Return (estimate, low, high) of a statistic of log ratios, with workloads and their errors drawn anew.

    statistic  from log ratios (replicates, cells) and how often each counts (replicates, cells) to (replicates,)

    Workloads are drawn with replacement and all cells of one come together, because cells of one workload resemble
    each other; each log ratio is drawn from a normal distribution of its own interval. Without
    :data:`MIN_WORKLOADS` workloads there is no interval.
    """
    values = np.log([cell.value for cell in cells])
    once = np.ones((1, len(cells)))
    estimate = float(statistic(values[None, :], once)[0])
    names = sorted({cell.cluster for cell in cells})
    if len(names) < MIN_WORKLOADS:
        return estimate, math.nan, math.nan
    random = np.random.default_rng(seed)
    taken = random.integers(len(names), size=(REPLICATES, len(names)))
    times = (taken[:, :, None] == np.arange(len(names))).sum(axis=1)
    weights = times[:, [names.index(cell.cluster) for cell in cells]].astype(float)
    spreads = np.nan_to_num([_spread(cell) for cell in cells])
    found = statistic(values + spreads * random.standard_normal((REPLICATES, len(cells))), weights)
    low, high = np.nanquantile(found, [0.025, 0.975])
    return estimate, float(min(low, estimate)), float(max(high, estimate))


def median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted median of each row."""
    order = np.argsort(values, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(np.broadcast_to(weights, values.shape), order, axis=1), axis=1)
    place = np.argmax(sums >= sums[:, -1:] / 2, axis=1)
    return np.take_along_axis(values, np.take_along_axis(order, place[:, None], axis=1), axis=1)[:, 0]


def share_above_one(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Return the weighted share of the log ratios above 0 in each row."""
    return (np.broadcast_to(weights, values.shape) * (values > 0)).sum(axis=1) / weights.sum(axis=1)


def newcombe(first: tuple[float, float, float], second: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return (difference, low, high) of two shares given as (share, low, high) with Wilson intervals.

    Method 10 of R. G. Newcombe, Interval estimation for the difference between independent proportions, Statistics in
    Medicine 17 (1998) 873-890.
    """
    (a, a_low, a_high), (b, b_low, b_high) = first, second
    return a - b, a - b - math.hypot(a - a_low, b_high - b), a - b + math.hypot(a_high - a, b - b_low)


# -- downgrades that follow from the cells -----------------------------------------------------------------------------
def common_steps(cells: Sequence[Cell]) -> list[Step]:
    """Return the downgrades that the cells bring themselves: open ones, opposite ones, a busy machine."""
    steps = []
    if open_ := [cell for cell in cells if cell.side == "open"]:
        one = "one cell does not settle it" if len(cells) == 1 else f"{len(open_)} of {len(cells)} cells are open"
        steps.append(Step("imprecision", one))
    steps += inconsistent(cells)
    disturbed = [cell for cell in cells if cell.disturbed > BUSY]
    if cells and len(disturbed) / len(cells) > BUSY:
        many = f"{len(disturbed)} of {len(cells)} cells"
        steps.append(Step("bias", f"other work disturbed more than {percent(BUSY)} of the pairs in {many}"))
    return steps


def small_sizes(cells: Sequence[Cell]) -> list[Step]:
    """Return a downgrade where everything was measured on CPUs, at sizes that fit them."""
    devices = {cell.device.lower() for cell in cells if cell.device}
    return [Step("indirectness", "the sizes are those of a CPU, smaller than the published ones")] * (
        devices == {"cpu"}
    )


def agreeing(cells: Sequence[Cell]) -> list[Step]:
    """Return the one step upwards, where enough indicators of different sources lie on the same side."""
    sources = {cell.cluster for cell in cells if cell.cluster}
    if len(sources) < AGREEING or len({cell.side for cell in cells}) > 1 or cells[0].side == OPEN:
        return []
    return [Step(AGREEMENT, f"{len(sources)} indicators of different sources lie on the same side")]


def inconsistent(cells: Sequence[Cell]) -> list[Step]:
    """Return a downgrade where the same cell lies for a claim in one environment or run and against it in another.

    Cells of different models or modes may differ: that is a finding, not a doubt.
    """
    sides: dict[str, set[str]] = {}
    for cell in cells:
        if cell.same:
            sides.setdefault(f"{cell.group}|{cell.same}", set()).add(cell.side)
    opposite = sum({SUPPORTS, REFUTES} <= found for found in sides.values())
    reason = f"{opposite} of {len(sides)} settings change sides between environments or runs"
    return [Step("inconsistency", reason)] if opposite else []
