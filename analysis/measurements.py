"""From measured rows to the tables of the page: ratios with intervals, cells, sweeps, controls, parity, machines.

The estimator of a ratio is the median of paired block ratios: within one round, both sides' blocks of the same point
ran right after one another, so what disturbed one disturbed the other. Above 1, the side that is named first is faster;
see :mod:`analysis.resampling` for the interval. Rows of different sets (this run, one that landed in
``data/measurements``) are never pooled, not even where the machine is the same, and a ratio is taken inside one point
only: one set, workload, phase, batch size, shape, precision, number of threads, environment profile and track.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from analysis import references
from analysis.accuracies import accuracy, accuracy_differences
from analysis.literature import groups, literature, studies
from analysis.measured_rows import POINT, Cell, Measured, Point, only, tidy
from analysis.measured_sets import PIPELINE_COLUMNS, MeasuredSet, own_set
from analysis.resampling import MIN_RESTARTS, apart, bounds, draws, interval, replicates, restart_factor
from analysis.style import interval_words
from reproductions.errors import SurveyError
from reproductions.spec import FRAMEWORKS, MODES, Workload

__all__ = ["cells", "control", "interval", "ratios", "summarise", "sweeps", "write"]

BUSY = 0.10  # share of a block in which some process waited for a CPU
#: Flags that describe a mode and disturb no block.
STATES = {"no_op_mode"}
STEPS = (10, 100, 1000)  # lengths of a run at which the ratio is told with its first step
#: What a compiled mode is held against: the same framework without that compiler.
AGAINST = {
    ("pytorch", "compile"): ("pytorch", "eager"),
    ("tensorflow", "function"): ("tensorflow", "eager"),
    ("tensorflow", "xla"): ("tensorflow", "function"),
}


def summarise(
    results: Path,
    workloads: Mapping[str, Workload],
    data: Path,
    *,
    landed: Iterable[MeasuredSet] = (),
    known: Mapping[str, Workload] | None = None,
) -> dict[str, pd.DataFrame]:
    """Return the tables ``{name: DataFrame}`` made from this run and from the sets that landed.

    results    what the reproductions left: ``measurements/<id>.csv``, ``parity/<id>.json``, ``accuracy/<id>.csv``,
               ``datasets/<id>.json`` and ``machine.json``
    workloads  the workloads of this run
    data       the folder with ``reference_accuracies.csv``, ``literature.csv`` and ``literature_studies.csv``
    landed     sets of other runs, see :func:`analysis.measured_sets.landed_sets`
    known      every known workload, for titles; default: those of this run

    Where nothing was measured in ``results``, the tables of this run's machine and data are left out.

    Raises SurveyError where nothing landed either.
    """
    here = own_set(results, list(workloads)) if (results / "machine.json").exists() else None
    sets = [here, *landed] if here else [*landed]
    if not sets:
        raise SurveyError(f"{results}: nothing was measured here, and no set landed; run `snakemake --cores 8 measure`")
    known = dict(workloads) | dict(known or {})
    rows = tidy(pd.concat([found.rows for found in sets if len(found.rows)], ignore_index=True), known)
    trained = [found.accuracy for found in sets if len(found.accuracy)]
    raw = pd.concat(trained, ignore_index=True) if trained else pd.DataFrame(columns=_ACCURACY)
    measured = Measured(rows, known)
    compared = comparisons(measured)
    base = compared[compared["base"]].drop(columns="base").reset_index(drop=True)
    published = literature(data / "literature.csv")
    beside = references.references(sets, {name: workload.title for name, workload in known.items()})
    own = {"datasets": datasets(here.provenance), "machine": machine(here.card, here.rows)} if here else {}
    return own | {
        "performance_ratios": references.mark(_note_sides(base), beside),
        "performance_cells": _cells(measured),
        "performance_sweeps": _sweeps(measured, compared),
        "performance_control": _control(measured),
        "performance_machines": machines(sets),
        "performance_pipelines": _pipelines(sets),
        "performance_references": beside,
        "parity": parity(sets, rows),
        "accuracy": accuracy(raw, pd.read_csv(data / "reference_accuracies.csv")),
        "accuracy_differences": accuracy_differences(raw),
        "literature": published,
        "literature_studies": studies(published, data / "literature_studies.csv"),
        "literature_groups": groups(published),
    }


_ACCURACY = ["origin", "machine", "workload", "dataset", "who", "kind", "seed", "correct", "n_test", "epochs", "status"]


def write(tables: Mapping[str, pd.DataFrame], out: Path) -> None:
    """Write each table as CSV, atomically, floats with six significant digits."""
    from reproductions.files import write_text

    for name, table in tables.items():
        write_text(out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


# -- ratios ------------------------------------------------------------------------------------------------------------
def ratios(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return one row a base point, pair of modes and clock; plan order, failures included."""
    table = comparisons(Measured(tidy(rows, workloads), workloads))
    return _note_sides(table[table["base"]].drop(columns="base").reset_index(drop=True))


