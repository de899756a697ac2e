"""Measuring one workload: a process a cell, alternating blocks, warm-up, first step apart, resumption.

Restarts of the worker processes are the outer unit, rounds of blocks the inner one. In a round every cell runs one
block of each phase, in an order that is reversed from round to round (A B C, C B A), so that drift of the machine hits
all alike. Cells are compared within a round only. Method and its trial: see the README of this folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from reproductions import environments, machine, parity
from reproductions.client import Runtime, Worker
from reproductions.devices import EnergyMeter
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import sha256, write_csv
from reproductions.journal import Journal
from reproductions.spec import FRAMEWORKS, MODES, PRECISIONS, Cell, Point, Preset, Workload

log = logging.getLogger(__name__)

#: Warm-up ends when two consecutive blocks agree within this share, or after the bound.
WARM_UP_AGREEMENT = 0.05
WARM_UP_BLOCKS = 6
#: Batches at a point of a sweep: what is timed there depends on shapes.
SWEPT_BATCHES = 2
#: Instructions that make bfloat16 worth measuring on a CPU.
BFLOAT16_EXTENSIONS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
#: A block is cut to fewer steps for a cell that would need longer than this; at least one step is run.
BLOCK_SECONDS = 0.4

COLUMNS = (
    "machine",
    "workload",
    "data",
    "preset",
    "track",
    "kind",
    "phase",
    "batch_size",
    "shape",
    "environment",
    "framework",
    "version",
    "mode",
    "precision",
    "device",
    "threads",
    "seed",
    "restart",
    "round",
    "session",
    "steps",
    "wall_ms",
    "cpu_ms",
    "children_cpu_ms",
    "minor_faults",
    "major_faults",
    "involuntary_switches",
    "pressure",
    "cold",
    "peak_host_mib",
    "peak_device_mib",
    "compiled_graphs",
    "compilations",
    "energy_j",
    "flags",
    "difference",
    "tolerance",
    "parity",
    "status",
    "note",
    "origin",
    "date",
)


@dataclass(frozen=True)
class Options:
    """What the caller decides about a measurement.

    runtime       data, threads, device and interpreters of the processes
    folder        where journals and compile caches live while a run is unfinished
    environments  profiles to use; None takes the preset's
    seed          of initial weights and data order
    data          id of the data set, for the rows
    """

    runtime: Runtime
    folder: Path
    environments: tuple[str, ...] | None = None
    seed: int = 1
    data: str = ""


@dataclass(frozen=True, order=True)
class Block:
    """One cell's turn at one point in one round: the unit that is never measured twice."""

    environment: str
    threads: int
    restart: int
    round: int
    phase: str
    batch_size: int
    shape: str
    framework: str
    mode: str
    precision: str

    @property
    def cell(self) -> Cell:
        """Return whose turn it is."""
        return Cell(self.framework, self.mode, self.precision)

    @property
    def point(self) -> Point:
        """Return where on the axes."""
        pairs = (pair.split("=") for pair in self.shape.split(";") if pair)
        return Point(self.phase, self.batch_size, tuple((name, int(value)) for name, value in pairs))


@dataclass(frozen=True, order=True)
class Setting:
    """What a set of worker processes has in common: profile and threads."""

    environment: str
    threads: int


def settings(preset: Preset, options: Options) -> list[Setting]:
    """Return the settings in order: every profile at the run's threads, then the other counts in the last profile."""
    environments = options.environments or preset.environments
    own = options.runtime.threads
    found = [Setting(environment, own) for environment in environments]
    return found + [Setting(environments[-1], threads) for threads in preset.threads if threads != own]


def _cells(preset: Preset, setting: Setting, options: Options) -> tuple[Cell, ...]:
    """Return who is measured in a setting: with other thread counts the matched float32 modes of both frameworks."""
    if setting.threads == options.runtime.threads:
        return preset.cells(setting.environment)
    return tuple(cell for cell in preset.modes if cell.framework in FRAMEWORKS and cell.track == "matched")


