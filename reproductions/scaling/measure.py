"""Measuring 1, 2, 4, ... devices at one global batch: both frameworks' blocks in turn, restarts, a journal."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions import machine
from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.files import sha256, write_csv
from reproductions.journal import Journal
from reproductions.process import Child

log = logging.getLogger(__name__)

STRATEGIES = {"pytorch": "DistributedDataParallel", "tensorflow": "MirroredStrategy"}
COLUMNS = (
    "machine",
    "workload",
    "preset",
    "framework",
    "version",
    "strategy",
    "communication",
    "device",
    "devices",
    "batch_size",
    "kind",
    "restart",
    "round",
    "steps",
    "wall_ms",
    "examples_per_s",
    "difference",
    "tolerance",
    "status",
    "note",
    "environment",
    "threads",
    "date",
)
#: Steps whose losses must be those of a single device. Sums are taken in another order, no more.
TRACE_STEPS = 10
TOLERANCE = 1e-3
BLOCK_SECONDS = 0.4
MOST_STEPS = 50
TIMEOUT_S = 600


@dataclass(frozen=True)
class Options:
    """What the caller decides.

    folder       where journal and logs live while the run is unfinished
    data         the data set's ``arrays.npz``, or None for synthetic data
    cpu_devices  take so many processes or logical devices of the CPU instead of GPUs: shows that the strategies
                 compute the same; the devices share the cores, so the times say nothing of scaling
    gpus         number of GPUs; None asks the machine
    python       interpreter by framework; absent or None is the one that runs this
    """

    folder: Path
    data: Path | None = None
    cpu_devices: int = 0
    gpus: int | None = None
    environment: str = "tuned"
    threads: int = 1
    seed: int = 1
    restarts: int = 3
    rounds: int = 5
    batch_size: int | None = None
    python: Mapping[str, str | None] = field(default_factory=dict)


def counts(devices: int) -> tuple[int, ...]:
    """Return 1, 2, 4, ... and the number of devices itself."""
    found = [1]
    while found[-1] * 2 <= devices:
        found.append(found[-1] * 2)
    return tuple(dict.fromkeys([*found, devices]))


def reason_to_skip(gpus: int) -> str:
    """Return why there is nothing to scale over, or an empty string."""
    if gpus >= 2:
        return ""
    have = "no GPU" if not gpus else "one GPU"
    return f"skipped: this machine has {have}, and scaling needs two or more"


def measure(workload, preset, options: Options, out: Path) -> list[dict]:
    """Measure what the journal does not hold yet, write ``out`` and return its rows.

    With fewer than two devices there is a row a framework that says so. A number of devices that fails is a row with
    its status; the others go on.
    """
    key = hashlib.sha256(json.dumps(_decisive(workload, preset, options)).encode()).hexdigest()[:10]
    journal = Journal(options.folder / f"scaling-{workload.id}-{key}.jsonl")
    run = _Run(workload, preset, options, journal)
    gpus = len(machine.describe()["gpus"]) if options.gpus is None else options.gpus
    reason = "" if options.cpu_devices else reason_to_skip(gpus)
    if reason:
        log.info("scaling, %s: %s", workload.id, reason)
        for framework in STRATEGIES:
            if not run.has(framework, gpus, "skipped", "", ""):
                run.add(framework, gpus, "skipped", "", "", status="unsupported", note=reason)
    else:
        for restart in range(options.restarts):
            for devices in counts(options.cpu_devices or gpus):
                run.session(devices, restart)
    rows = [row for row in journal.rows if row["kind"] != "trace"]
    write_csv(out, COLUMNS, rows)
    journal.remove()
    shutil.rmtree(run.scratch, ignore_errors=True)
    return rows


def _decisive(workload, preset, options: Options) -> list:
    code = [sha256(path) for path in sorted(Path(__file__).parent.glob("*.py"))]
    chosen = [getattr(options, name) for name in ("cpu_devices", "gpus", "environment", "threads", "seed", "restarts")]
    chosen += [options.rounds, options.batch_size, sorted(map(str, options.python.items()))]
    return [workload.digest(), preset.name, code, chosen, machine.describe()["machine"]]


class _Run:
    """The state of one measurement."""

    def __init__(self, workload, preset, options: Options, journal: Journal):
        self.workload, self.preset, self.options, self.journal = workload, preset, options, journal
        self.scratch = (options.folder / f"scaling-{workload.id}").resolve()
        sizes = dict(workload.batch_size) | dict(getattr(preset, "batch_size", None) or {})
        self.batch_size = options.batch_size or sizes["train"]
        self.machine, self.facts = machine.describe()["machine"], {}

    def has(self, framework: str, devices: int, kind: str, restart: object, number: object) -> bool:
        """Tell whether the journal holds an observation."""
        wanted = (framework, devices, kind, restart, number)
        names = ("framework", "devices", "kind", "restart", "round")
        return any(tuple(row[name] for name in names) == wanted for row in self.journal.rows)

    def session(self, devices: int, restart: int) -> None:
        """Start both sides on so many devices, compare losses once, and run blocks in turn."""
        sides = [framework for framework in STRATEGIES if self._todo(framework, devices, restart)]
        if not sides:
            return
        log.info(
            "scaling, %s: restart %d of %d, %d devices", self.workload.id, restart + 1, self.options.restarts, devices
        )
        if self.batch_size % devices:
            note = f"a global batch of {self.batch_size} cannot be shared equally by {devices} devices"
            for framework in sides:
                self.add(framework, devices, "failure", restart, "", status="unsupported", note=note)
            return
        self.children: dict[str, list[Child]] = {}
        with contextlib.ExitStack() as stack:
            stack.callback(self._stop)
            for framework in sides:
                self._guard(framework, devices, restart, self._start)
            steps = {}
            for framework in list(self.children):
                answer = self._guard(framework, devices, restart, self._prepare)
                if answer:
                    steps[framework] = max(1, min(MOST_STEPS, int(BLOCK_SECONDS * 1e3 / answer["step_ms"])))
            for number in range(self.options.rounds):
                for framework in sides if number % 2 == 0 else sides[::-1]:
                    if framework in self.children and not self.has(framework, devices, "block", restart, number):
                        self._guard(framework, devices, restart, self._block, number, steps[framework])

    def _todo(self, framework: str, devices: int, restart: int) -> bool:
        if any((r["framework"], r["devices"], r["kind"]) == (framework, devices, "failure") for r in self.journal.rows):
            return False
        rounds = range(self.options.rounds)
        return not all(self.has(framework, devices, "block", restart, number) for number in rounds)

    def _guard(self, framework: str, devices: int, restart: int, action, *more):
        try:
            return action(framework, devices, restart, *more)
        except WorkerFailed as error:
            log.warning("scaling %s on %d devices: %s: %s", framework, devices, error.status, error.message)
            self.add(framework, devices, "failure", restart, "", status=error.status, note=error.message)
            for child in self.children.pop(framework, []):
                child.stop()
            return None

    def _start(self, framework: str, devices: int, restart: int) -> None:
        ranks = devices if framework == "pytorch" else 1
        store = self.scratch / f"ranks-{restart}-{devices}"
        store.parent.mkdir(parents=True, exist_ok=True)
        store.unlink(missing_ok=True)  # one left by a killed run would join the ranks to the dead
        data = self.options.data
        self.children[framework] = []
        for rank in range(ranks):
            child = Child(
                [self.options.python.get(framework) or sys.executable, "-m", "reproductions.scaling.worker"],
                environment=worker_environment(self.options.environment, self.options.threads, self.scratch),
                folder=self.scratch,
                log=self.options.folder / "workers" / f"scaling-{self.workload.id}-{framework}-{rank}.log",
                timeout_s=TIMEOUT_S,
            )
            self.children[framework].append(child)
            child.send(
                "start",
                framework=framework,
                workload=str(self.workload.folder.resolve()),
                data=str(data.resolve()) if data else None,
                sizes=dict(self.preset.sizes),
                seed=self.options.seed,
                place={
                    "rank": rank,
                    "devices": devices,
                    "gpu": not self.options.cpu_devices,
                    "threads": self.options.threads,
                    "store": str(store),
                },
            )

    def _ask(self, framework: str, operation: str, **arguments: object) -> list[dict]:
        """Ask all ranks at a time, for they wait for one another; return every answer."""
        for child in self.children[framework]:
            child.send(operation, **arguments)
        return [child.receive(operation) for child in self.children[framework]]

    def _prepare(self, framework: str, devices: int, restart: int) -> dict:
        started = [child.receive("start") for child in self.children[framework]]
        self.facts[framework] = started[0]["facts"]
        answer = self._ask(framework, "prepare", batch_size=self.batch_size, batches=self.preset.batches)[0]
        if not self.has(framework, devices, "trace", "", ""):
            losses = self._ask(framework, "losses", steps=TRACE_STEPS)[0]["losses"]
            self._judge(framework, devices, losses)
        return answer

    def _judge(self, framework: str, devices: int, losses: list[float]) -> None:
        """Hold the losses against those of the same framework on one device."""
        single = [
            row["losses"]
            for row in self.journal.rows
            if (row["kind"], row["framework"], row["devices"]) == ("trace", framework, 1)
        ]
        if single:
            one, several = np.array(single[0]), np.array(losses)
            difference = float(np.max(np.abs(several - one) / np.maximum(np.abs(one), 1e-12)))
            good = difference <= TOLERANCE  # not so where a loss is not a number
            note = "" if good else f"the losses of {TRACE_STEPS} steps are not those of one device"
            told = {"difference": float(f"{difference:.3g}"), "tolerance": TOLERANCE, "note": note}
            self.add(framework, devices, "losses", "", "", status="ok" if good else "failed", **told)
        self.journal.add(self._row(framework, devices, "trace", "", "") | {"losses": losses})

    def _block(self, framework: str, devices: int, restart: int, number: int, steps: int) -> None:
        answers = self._ask(framework, "block", steps=steps)
        wall = max(answer["wall_ns"] for answer in answers) / steps / 1e6
        good = all(answer["finite"] for answer in answers)
        told = {"steps": steps, "wall_ms": round(wall, 4), "examples_per_s": round(self.batch_size / wall * 1e3, 2)}
        note = "" if good else "the loss is not finite"
        self.add(framework, devices, "block", restart, number, status="ok" if good else "failed", note=note, **told)

    def _stop(self) -> None:
        for children in self.children.values():
            for child in children:
                child.stop()

    def _row(self, framework: str, devices: int, kind: str, restart: object, number: object) -> dict:
        facts = self.facts.get(framework, {})
        return {
            "machine": self.machine,
            "workload": self.workload.id,
            "preset": self.preset.name,
            "framework": framework,
            "version": facts.get("version", ""),
            "strategy": STRATEGIES[framework] if devices > 1 else "one device",
            "communication": facts.get("communication", ""),
            "device": facts.get("device", ""),
            "devices": devices,
            "batch_size": self.batch_size,
            "kind": kind,
            "restart": restart,
            "round": number,
            "environment": self.options.environment,
            "threads": self.options.threads,
            "date": datetime.now(UTC).date().isoformat(),
        }

    def add(self, framework: str, devices: int, kind: str, restart: object, number: object, **values: object) -> None:
        """Write one observation to the journal."""
        self.journal.add(self._row(framework, devices, kind, restart, number) | values)