def comparisons(measured: Measured) -> pd.DataFrame:
    """Return PyTorch against TensorFlow at every point; ``base`` marks the points of the plan itself."""
    found = []
    for point in measured.points:
        for ours in measured.cells(point, "pytorch"):
            for theirs in measured.cells(point, "tensorflow"):
                about = _about(measured, point) | {"pytorch_mode": ours[1], "tensorflow_mode": theirs[1]}
                about["base"] = point in measured.base
                found += [about | row for row in _compare(measured, point, ours, theirs)]
    return pd.DataFrame(found, columns=[*_ABOUT, "pytorch_mode", "tensorflow_mode", "base", *_COMPARED])


_ABOUT = (*POINT[:5], "workload_title", *POINT[5:])
_COMPARED = (
    *("metric", "primary", "ratio", "low", "high", "pairs", "restarts", "wording"),
    *(f"{name}_{steps}" for steps in STEPS for name in ("ratio", "low", "high")),
    *("first_ms", "second_ms", "flagged", "flags", "parity", "status", "note", "date", "device"),
)


def _about(measured: Measured, point: Point) -> dict:
    facts = dict(zip(POINT, point.values, strict=True))
    return {name: measured.title(point.workload) if name == "workload_title" else facts[name] for name in _ABOUT}


def _compare(
    measured: Measured, point: Point, ours: Cell, theirs: Cell, *, above: str = "PyTorch", below: str = "TensorFlow"
) -> list[dict]:
    """Return what two cells say at one point, by CPU time and by wall-clock time; above 1 the first is faster."""
    first, second = measured.pairs(point, ours, theirs)
    sides = [(cell, measured.blocks(point, cell), measured.firsts(point, cell)) for cell in (ours, theirs)]
    everything = np.concatenate([part for _, blocks, firsts in sides for part in (blocks, firsts)])
    states = [measured.status(point, cell) for cell in (ours, theirs)]
    status, note = next((state for state in states if state[0] != "ok"), ("ok", ""))
    checks = [measured.parity(point, cell) for cell in (ours, theirs)]
    restarts = len(np.unique(measured.restart[first]))
    notes = [note, *_memory_notes(measured, point, ours, theirs)]
    pressure = measured.values["pressure"]
    if len(first) and np.median(np.nan_to_num(np.r_[pressure[first], pressure[second]])) > BUSY:
        notes.append("the machine was busy with other work")
    ends = np.concatenate([measured.memory(point, cell) for cell in (ours, theirs)])
    disturbances, states_said, flagged = _flags(measured, (first, second), ends)
    if flagged:
        notes.append(f"{flagged} of {len(first)} pairs disturbed: {', '.join(sorted(disturbances))}")
    if status == "ok" and restarts < MIN_RESTARTS:
        notes.append(f"no interval: {restarts} restart{'s' if restarts != 1 else ''}")
    device = "GPU" if any(str(name).startswith("GPU") for name in measured.values["device"][everything]) else "CPU"
    shared = {
        "pairs": len(first),
        "restarts": restarts,
        "flagged": flagged,
        "flags": ";".join(sorted(disturbances | states_said)),
        "parity": checks[0] if len(set(checks)) == 1 else "fail" if "fail" in checks else "untested",
        "status": status,
        "note": "; ".join(part for part in notes if part),
        "date": max(measured.values["date"][everything], default=""),
        "device": device,
    }
    found = []
    for metric in ("cpu", "wall"):
        times = [measured.values[f"{metric}_ms"][positions] for positions in (first, second)]
        primary = metric == ("cpu" if device == "CPU" and point.threads == 1 else "wall")
        split = measured.by_restart(times[1] / times[0], first)
        ratio, low, high = interval(list(split.values()))
        row = shared | {"metric": metric, "primary": primary, "ratio": ratio, "low": low, "high": high}
        row["wording"] = _words(ratio, low, high, above, below)
        row["first_ms"], row["second_ms"] = (float(np.median(values)) if len(values) else np.nan for values in times)
        if primary and len(first):
            row |= _with_first_step(measured, point, (ours, theirs), (first, second), metric)
        found.append(row)
    return found