def _points(preset: Preset, cell: Cell, setting: Setting, options: Options) -> tuple[Point, ...]:
    if setting.threads == options.runtime.threads:
        return preset.points(cell, setting.environment)
    return preset.base_points


def plan(workload: Workload, preset: Preset, options: Options) -> list[Block]:
    """Return every block in the order of execution; the profiles asked for take the place of the preset's."""
    preset = replace(preset, environments=options.environments or preset.environments)
    blocks = []
    for restart in range(preset.restarts):
        for setting in settings(preset, options):
            cells = _cells(preset, setting, options)
            reached = {cell: _points(preset, cell, setting, options) for cell in cells}
            points = list(dict.fromkeys(point for cell in cells for point in reached[cell]))
            for number in range(preset.rounds):
                turn = cells if number % 2 == 0 else cells[::-1]
                blocks += [
                    Block(
                        setting.environment,
                        setting.threads,
                        restart,
                        number,
                        point.phase,
                        point.batch_size,
                        point.label,
                        cell.framework,
                        cell.mode,
                        cell.precision,
                    )
                    for point in points
                    for cell in turn
                    if point in reached[cell]
                ]
    return blocks


def fingerprint(workload: Workload, preset: Preset, options: Options) -> str:
    """Return a short hash of everything that decides what is measured; a journal of another one is not continued."""
    code = [sha256(path) for path in sorted(Path(__file__).parent.glob("frameworks/*.py"))]
    decisive = [
        workload.digest(),
        code,
        preset.name,
        "" if workload.input == "synthetic" else sha256(options.runtime.data),
        options.runtime.threads,
        options.runtime.device,
        options.seed,
        sorted(options.environments or preset.environments),
        sorted((k, str(v)) for k, v in options.runtime.python.items()),
        machine.describe()["machine"],
        _versions(),
    ]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:10]


def _versions() -> list[str]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in ("torch", "tensorflow", "tensorflow-cpu", "keras"):
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} none here")
    return found


def measure(workload: Workload, preset: Preset, options: Options, *, checked: Mapping | None, out: Path) -> list[dict]:
    """Measure every block of the plan that the journal does not hold yet and write the rows to ``out`` (CSV).

    checked  the result of the parity check; None marks every cell untested. If it failed, no cell passes

    Returns the rows. A cell that fails is a row with its status; the others go on.
    """
    known = environments.load()
    for profile in options.environments or preset.environments:
        if profile not in known:
            raise SurveyError(f"no environment profile {profile!r}; choose one of {', '.join(known)}")
    key = f"{workload.id}-{preset.name}-{fingerprint(workload, preset, options)}"
    journal = Journal(options.folder / f"{key}.jsonl")
    scratch = options.folder / key
    if not journal.rows:
        shutil.rmtree(scratch, ignore_errors=True)
    run = _Run(workload, preset, options, journal, scratch=scratch, checked=checked)
    todo = plan(workload, preset, options)
    run.progress = _Progress(workload.id, len(todo), len(run.done()), preset.minutes)
    if run.done():
        log.info("%s: resuming, %d of %d blocks are finished", workload.id, len(run.done()), len(todo))
    for restart in range(preset.restarts):
        for setting in settings(preset, options):
            here = (restart, setting.environment, setting.threads)
            run.session([block for block in todo if (block.restart, block.environment, block.threads) == here])
    write_csv(out, COLUMNS, journal.rows)
    journal.remove()
    shutil.rmtree(scratch, ignore_errors=True)
    return journal.rows


@dataclass(frozen=True)
class _Processes:
    """One set of worker processes that live side by side: what their rows have in common."""

    environment: str
    threads: int
    restart: int
    session: str


