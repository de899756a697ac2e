"""The rows of every measured set, tidied and looked up by point and cell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from reproductions.spec import MODES, USUAL, Workload

THIS_RUN = "this run"
#: What makes two rows comparable, apart from the cell: a ratio is taken inside one point.
POINT = (
    *("origin", "machine", "preset", "data", "workload", "phase", "batch_size", "shape"),
    *("precision", "threads", "environment", "track"),
)
PHASES = ("train", "infer", "generate")
PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
#: What a row says where its table has no such column or value: tables of before know fewer axes.
DEFAULTS = {
    "origin": THIS_RUN,
    "machine": "",
    "preset": "",
    "data": "",
    "phase": "",
    "shape": "",
    "precision": "float32",
    "environment": "",
    "track": "matched",
    "version": "",
    "device": "CPU",
    "session": "",
    "status": "ok",
    "parity": "untested",
    "note": "",
    "flags": "",
    "date": "",
}
NUMBERS = (
    *("batch_size", "threads", "restart", "round", "steps", "wall_ms", "cpu_ms", "children_cpu_ms", "minor_faults"),
    *("pressure", "cold", "peak_host_mib", "peak_device_mib", "compiled_graphs", "difference", "tolerance", "energy_j"),
)


@dataclass(frozen=True)
class Point:
    """Where a cell was measured; the fields are :data:`POINT`."""

    origin: str
    machine: str
    preset: str
    data: str
    workload: str
    phase: str
    batch_size: int
    shape: str
    precision: str
    threads: int
    environment: str
    track: str

    @property
    def values(self) -> tuple:
        """Return the fields in the order of :data:`POINT`."""
        return tuple(getattr(self, name) for name in POINT)


Cell = tuple[str, str]  # framework, mode
#: The plan's order of cells.
ORDER = {(framework, mode): place for place, (framework, mode) in enumerate((f, m) for f in MODES for m in MODES[f])}


def tidy(rows: pd.DataFrame, workloads: Mapping[str, Workload] | None = None) -> pd.DataFrame:
    """Return the rows with every column that the tables read, texts without gaps and numbers as numbers."""
    rows, workloads = rows.copy(), workloads or {}
    for name, value in DEFAULTS.items():
        rows[name] = rows[name].astype(object).where(rows[name].notna(), value).astype(str) if name in rows else value
    rows.loc[rows["origin"] == "this machine", "origin"] = THIS_RUN
    for name in NUMBERS:
        rows[name] = pd.to_numeric(rows[name], errors="coerce") if name in rows else np.nan
    rows["threads"] = rows["threads"].fillna(1).astype(int)
    rows[["restart", "round", "children_cpu_ms"]] = rows[["restart", "round", "children_cpu_ms"]].fillna(0)
    declared = [
        workloads[name].batch_size.get(phase, 0) if name in workloads else 0
        for name, phase in zip(rows["workload"], rows["phase"], strict=True)
    ]
    rows["batch_size"] = rows["batch_size"].fillna(pd.Series(declared, rows.index)).astype(int)
    return rows.reset_index(drop=True)


class Measured:
    """Rows of one or more sets, indexed once; every question to them is then a look-up.

    rows       tidied rows, see :func:`tidy`
    workloads  the registry, for titles and order; a workload that it lacks is shown under its id
    """

    def __init__(self, rows: pd.DataFrame, workloads: Mapping[str, Workload]):
        self.rows, self.workloads = rows, workloads
        turns = rows.groupby(["restart", "session", "round"], sort=True).ngroup().to_numpy()
        self.turn, self.restart = turns, rows["restart"].to_numpy()
        self.values = {name: rows[name].to_numpy() for name in (*NUMBERS, "flags", "version", "device", "date", "note")}
        self.values["first_cpu_ms"] = self.values["cpu_ms"] + self.values["children_cpu_ms"]
        keys = [*POINT, "framework", "mode"]
        kind, fine = rows["kind"], rows["status"] == "ok"
        self._blocks = _positions(rows, (kind == "block") & fine, keys)
        self._firsts = _positions(rows, (kind == "first") & fine, keys)
        process = [name for name in keys if name not in ("phase", "batch_size", "shape")]
        self._memory = _positions(rows, kind == "memory", process)
        checked = [name for name in keys if name not in ("batch_size", "shape")]
        self._parity = _positions(rows, kind == "parity", checked)
        self._parity_at_any_threads = _positions(rows, kind == "parity", [n for n in checked if n != "threads"])
        self._faults = _positions(rows, ~fine, process)
        self.base, self.points = self._points()

    # -- what there is -------------------------------------------------------------------------------------------------
    def _points(self) -> tuple[set[Point], list[Point]]:
        seen: dict[Point, list[Cell]] = defaultdict(list)
        for key in {**self._blocks, **self._firsts}:
            cell = key[len(POINT) :]
            if cell not in seen[Point(*key[: len(POINT)])]:
                seen[Point(*key[: len(POINT)])].append(cell)
        for where in self._faults.values():
            for point, cell in self._failed_points(where, seen):
                if cell not in seen[point]:
                    seen[point].append(cell)
        base = self._base(seen)
        # A cell that the plan has in one environment is missing, not unknown, in another.
        planned: dict[tuple, dict[Cell, None]] = defaultdict(dict)
        for point in base:
            planned[_plan(point)] |= dict.fromkeys(seen[point])

        def cells_of(point: Point) -> Iterable[Cell]:
            if point not in base:
                return seen[point]
            # Every mode is planned in one environment; where only the usual ones were seen, no other was asked for.
            usual = USUAL.issuperset(seen[point])
            return [cell for cell in planned[_plan(point)] if not usual or cell in USUAL]

        self._cells = {point: sorted(cells_of(point), key=lambda c: ORDER.get(c, len(ORDER))) for point in seen}
        return base, sorted(seen, key=self._place)

    def _failed_points(self, where: np.ndarray, seen: Mapping[Point, list]) -> Iterable[tuple[Point, Cell]]:
        """Return the points that failures speak of: their own, or every one of the same processes."""
        for row in self.rows.iloc[where][[*POINT, "framework", "mode"]].itertuples(index=False):
            point, cell = Point(*row[: len(POINT)]), tuple(row[len(POINT) :])
            if point.phase:
                yield point, cell
                continue
            alike = [p for p in seen if replace(point, phase=p.phase, batch_size=p.batch_size) == p]
            if not alike and point.workload in self.workloads:
                declared = self.workloads[point.workload].batch_size
                alike = [replace(point, phase=phase, batch_size=size) for phase, size in declared.items()]
            yield from ((p, cell) for p in alike)

    def _base(self, seen: Mapping[Point, list[Cell]]) -> set[Point]:
        """Return the points of the plan itself: the batch size and the threads that most cells share, first in time."""
        batches: dict[tuple, dict[int, set]] = defaultdict(lambda: defaultdict(set))
        threads: dict[tuple, dict[int, set]] = defaultdict(lambda: defaultdict(set))
        for point, cells in seen.items():
            if not point.shape:
                batches[(*_series(point), point.phase)][point.batch_size] |= set(cells)
                threads[_series(point)][point.threads] |= set(cells)
        batch = {key: max(sizes, key=lambda size: len(sizes[size])) for key, sizes in batches.items()}
        count = {key: max(counts, key=lambda n: len(counts[n])) for key, counts in threads.items()}
        return {
            point
            for point in seen
            if not point.shape
            and point.batch_size == batch[(*_series(point), point.phase)]
            and point.threads == count[_series(point)]
        }

    def _place(self, point: Point) -> tuple:
        """Return where a point stands: plan order, this run before the sets that landed."""
        names = list(self.workloads)
        return (
            names.index(point.workload) if point.workload in names else len(names),
            point.workload,
            point.origin != THIS_RUN,
            point.machine,
            point.origin,
            _index(PHASES, point.phase),
            point.track != "matched",
            _index(PRECISIONS, point.precision),
            point.threads,
            point.shape,
            point.batch_size,
            point.environment,
        )

    def cells(self, point: Point, *frameworks: str) -> list[Cell]:
        """Return the cells of a point in the plan's order, of the named frameworks alone where some are named."""
        return [cell for cell in self._cells[point] if not frameworks or cell[0] in frameworks]

    def title(self, workload: str) -> str:
        """Return what the page calls a workload."""
        return self.workloads[workload].title if workload in self.workloads else workload

    # -- what was measured ---------------------------------------------------------------------------------------------
    def blocks(self, point: Point, cell: Cell) -> np.ndarray:
        """Return the positions of the finished blocks."""
        return self._blocks.get((*point.values, *cell), _NONE)

    def firsts(self, point: Point, cell: Cell) -> np.ndarray:
        """Return the positions of the first steps."""
        return self._firsts.get((*point.values, *cell), _NONE)

    def memory(self, point: Point, cell: Cell) -> np.ndarray:
        """Return the positions of what the processes said at their end."""
        return self._memory.get(_process(point, cell), _NONE)

    def pairs(self, point: Point, one: Cell, other: Cell) -> tuple[np.ndarray, np.ndarray]:
        """Return the positions of blocks that ran in the same round of the same processes, in the order of restarts."""
        ours, theirs = self.blocks(point, one), self.blocks(point, other)
        _, left, right = np.intersect1d(self.turn[ours], self.turn[theirs], return_indices=True)
        return ours[left], theirs[right]

    def by_restart(self, values: np.ndarray, positions: np.ndarray) -> dict[float, np.ndarray]:
        """Return ``{restart: values}``; ``values`` belong to the rows at ``positions``."""
        restarts = self.restart[positions]
        return {restart: values[restarts == restart] for restart in np.unique(restarts)}

    def status(self, point: Point, cell: Cell) -> tuple[str, str]:
        """Return the status of a cell at a point and the note that explains it."""
        for position in self._faults.get(_process(point, cell), _NONE):
            row = self.rows.iloc[position]
            if row["phase"] in ("", point.phase) and (
                not row["phase"] or (row["shape"], row["batch_size"]) == (point.shape, point.batch_size)
            ):
                return row["status"], row["note"]
        if len(self.blocks(point, cell)) or len(self.firsts(point, cell)) or len(self.memory(point, cell)):
            return "ok", ""
        return "untested", "not in this run's plan"

    def compared(self, point: Point, cell: Cell) -> np.ndarray:
        """Return the positions of the parity checks of a cell in a phase; another thread count does not change them."""
        key = tuple(getattr(point, name) for name in POINT if name not in ("batch_size", "shape", "threads"))
        exact = self._parity.get((*key[:7], point.threads, *key[7:], *cell))
        return self._parity_at_any_threads.get((*key, *cell), _NONE) if exact is None else exact

    def parity(self, point: Point, cell: Cell) -> str:
        """Return ``pass``, ``fail`` or ``untested``; ``not asked`` where each side is written as its users write it."""
        if point.track != "matched":
            return "not asked"
        where = self.compared(point, cell)
        found = set(self.rows["parity"].to_numpy()[where if len(where) else self.blocks(point, cell)])
        return "fail" if "fail" in found else "pass" if found == {"pass"} else "untested"

    def only(self, name: str, positions: np.ndarray) -> object:
        """Return the one value of a column, or all of them as text, or NaN."""
        return only(self.rows[name].iloc[positions])