def _words(ratio: float, low: float, high: float, above: str, below: str) -> str:
    if np.isnan(low):
        return "direction not settled"
    return interval_words(ratio, low, high, above=above, below=below)


def _memory_notes(measured: Measured, point: Point, *cells: Cell) -> list[str]:
    where = np.concatenate([measured.memory(point, cell) for cell in cells])
    return sorted({note for note in measured.values["note"][where] if note})


def _flags(
    measured: Measured, pairs: tuple[np.ndarray, np.ndarray], ends: np.ndarray
) -> tuple[set[str], set[str], int]:
    """Return what disturbed the paired blocks, what else the processes flagged, and how many pairs were disturbed.

    ends  positions of what the processes said at their end; a mode that did nothing disturbs no block
    """
    texts = measured.values["flags"]
    found = [{*str(texts[a]).split(";"), *str(texts[b]).split(";")} - {""} for a, b in zip(*pairs, strict=True)]
    said = {flag for text in texts[ends] for flag in str(text).split(";") if flag}.union(*found)
    disturbed = [flags - STATES for flags in found]
    return set().union(*disturbed), said & STATES, sum(map(bool, disturbed))


@dataclass(frozen=True)
class _Costs:
    """Medians of two cells as estimated and as drawn: a step of each (ms) and the first step of each (ms)."""

    step: tuple[float, float]
    first: tuple[float, float]
    drawn_step: tuple[np.ndarray, np.ndarray] | None
    drawn_first: tuple[np.ndarray | float, np.ndarray | float] | None


def _costs(measured: Measured, point: Point, cells: tuple[Cell, Cell], pairs, metric: str, *, cold: bool) -> _Costs:
    """Return the costs of two cells whose blocks are paired; restarts are drawn for both alike.

    cold  take the first step with an empty compile cache where one was measured (one a run, so it is not drawn);
          otherwise the warm one, and nothing is drawn
    """
    values = measured.values[f"{metric}_ms"]
    split = [measured.by_restart(values[positions], pairs[0]) for positions in pairs]
    step = tuple(float(np.median(values[positions])) for positions in pairs)
    names = list(split[0])
    enough = cold and len(names) >= MIN_RESTARTS
    drawn = draws(tuple(len(part) for part in split[0].values())) if enough else None
    # One factor for both sides, that of their ratio: what the machine did to both in a restart has to cancel out.
    factor = restart_factor([b / a for a, b in zip(*(part.values() for part in split), strict=True)]) if enough else 1.0
    first, drawn_first = [], []
    for cell in cells:
        where = measured.firsts(point, cell)
        times = measured.values["wall_ms" if metric == "wall" else "first_cpu_ms"][where]
        empty = measured.values["cold"][where] == 1
        if empty.any() and (cold or empty.all()):
            first.append(float(np.median(times[empty])))
            drawn_first.append(first[-1])
            continue
        times, restarts = times[~empty], measured.restart[where][~empty]
        first.append(float(np.median(times)) if len(times) else np.nan)
        if enough:
            each = np.array([np.median(times[restarts == r]) if (restarts == r).any() else first[-1] for r in names])
            alone = [each[place : place + 1] for place in range(len(each))]
            each = np.concatenate(apart(alone, restart_factor(alone)))
            drawn_first.append(np.median(each[drawn.restarts], axis=1))
    if not enough:
        return _Costs(step, tuple(first), None, None)
    return _Costs(
        step, tuple(first), tuple(replicates(list(part.values()), factor=factor) for part in split), tuple(drawn_first)
    )