class _Run:
    """The state of one measurement."""

    def __init__(self, workload, preset, options, journal, *, scratch, checked):
        self.workload, self.preset, self.options, self.journal = workload, preset, options, journal
        self.scratch, self.checked = scratch, checked
        card = machine.describe()
        self.machine = card["machine"]
        self.progress: _Progress
        self.meter = EnergyMeter(gpus=(0,) if card["gpus"] and options.runtime.device != "cpu" else ())
        self.parity = {
            (row["environment"], row["threads"], _cell_of(row), row["phase"]): row["parity"]
            for row in journal.rows
            if row["kind"] == "parity"
        }

    def done(self) -> set[Block]:
        """Return the finished blocks."""
        names = Block.__dataclass_fields__
        return {Block(*(row[name] for name in names)) for row in self.journal.rows if row["kind"] == "block"}

    def failed(self) -> set[tuple[str, int, Cell]]:
        """Return (environment, threads, cell) of cells that have failed: they are not tried again in this run."""
        return {
            (row["environment"], row["threads"], _cell_of(row))
            for row in self.journal.rows
            if row["kind"] == "failure" and not row["phase"]
        }

    def session(self, blocks: list[Block]) -> None:
        """Start the workers that still have something to do in this restart, warm them up and run their blocks."""
        done, failed = self.done(), self.failed()
        todo = [
            block
            for block in blocks
            if block not in done and (block.environment, block.threads, block.cell) not in failed
        ]
        if not todo:
            return
        wanted = list(dict.fromkeys(sorted((block.cell for block in todo), key=_order)))
        self.here = _Processes(todo[0].environment, todo[0].threads, todo[0].restart, uuid4().hex[:8])
        self.workers: dict[Cell, Worker] = {}
        self.steps: dict[tuple[Cell, Point], int] = {}
        try:
            self._start(wanted)
            for cell in list(self.workers):
                points = list(dict.fromkeys(block.point for block in todo if block.cell == cell))
                self._guard(cell, self._warm_up, cell, points)
            for block in todo:
                if block.cell in self.workers:
                    self._guard(block.cell, self._block, block)
            for cell in list(self.workers):
                self._guard(cell, self._finish, cell)
        finally:
            for worker in self.workers.values():
                worker.stop()

    def _start(self, cells: list[Cell]) -> None:
        """Import the frameworks side by side: starting is not timed, measuring begins when all are ready."""
        self._say(f"starting {len(cells)} processes")
        card = machine.describe()
        for cell in cells:
            if reason := _impossible(cell, card, self.options.runtime.device):
                self._fail(cell, WorkerFailed("unsupported", reason))
                continue
            try:
                self.workers[cell] = Worker(
                    self.workload,
                    self.preset,
                    cell,
                    runtime=replace(self.options.runtime, threads=self.here.threads),
                    environment=self.here.environment,
                    scratch=self.scratch,
                    log=self.options.folder / "workers" / f"{self.workload.id}-{cell.id}.log",
                )
            except WorkerFailed as error:
                self._fail(cell, error)
        for cell, worker in list(self.workers.items()):
            self._guard(cell, worker.ready)

    def _say(self, text: str) -> None:
        self.progress.say(f"{self.here.environment}, restart {self.here.restart + 1} of {self.preset.restarts}: {text}")

    def _guard(self, cell: Cell, action: Callable, *arguments: object) -> None:
        """Do something with a worker; if it fails, that becomes a row and the cell is out of this run."""
        try:
            action(*arguments)
        except WorkerFailed as error:
            self._fail(cell, error)
            self.workers.pop(cell).stop()

    def _fail(self, cell: Cell, error: WorkerFailed) -> None:
        where = f"{self.workload.id} {cell.id} {self.here.environment}"
        log.warning("%s: %s: %s", where, error.status, error.message)
        self._add("failure", cell, status=error.status, note=error.message)

    def _warm_up(self, cell: Cell, points: list[Point]) -> None:
        worker = self.workers[cell]
        compiles = cell.framework == "pytorch" and cell.mode != "eager"
        cold = compiles and not any((self.scratch / "inductor").glob("*"))
        known = {
            (
                row["environment"],
                row["threads"],
                row["restart"],
                _cell_of(row),
                row["phase"],
                row["batch_size"],
                row["shape"],
            )
            for row in self.journal.rows
            if row["kind"] == "first"
        }
        base = set(self.preset.base_points)
        for point in points:
            self._say(f"first {point.phase} step of {cell.id}{f' at {_words(point)}' if point not in base else ''}")
            answer = worker.ask(
                "first",
                **_asked(point),
                seed=self.options.seed,
                batches=self.preset.batches if point in base else min(SWEPT_BATCHES, self.preset.batches),
            )
            here = (self.here.environment, self.here.threads, self.here.restart)
            if (*here, cell, point.phase, point.batch_size, point.label) not in known:
                self._add("first", cell, point, steps=1, cold=int(cold), **_times(answer, 1))
        if (self.here.environment, self.here.threads, cell, self.workload.phases[0]) not in self.parity:
            self._check_parity(cell)
        for point in points:
            self.steps[cell, point] = self._steady(worker, point)

    def _check_parity(self, cell: Cell) -> None:
        """Hold the cell's own mode against the reference trace; the idiomatic track computes something else."""
        trace = {}
        if cell.track == "matched":
            batch_size = {"train": 32, **self.preset.batch_size}
            trace = self.workers[cell].ask("trace", seed=self.options.seed, batch_size=batch_size)
        for phase, found in parity.check_mode(self.workload, cell, trace, self.checked).items():
            if found.status == "fail":
                log.warning("%s %s %s: parity failed: %s", self.workload.id, cell.id, phase, found.note)
            self.parity[self.here.environment, self.here.threads, cell, phase] = found.status
            measured = {"difference": found.difference, "tolerance": found.tolerance, "note": found.note}
            self._add("parity", cell, Point(phase, self.preset.batch_size[phase]), **measured)

    def _steady(self, worker: Worker, point: Point) -> int:
        """Run blocks until two agree; return the number of steps a measured block takes."""
        count, settled, previous = 1, 0, 0.0
        for _ in range(WARM_UP_BLOCKS):
            answer = worker.ask("block", **_asked(point), steps=count)
            each = answer["cpu_ns"] / count
            if count == settled and abs(each - previous) <= WARM_UP_AGREEMENT * previous:
                break
            fitting = int(BLOCK_SECONDS * 1e9 / max(answer["wall_ns"] / count, 1))
            count = settled = max(1, min(self.preset.steps[point.phase], fitting))
            previous = each
        return count

    def _block(self, block: Block) -> None:
        count = self.steps[block.cell, block.point]
        before, energy = machine.pressure(), self.meter.read()
        answer = self.workers[block.cell].ask("block", **_asked(block.point), steps=count)
        after, spent = machine.pressure(), self.meter.joules(energy, self.meter.read())
        waited = None if before is None else round(min(1.0, (after - before) / (answer["wall_ns"] / 1e9)), 4)
        self._add(
            "block",
            block.cell,
            block.point,
            round=block.round,
            steps=count,
            pressure=waited,
            energy_j="" if spent is None else round(spent / count, 6),
            flags=";".join(answer["flags"]),
            status="ok" if answer["finite"] else "failed",
            note="" if answer["finite"] else "the result is not finite",
            **_times(answer, count),
        )
        self.progress.block(
            f"{block.environment}, restart {block.restart + 1} of {self.preset.restarts}, "
            f"round {block.round + 1} of {self.preset.rounds}: {block.phase}"
        )

    def _finish(self, cell: Cell) -> None:
        answer = self.workers[cell].ask("finish")
        device, graphs = answer["peak_device_bytes"], answer["compiled_graphs"]
        self._add(
            "memory",
            cell,
            peak_host_mib=round(answer["peak_host_bytes"] / 2**20, 1),
            peak_device_mib="" if device is None else round(device / 2**20, 1),
            compiled_graphs="" if graphs is None else graphs,
            note="torch.compile captured no operation: this mode is eager execution" if graphs == 0 else "",
        )

    def _add(self, kind: str, cell: Cell, point: Point | None = None, **values: object) -> None:
        """Write one row to the journal."""
        facts = self.workers[cell].facts if cell in self.workers else {}
        phase = point.phase if point else ""
        row = {
            "machine": self.machine,
            "workload": self.workload.id,
            "data": self.options.data,
            "preset": self.preset.name,
            "track": cell.track,
            "kind": kind,
            "phase": phase,
            "batch_size": point.batch_size if point else "",
            "shape": point.label if point else "",
            "environment": self.here.environment,
            "framework": cell.framework,
            "version": facts.get("version", ""),
            "mode": cell.mode,
            "precision": cell.precision,
            "device": facts.get("device", ""),
            "threads": self.here.threads,
            "seed": self.options.seed,
            "restart": self.here.restart,
            "session": self.here.session,
            "parity": self.parity.get((self.here.environment, self.here.threads, cell, phase), "untested"),
            "status": "ok",
            "origin": "this machine",
            "date": datetime.now(UTC).date().isoformat(),
        }
        self.journal.add(row | values)


