"""Measuring one workload: a process a cell, alternating blocks, warm-up, first step apart, resumption.

Restarts of the worker processes are the outer unit, rounds of blocks the inner one. In a round every cell runs one
block of each phase, in an order that is reversed from round to round (A B C, C B A), so that drift of the machine hits
all alike. Cells are compared within a round only. Method and its trial: see the README of this folder.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from reproductions import machine, parity
from reproductions.client import Worker
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import sha256, write_csv
from reproductions.journal import Journal
from reproductions.spec import Cell, Preset, Workload

log = logging.getLogger(__name__)

#: Warm-up ends when two consecutive blocks agree within this share, or after the bound.
WARM_UP_AGREEMENT = 0.05
WARM_UP_BLOCKS = 6
#: A block is cut to fewer steps for a cell that would need longer than this; at least one step is run.
BLOCK_SECONDS = 0.4

COLUMNS = (
    "machine", "workload", "preset", "track", "kind", "phase", "batch_size", "environment", "framework", "version",
    "mode", "precision", "device", "threads", "seed", "restart", "round", "session", "steps", "wall_ms", "cpu_ms",
    "children_cpu_ms", "minor_faults", "major_faults", "involuntary_switches", "pressure", "cold", "peak_host_mib",
    "peak_device_mib", "compiled_graphs", "parity", "status", "note", "origin", "date",
)


@dataclass(frozen=True)
class Options:
    """What the caller decides about a measurement.

    data, python, threads, device, memory_limit_mib  as for :class:`reproductions.client.Worker`
    environments  profiles to use; None takes the preset's
    seed          of initial weights and data order
    folder        where journals and compile caches live while a run is unfinished
    """

    data: Path
    folder: Path
    python: Mapping[str, str | None] = field(default_factory=dict)
    threads: int = 1
    device: str = "auto"
    environments: tuple[str, ...] | None = None
    seed: int = 1
    memory_limit_mib: int | None = None

    def worker(self, framework: str) -> dict:
        """Return the keyword arguments of a worker of this framework."""
        return {"data": self.data, "threads": self.threads, "device": self.device,
                "python": self.python.get(framework), "memory_limit_mib": self.memory_limit_mib}


@dataclass(frozen=True, order=True)
class Block:
    """One cell's turn in one phase of one round: the unit that is never measured twice."""

    environment: str
    restart: int
    round: int
    phase: str
    framework: str
    mode: str


def plan(workload: Workload, preset: Preset, options: Options) -> list[Block]:
    """Return every block in the order of execution."""
    blocks = []
    for restart in range(preset.restarts):
        for environment in options.environments or preset.environments:
            for number in range(preset.rounds):
                cells = workload.modes if number % 2 == 0 else workload.modes[::-1]
                for phase in workload.phases:
                    blocks += [Block(environment, restart, number, phase, cell.framework, cell.mode) for cell in cells]
    return blocks