def _with_first_step(measured: Measured, point: Point, cells: tuple[Cell, Cell], pairs, metric: str) -> dict:
    """Return the ratio over runs of a few lengths, the first step (tracing and compiling, empty cache) included."""
    costs, found = _costs(measured, point, cells, pairs, metric, cold=True), {}
    for steps in STEPS:
        ours, theirs = (first + (steps - 1) * step for first, step in zip(costs.first, costs.step, strict=True))
        found[f"ratio_{steps}"] = theirs / ours
        if costs.drawn_step is not None and not np.isnan(theirs / ours):
            totals = [f + (steps - 1) * s for f, s in zip(costs.drawn_first, costs.drawn_step, strict=True)]
            found[f"low_{steps}"], found[f"high_{steps}"] = bounds(totals[1] / totals[0], theirs / ours)
    return found


def _note_sides(table: pd.DataFrame) -> pd.DataFrame:
    """Say in the note where a settled ratio changes side between the environment profiles."""
    if table.empty:
        return table
    side = np.select([table["low"] > 1, table["high"] < 1], [1, -1], 0)
    keys = [*(name for name in POINT if name != "environment"), "pytorch_mode", "tensorflow_mode", "metric"]
    both = (
        table.assign(left=side == 1, right=side == -1).groupby(keys, dropna=False)[["left", "right"]].transform("any")
    )
    spread = both["left"] & both["right"]
    text = "changes side between the environment profiles"
    table.loc[spread, "note"] = table.loc[spread, "note"].map(lambda note: f"{note}; {text}" if note else text)
    return table