_NONE = np.array([], dtype=int)


def only(values: pd.Series) -> object:
    """Return the one value of a column, or all of them as text, or NaN."""
    found = [value for value in values.dropna().unique() if value != ""]
    return found[0] if len(found) == 1 else ", ".join(map(str, found)) if found else np.nan


def _positions(rows: pd.DataFrame, chosen: pd.Series, keys: list[str]) -> dict[tuple, np.ndarray]:
    """Return ``{key: positions}`` of the chosen rows, in the order in which the keys appear."""
    where = np.flatnonzero(chosen.to_numpy())
    if not len(where):
        return {}
    own = rows.iloc[where]
    found = own.groupby(keys, sort=False, dropna=False).indices
    return {key: where[places] for key, places in sorted(found.items(), key=lambda item: item[1][0])}


def _index(order: tuple[str, ...], value: str) -> int:
    return order.index(value) if value in order else len(order)


def _process(point: Point, cell: Cell) -> tuple:
    return tuple(getattr(point, name) for name in POINT if name not in ("phase", "batch_size", "shape")) + cell


def _series(point: Point) -> tuple:
    return (point.origin, point.machine, point.preset, point.data, point.workload)


def _plan(point: Point) -> tuple:
    return (*_series(point), point.phase, point.precision, point.track)