def fingerprint(workload: Workload, preset: Preset, options: Options) -> str:
    """Return a short hash of everything that decides what is measured; a journal of another one is not continued."""
    code = [sha256(path) for path in sorted(Path(__file__).parent.glob("frameworks/*.py"))]
    decisive = [
        workload.digest(), code, preset.name, sha256(options.data), options.threads, options.device, options.seed,
        sorted(options.environments or preset.environments), sorted((k, str(v)) for k, v in options.python.items()),
        machine.describe()["machine"], _versions(),
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


def measure(workload: Workload, preset: Preset, options: Options, *, reference: Mapping | None, out: Path) -> list[dict]:
    """Measure every block of the plan that the journal does not hold yet and write the rows to ``out`` (CSV).

    reference  ``{"logits", "losses"}`` of the parity check, for the parity of each cell; None marks them untested

    Returns the rows. A cell that fails is a row with its status; the others go on.
    """
    for profile in options.environments or preset.environments:
        from reproductions.environments import load

        if profile not in load():
            raise SurveyError(f"no environment profile {profile!r}; choose one of {', '.join(load())}")
    key = f"{workload.id}-{preset.name}-{fingerprint(workload, preset, options)}"
    journal = Journal(options.folder / f"{key}.jsonl")
    scratch = options.folder / key
    if not journal.rows:
        shutil.rmtree(scratch, ignore_errors=True)
    run = _Run(workload, preset, options, journal, scratch, reference)
    todo = plan(workload, preset, options)
    run.progress = _Progress(workload.id, len(todo), len(run.done()), preset.minutes)
    if run.done():
        log.info("%s: resuming, %d of %d blocks are finished", workload.id, len(run.done()), len(todo))
    for restart in range(preset.restarts):
        for environment in options.environments or preset.environments:
            run.session([block for block in todo if (block.restart, block.environment) == (restart, environment)])
    write_csv(out, COLUMNS, journal.rows)
    journal.remove()
    shutil.rmtree(scratch, ignore_errors=True)
    return journal.rows


class _Run:
    """The state of one measurement."""

    def __init__(self, workload, preset, options, journal, scratch, reference):
        self.workload, self.preset, self.options, self.journal = workload, preset, options, journal
        self.scratch, self.reference = scratch, reference
        self.machine = machine.describe()["machine"]
        self.progress: _Progress
        self.parity = {(row["environment"], row["framework"], row["mode"]): row["parity"]
                       for row in journal.rows if row["kind"] == "parity"}

    def done(self) -> set[Block]:
        """Return the finished blocks, counting the blocks of a failed cell as finished."""
        return {Block(*(row[name] for name in Block.__dataclass_fields__))
                for row in self.journal.rows if row["kind"] == "block"}

    def failed(self) -> set[tuple]:
        """Return (environment, framework, mode) of cells that have failed: they are not tried again in this run."""
        return {(row["environment"], row["framework"], row["mode"])
                for row in self.journal.rows if row["kind"] == "failure"}

    def session(self, blocks: list[Block]) -> None:
        """Start the workers that still have something to do in this restart, warm them up and run their blocks."""
        done, failed = self.done(), self.failed()
        todo = [b for b in blocks if b not in done and (b.environment, b.framework, b.mode) not in failed]
        if not todo:
            return
        self.session_id = uuid4().hex[:8]
        environment, restart = todo[0].environment, todo[0].restart
        cells = [cell for cell in self.workload.modes if any((b.framework, b.mode) == (cell.framework, cell.mode) for b in todo)]
        workers: dict[tuple, Worker] = {}
        steps: dict[tuple, int] = {}
        try:
            self._start(workers, cells, environment, restart)
            for key, worker in list(workers.items()):
                self._guard(workers, key, environment, restart, lambda k=key, w=worker: self._warm_up(k, w, environment, restart, steps))
            for block in todo:
                key = (block.framework, block.mode)
                if key in workers:
                    self._guard(workers, key, environment, restart, lambda b=block, k=key: self._block(b, workers[k], steps))
            for key, worker in list(workers.items()):
                self._guard(workers, key, environment, restart, lambda k=key, w=worker: self._finish(k, w, environment, restart))
        finally:
            for worker in workers.values():
                worker.stop()

    def _start(self, workers: dict, cells: list[Cell], environment: str, restart: int) -> None:
        """Import the frameworks side by side: starting is not timed, measuring begins when all are ready."""
        self.progress.say(f"{environment}, restart {restart + 1} of {self.preset.restarts}: starting {len(cells)} processes")
        for cell in cells:
            key = (cell.framework, cell.mode)
            try:
                workers[key] = Worker(self.workload, self.preset, cell, environment=environment, scratch=self.scratch,
                                      log=self.options.folder / "workers" / f"{self.workload.id}-{cell.id}.log",
                                      **self.options.worker(cell.framework))
            except WorkerFailed as error:
                self._record_failure(key, environment, restart, error)
        for key, worker in list(workers.items()):
            self._guard(workers, key, environment, restart, worker.ready)

    def _guard(self, workers: dict, key: tuple, environment: str, restart: int, action) -> None:
        try:
            action()
        except WorkerFailed as error:
            self._record_failure(key, environment, restart, error)
            if key in workers:
                workers.pop(key).stop()

    def _record_failure(self, key: tuple, environment: str, restart: int, error: WorkerFailed) -> None:
        log.warning("%s %s-%s %s: %s: %s", self.workload.id, *key, environment, error.status, error.message)
        self.journal.add(self._row("failure", key, environment, restart, status=error.status, note=error.message))

    def _warm_up(self, key: tuple, worker: Worker, environment: str, restart: int, steps: dict) -> None:
        cold = key[1] == "compile" and not any((self.scratch / "inductor").glob("*"))
        known = {(row["environment"], row["restart"], row["framework"], row["mode"], row["phase"])
                 for row in self.journal.rows if row["kind"] == "first"}
        for phase in self.workload.phases:
            self.progress.say(f"{environment}, restart {restart + 1}: first {phase} step of {'-'.join(key)}")
            answer = worker.ask("first", phase=phase, seed=self.options.seed, batch_size=self.workload.batch_size[phase],
                                batches=self.preset.batches)
            if (environment, restart, *key, phase) not in known:
                self.journal.add(self._row("first", key, environment, restart, worker, phase=phase, steps=1,
                                           cold=int(cold), **_times(answer, 1)))
        if (environment, *key) not in self.parity:
            trace = worker.ask("trace", seed=self.options.seed, batch_size=self.workload.batch_size.get("train", 32))
            status, note = parity.check_mode(self.workload, worker.cell, trace, self.reference)
            self.parity[(environment, *key)] = status
            self.journal.add(self._row("parity", key, environment, restart, worker, status="ok", note=note))
        for phase in self.workload.phases:
            steps[(*key, phase)] = self._steady(worker, phase)

    def _steady(self, worker: Worker, phase: str) -> int:
        """Run blocks until two agree; return the number of steps a measured block takes."""
        wanted, previous = self.preset.steps[phase], None
        count = 1
        for _ in range(WARM_UP_BLOCKS):
            answer = worker.ask("block", phase=phase, steps=count)
            each = answer["cpu_ns"] / count
            if previous and count == settled and abs(each - previous) <= WARM_UP_AGREEMENT * previous:
                break
            previous, settled = each, max(1, min(wanted, int(BLOCK_SECONDS * 1e9 / max(answer["wall_ns"] / count, 1))))
            count = settled
        return count

    def _block(self, block: Block, worker: Worker, steps: dict) -> None:
        count = steps[(block.framework, block.mode, block.phase)]
        before = machine.pressure()
        answer = worker.ask("block", phase=block.phase, steps=count)
        after = machine.pressure()
        waited = None if before is None else round(min(1.0, (after - before) / (answer["wall_ns"] / 1e9)), 4)
        status = "ok" if answer["finite"] else "failed"
        self.journal.add(self._row("block", (block.framework, block.mode), block.environment, block.restart, worker,
                                   phase=block.phase, round=block.round, steps=count, pressure=waited, status=status,
                                   note="" if answer["finite"] else "result not finite", **_times(answer, count)))
        self.progress.block(f"{block.environment}, restart {block.restart + 1}, round {block.round + 1} of "
                            f"{self.preset.rounds}: {block.phase}")

    def _finish(self, key: tuple, worker: Worker, environment: str, restart: int) -> None:
        answer = worker.ask("finish")
        device = answer["peak_device_bytes"]
        note = "torch.compile captured no operation: this mode is eager execution" if answer["compiled_graphs"] == 0 else ""
        self.journal.add(self._row("memory", key, environment, restart, worker, note=note,
                                   peak_host_mib=round(answer["peak_host_bytes"] / 2**20, 1),
                                   peak_device_mib="" if device is None else round(device / 2**20, 1),
                                   compiled_graphs="" if answer["compiled_graphs"] is None else answer["compiled_graphs"]))

    def _row(self, kind: str, key: tuple, environment: str, restart: int, worker: Worker | None = None, **values) -> dict:
        facts = worker.facts if worker else {}
        phase = values.get("phase", "")
        return {
            "machine": self.machine, "workload": self.workload.id, "preset": self.preset.name, "track": "matched",
            "kind": kind, "phase": phase, "batch_size": self.workload.batch_size.get(phase, ""),
            "environment": environment, "framework": key[0], "version": facts.get("version", ""), "mode": key[1],
            "precision": "float32", "device": facts.get("device", ""), "threads": self.options.threads,
            "seed": self.options.seed, "restart": restart, "session": self.session_id,
            "parity": self.parity.get((environment, *key), "untested"), "status": "ok", "origin": "this machine",
            "date": datetime.now(UTC).date().isoformat(), **values,
        }


def _times(answer: Mapping, steps: int) -> dict:
    """Return per-step milliseconds and counts from a worker's answer."""
    def each(name: str) -> float:
        return round(answer[name] / steps / 1e6, 4)

    return {"wall_ms": each("wall_ns"), "cpu_ms": each("cpu_ns"), "children_cpu_ms": each("children_cpu_ns"),
            "minor_faults": answer["minor_faults"] // steps, "major_faults": answer["major_faults"],
            "involuntary_switches": answer["involuntary_switches"]}


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
        seconds = spent * (1 - share) / share if share > 0.1 else self.minutes * 60 * (1 - self.done / self.total) - spent
        seconds = max(seconds, 5)
        return f"about {seconds / 60:.0f} min left" if seconds >= 90 else f"about {seconds:.0f} s left"