# -- sweeps ------------------------------------------------------------------------------------------------------------
def sweeps(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return the ratio along each axis that was swept; see :func:`_sweeps`."""
    measured = Measured(tidy(rows, workloads), workloads)
    return _sweeps(measured, comparisons(measured))


_KEYS = [*_ABOUT, "pytorch_mode", "tensorflow_mode"]
_SWEPT = ["axis", "value", *_KEYS, *_COMPARED[:8], "first_ms", "second_ms", "flags", "parity", "status", "note", "date"]


def _sweeps(measured: Measured, compared: pd.DataFrame) -> pd.DataFrame:
    """Return one row a value of an axis (``batch``, an input size such as ``tokens``, ``threads``) and pair of modes.

    A series holds everything else fixed. Threads are judged by wall-clock time, the other axes by the primary clock.
    The value of an input size at the base point is the preset's, as far as this version of the workload tells it.
    """
    if compared.empty:
        return pd.DataFrame(columns=_SWEPT)
    primary, wall = compared[compared["primary"]], compared[compared["metric"] == "wall"]
    shaped = primary.assign(sizes=[_sizes(measured, row) for row in primary.itertuples()])
    parts = [_series(primary, "batch", primary["batch_size"], ("batch_size",))]
    for axis in sorted({name for text in shaped["shape"] for name in _shape(text)}):
        own = shaped[[set(_shape(text)) <= {axis} for text in shaped["shape"]]]
        own = own.assign(value=own["sizes"].map(lambda sizes: sizes.get(axis, np.nan)))  # noqa: B023
        own = own[own["value"].notna()].drop(columns="sizes")
        parts.append(_series(own.drop(columns="value"), axis, own["value"], ("shape",)))
    parts.append(_series(wall, "threads", wall["threads"], ("threads", "device")))
    return pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True).reindex(columns=_SWEPT)


def _series(rows: pd.DataFrame, axis: str, values: pd.Series, varied: tuple[str, ...]) -> pd.DataFrame:
    """Return the rows of the series that hold at least two values of an axis."""
    fixed = [name for name in _KEYS if name not in varied]
    rows = rows.assign(axis=axis, value=values)
    rows = rows[rows.groupby(fixed, dropna=False)["value"].transform("nunique") > 1]
    order = {key: place for place, key in enumerate(rows[fixed].drop_duplicates().itertuples(index=False, name=None))}
    place = [order[key] for key in rows[fixed].itertuples(index=False, name=None)]
    return rows.assign(place=place).sort_values(["place", "value"], kind="stable").drop(columns="place")


def _shape(text: str) -> dict[str, float]:
    """Return ``{"tokens": 64.0}`` for "tokens=64"."""
    return {name: float(value) for name, _, value in (part.partition("=") for part in text.split(";")) if name}


def _sizes(measured: Measured, row) -> dict[str, float]:
    workload = measured.workloads.get(row.workload)
    preset = workload.presets.get(row.preset) if workload else None
    return {**(preset.sizes if preset else {}), **_shape(row.shape)}


# -- the control -------------------------------------------------------------------------------------------------------
_CONTROL = ["comparison", "first", "second", *_ABOUT, *_COMPARED]


def control(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return the comparisons with Keras; see :func:`_control`."""
    return _control(Measured(tidy(rows, workloads), workloads))


def _control(measured: Measured) -> pd.DataFrame:
    """Return Keras on PyTorch against Keras on TensorFlow (one source), and each framework against Keras on it."""
    torch, tensorflow = ("keras", "torch"), ("keras", "tensorflow")
    found = []
    for point in measured.points:
        there = measured.cells(point)
        pairs = [("one source, two back ends", torch, tensorflow)] if {torch, tensorflow} <= set(there) else []
        for backend, framework in ((torch, "pytorch"), (tensorflow, "tensorflow")):
            if backend in there:
                pairs += [("written natively or in Keras", cell, backend) for cell in measured.cells(point, framework)]
        for comparison, one, other in pairs:
            names = [_cell_words(*cell) for cell in (one, other)]
            about = {"comparison": comparison, "first": "-".join(one), "second": "-".join(other)}
            rows = _compare(measured, point, one, other, above=names[0], below=names[1])
            found += [about | _about(measured, point) | row for row in rows if row["primary"]]
    return pd.DataFrame(found, columns=_CONTROL)


def _cell_words(framework: str, mode: str) -> str:
    if framework == "keras":
        return f"Keras on {'PyTorch' if mode == 'torch' else 'TensorFlow'}"
    return f"{'PyTorch' if framework == 'pytorch' else 'TensorFlow'} {mode}"


# -- cells -------------------------------------------------------------------------------------------------------------
def cells(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return one row a base point, framework and mode."""
    return _cells(Measured(tidy(rows, workloads), workloads))


def _cells(measured: Measured) -> pd.DataFrame:
    found = [
        _about(measured, point) | _cell(measured, point, cell)
        for point in measured.points
        if point in measured.base
        for cell in measured.cells(point)
    ]
    return pd.DataFrame(found, columns=[*_ABOUT, *_CELL])


_CELL = (
    *("framework", "mode", "version", "device", "first_step_s", "first_step_cpu_s", "cold_first_step_s"),
    *("step_ms_p10", "step_ms_p50", "step_ms_p90", "cpu_ms_p50", "examples_per_s", "energy_j", "faults_per_step"),
    *("peak_host_mib", "peak_device_mib", "cpu_pressure_percent", "compiled_graphs", "blocks", "restarts", "flags"),
    *("against", "break_even_steps", "break_even_low", "break_even_high", "break_even", "break_even_warm"),
    *("parity", "parity_difference", "parity_tolerance", "status", "note", "date"),
)


def _cell(measured: Measured, point: Point, cell: Cell) -> dict:
    values, blocks, firsts = measured.values, measured.blocks(point, cell), measured.firsts(point, cell)
    memory, compared = measured.memory(point, cell), measured.compared(point, cell)
    cold = values["cold"][firsts] == 1
    step = np.quantile(values["wall_ms"][blocks], [0.1, 0.5, 0.9]) if len(blocks) else np.full(3, np.nan)
    status, note = measured.status(point, cell)
    flags = sorted({flag for text in values["flags"][np.r_[blocks, memory]] for flag in str(text).split(";") if flag})
    everything = np.concatenate([blocks, firsts, memory])
    found = {
        "framework": cell[0],
        "mode": cell[1],
        "version": measured.only("version", everything),
        "device": measured.only("device", everything),
        "first_step_s": _median(values["wall_ms"][firsts][~cold]) / 1e3,
        "first_step_cpu_s": _median(values["first_cpu_ms"][firsts][~cold]) / 1e3,
        "cold_first_step_s": _median(values["wall_ms"][firsts][cold]) / 1e3,
        "step_ms_p10": step[0],
        "step_ms_p50": step[1],
        "step_ms_p90": step[2],
        "cpu_ms_p50": _median(values["cpu_ms"][blocks]),
        "examples_per_s": point.batch_size / step[1] * 1e3,
        "energy_j": _median(values["energy_j"][blocks]),
        "faults_per_step": _median(values["minor_faults"][blocks]),
        "peak_host_mib": _largest(values["peak_host_mib"][memory]),
        "peak_device_mib": _largest(values["peak_device_mib"][memory]),
        "cpu_pressure_percent": 100 * _median(values["pressure"][blocks]),
        "compiled_graphs": _largest(values["compiled_graphs"][memory]),
        "blocks": len(blocks),
        "restarts": len(np.unique(measured.restart[blocks])),
        "flags": ";".join(flags),
        "parity": measured.parity(point, cell),
        "parity_difference": _largest(values["difference"][compared]),
        "parity_tolerance": _largest(values["tolerance"][compared]),
        "status": status,
        "note": "; ".join(part for part in [note, *_memory_notes(measured, point, cell)] if part),
        "date": max(values["date"][everything], default=""),
    }
    return found | _break_even(measured, point, cell)


def _median(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(np.median(values)) if len(values) else np.nan


def _largest(values: np.ndarray) -> float:
    values = values[~np.isnan(values)]
    return float(values.max()) if len(values) else np.nan


def _break_even(measured: Measured, point: Point, cell: Cell) -> dict:
    """Return after how many steps the longer first step of a compiled mode is paid back, wall-clock time.

    ``break_even`` is the same in words ("never" where a later step saves nothing); the numbers are empty for never.
    """
    against = AGAINST.get(cell)
    if against is None or against not in measured.cells(point):
        return {}
    pairs = measured.pairs(point, cell, against)
    found = {"against": against[1]}
    if not len(pairs[0]):
        return found
    costs = _costs(measured, point, (cell, against), pairs, "wall", cold=True)
    steps = float(_paid_back(costs.first, costs.step))
    low = high = np.nan
    if costs.drawn_step is not None:
        drawn = _paid_back(costs.drawn_first, costs.drawn_step)
        low, high = (np.nan, np.nan) if np.isnan(steps) or np.isnan(drawn).any() else bounds(drawn, steps)
    warm = _costs(measured, point, (cell, against), pairs, "wall", cold=False)
    return found | {
        "break_even_steps": steps if np.isfinite(steps) else np.nan,
        "break_even_low": low if np.isfinite(low) else np.nan,
        "break_even_high": high if np.isfinite(high) else np.nan,
        "break_even": steps_words(steps, low, high),
        "break_even_warm": steps_words(float(_paid_back(warm.first, warm.step)), np.nan, np.nan, bare=True),
    }


def _paid_back(first: tuple, step: tuple) -> np.ndarray:
    """Return the number of steps from which the first of two costs is no larger than the second; infinite for never.

    A mode that starts no later and saves nothing afterwards is ahead only at first, so it counts as never paid back.
    """
    cost, gain = np.subtract(first[0], first[1]), np.subtract(step[1], step[0])
    with np.errstate(divide="ignore", invalid="ignore"):
        found = np.where(gain > 0, np.maximum(1.0, np.ceil(1 + cost / gain)), np.inf)
    return np.where(np.isnan(cost) | np.isnan(gain), np.nan, found)


def steps_words(steps: float, low: float, high: float, *, bare: bool = False) -> str:
    """Write a break-even point, such as "1,230 [900, never]"; ``bare`` leaves the interval out."""

    def one(value: float) -> str:
        return f"{value:,.0f}" if np.isfinite(value) else "never"

    if np.isnan(steps):
        return ""
    if bare or {one(steps), one(low), one(high)} == {"never"}:
        return one(steps)
    return f"{one(steps)}, no interval" if np.isnan(low) else f"{one(steps)} [{one(low)}, {one(high)}]"


# -- the other tables --------------------------------------------------------------------------------------------------
_CHECKED = {"infer": "logits", "train": "logits and 20 losses", "generate": "generated tokens"}
_RUNGS = ("workload", "level", "pair", "what", "largest_difference", "tolerance", "status", "note")


def parity(sets: Iterable[MeasuredSet], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rungs of the eager pair and, for every measured cell, the check of its own mode."""
    found = []
    for own in sets:
        about = {"origin": own.origin, "machine": own.machine}
        checked = rows[(rows["kind"] == "parity") & (rows["origin"] == own.origin) & (rows["machine"] == own.machine)]
        for workload in dict.fromkeys([*own.parity, *checked["workload"]]):
            found += [about | rung for rung in own.parity.get(workload, {}).get("rows", [])]
            found += [
                about
                | {
                    "workload": workload,
                    "level": "L1" if row.phase == "infer" else "L1, L3",
                    "pair": f"pytorch-eager / {row.framework}-{row.mode}",
                    "what": f"{_CHECKED.get(row.phase, row.phase)} as measured, {row.environment}"
                    + (f", {row.precision}" if row.precision != "float32" else ""),
                    "largest_difference": row.difference,
                    "tolerance": row.tolerance,
                    "status": row.parity,
                    "note": row.note,
                }
                for row in checked[checked["workload"] == workload].itertuples()
            ]
    return pd.DataFrame(found, columns=["origin", "machine", *_RUNGS])


def datasets(provenance: Mapping[str, Mapping]) -> pd.DataFrame:
    """Return what each workload was run on and who served it; synthetic data have no provenance, only a description."""
    names = ("dataset", "title", "licence", "served_by", "fetched", "arrays_sha256", "split", "citation")
    found = []
    for workload, entry in provenance.items():
        counts = entry.get("examples") or {}
        found.append(
            {"workload": workload}
            | {name.removeprefix("arrays_"): entry.get(name, "") for name in names}
            | {"examples": ", ".join(f"{counts[part]:,} {part}" for part in ("train", "test") if part in counts)}
        )
    columns = ["workload", *(name.removeprefix("arrays_") for name in names[:6]), "examples", "split", "citation"]
    table = pd.DataFrame(found, columns=columns)
    table["examples"] = table["examples"].str.replace(" train", " training")
    return table


def machines(sets: Iterable[MeasuredSet]) -> pd.DataFrame:
    """Return one row a set: whose rows, which machine, which versions, which extent and when."""
    found = []
    for own in sets:
        rows, card = own.rows, own.card
        found.append(
            {
                "origin": own.origin,
                "machine": own.machine,
                **{
                    name: _plain(card.get(name))
                    for name in ("processor", "architecture", "cores_allowed", "memory_gib")
                },
                "gpus": _plain(card.get("gpus", [])),
                "system": _plain(card.get("system")),
                "python": _plain(card.get("python")),
                **{f"{name}_version": only(rows.loc[rows["framework"] == name, "version"]) for name in MODES},
                "devices": only(rows["device"]),
                "threads": only(rows["threads"]),
                "preset": only(rows["preset"]),
                "workloads": rows["workload"].nunique(),
                "blocks": int((rows["kind"] == "block").sum()),
                "failures": int((rows["status"] != "ok").sum()),
                "first_date": rows["date"].min(),
                "date": rows["date"].max(),
            }
        )
    return pd.DataFrame(found)


def _pipelines(sets: Iterable[MeasuredSet]) -> pd.DataFrame:
    found = [own.pipelines.assign(origin=own.origin, machine=own.machine) for own in sets if len(own.pipelines)]
    columns = ["origin", *PIPELINE_COLUMNS]
    return pd.concat(found, ignore_index=True).reindex(columns=columns) if found else pd.DataFrame(columns=columns)


def machine(card: Mapping[str, object], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the machine card with the versions and settings that the workers themselves reported."""
    items = {"name": card["machine"], "devices used": ", ".join(sorted(rows["device"].dropna().unique()))}
    for framework in FRAMEWORKS:
        items[f"{framework} version"] = only(rows.loc[rows["framework"] == framework, "version"])
    items = {key: value for key, value in items.items() if not (key == "keras version" and pd.isna(value))}
    items |= {
        "threads a process": only(rows["threads"]),
        "precision": only(rows["precision"]),
        "measured": f"{rows['date'].min()} to {rows['date'].max()}",
        "preset": only(rows["preset"]),
    }
    items |= {key.replace("_", " "): _plain(value) for key, value in card.items() if key != "machine"}
    return pd.DataFrame({"item": list(items), "value": [str(value) for value in items.values()]})


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value) or "none seen"
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not told by the system" if value is None else str(value)