def _order(cell: Cell) -> tuple:
    """Return the place of a cell in every list: framework, mode, precision as spec.py has them."""
    return list(MODES).index(cell.framework), MODES[cell.framework].index(cell.mode), PRECISIONS.index(cell.precision)


def _cell_of(row: Mapping) -> Cell:
    return Cell(row["framework"], row["mode"], row["precision"])


def _asked(point: Point) -> dict:
    """Return a point as a worker is asked for it."""
    return {"phase": point.phase, "batch_size": point.batch_size, "shape": dict(point.shape)}


def _words(point: Point) -> str:
    return ", ".join(part for part in (f"batch {point.batch_size}", point.label) if part)


def _impossible(cell: Cell, card: Mapping, device: str) -> str:
    """Return why a cell cannot be measured on this machine, before a process is started for it; or nothing."""
    gpu = bool(card["gpus"]) and device != "cpu"
    if cell.precision in ("tf32", "float16") and not gpu:
        return f"{cell.precision} is measured on a GPU only"
    if cell.precision == "bfloat16" and not gpu and not set(card["vector_extensions"]) & BFLOAT16_EXTENSIONS:
        return "this processor has no bfloat16 instructions (avx512_bf16, amx_bf16, bf16)"
    return ""


def _times(answer: Mapping, steps: int) -> dict:
    """Return per-step milliseconds and counts from a worker's answer."""

    def each(name: str) -> float:
        return round(answer[name] / steps / 1e6, 4)

    return {
        "wall_ms": each("wall_ns"),
        "cpu_ms": each("cpu_ns"),
        "children_cpu_ms": each("children_cpu_ns"),
        "minor_faults": answer["minor_faults"] // steps,
        "major_faults": answer["major_faults"],
        "involuntary_switches": answer["involuntary_switches"],
        "compilations": answer["compilations"],
    }


class _Progress:
    """Lines that say which workload, which block and how long still; one every few seconds, not one a block."""

    def __init__(self, workload: str, total: int, done: int, minutes: float):
        self.workload, self.total, self.done, self.minutes = workload, total, done, minutes
        self.started, self.first, self.last = time.monotonic(), done, 0.0

    def say(self, text: str) -> None:
        log.info("%s: block %d of %d; %s; %s", self.workload, self.done, self.total, text, self.left())

    def block(self, text: str) -> None:
        self.done += 1
        if time.monotonic() - self.last > 5:
            self.last = time.monotonic()
            self.say(text)

    def left(self) -> str:
        """Return the time left, from the pace so far once a tenth is done, from the plan before."""
        share, spent = (self.done - self.first) / max(self.total - self.first, 1), time.monotonic() - self.started
        seconds = (
            spent * (1 - share) / share if share > 0.1 else self.minutes * 60 * (1 - self.done / self.total) - spent
        )
        seconds = max(seconds, 5)
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"
