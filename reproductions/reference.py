"""Is a workload's model as fast as the ecosystem's own? Ours and the reference take turns in one process a framework.

A workload module may offer ``reference(sizes)``: the same architecture from torchvision, transformers,
keras.applications or KerasHub. Both models are built in the same process, fed the same batches and trained by the same
step; in each round either runs a block, every other round in the other order. The ratio is the reference's time by
ours: 1 means as fast, below :data:`GOAL` the workload is marked. Weights are each library's initial ones, none are
downloaded.
"""

from __future__ import annotations

import argparse
import copy
import csv
import hashlib
import json
import logging
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from reproductions.errors import SurveyError, WorkerFailed

log = logging.getLogger("reproductions.reference")

TEXT = "Time each model against the ecosystem's own implementation of it."
#: Ours must reach this share of the reference's speed.
GOAL = 0.97
#: Ten paired rounds in five sets of processes: how much processes differ is what few sets tell worst.
RESTARTS, ROUNDS = 5, 2
BLOCK_SECONDS = 0.4
TIMEOUT_S = 900
#: The mode of each framework in which a reference is compared: the plain one that its documentation starts with.
MODES = {"pytorch": "eager", "tensorflow": "function"}

COLUMNS = (
    "machine",
    "workload",
    "preset",
    "framework",
    "version",
    "reference",
    "mode",
    "phase",
    "batch_size",
    "parameters_ours",
    "parameters_reference",
    "clock",
    "rounds",
    "ours_ms",
    "reference_ms",
    "ratio",
    "low",
    "high",
    "goal",
    "verdict",
    "status",
    "note",
    "environment",
    "threads",
    "date",
)
ROUND_COLUMNS = (
    "workload",
    "framework",
    "phase",
    "restart",
    "round",
    "ours_cpu_ms",
    "reference_cpu_ms",
    "ours_wall_ms",
    "reference_wall_ms",
)

_OWN = "python -m venv .venv-{0} && .venv-{0}/bin/pip install -e '.[{1}]' {0}"
#: How to get what cannot be imported. torchvision's wheel fits one build of PyTorch only, so it gets its own.
REMEDIES = {
    "torchvision": f"{_OWN.format('torchvision', 'pytorch')}; then --python-pytorch .venv-torchvision/bin/python",
    "transformers": "pip install transformers",
    "keras_hub": "pip install --no-deps keras-hub",  # its metadata asks for tensorflow-text, which it can do without
}


# -- the process -----------------------------------------------------------------------------------------------------
class Session:
    """Ours and the reference of one framework, side by side."""

    def __init__(self, workload: str, framework: str, sizes: dict, runtime: dict, seed: int):
        from reproductions import frameworks, spec

        self.workload, self.sizes, self.seed = spec.load(Path(workload)), sizes, seed
        module = self.workload.module(framework)
        if not hasattr(module, "reference"):
            raise NotImplementedError(f"{framework}.py of {self.workload.id} has no reference(sizes)")
        self.data = runtime.pop("data")
        blank = frameworks.engine(framework)(mode=MODES[framework], precision="float32", **runtime)
        self.sides = {}
        # Training and inference are compared; a reference has its own way to generate, which is built for ours alone.
        offered = {name: value for name, value in vars(module).items() if name != "generator"}
        for name, build in (("ours", module.build), ("reference", module.reference)):
            engine = copy.copy(blank)  # threads and device are settings of the process and can be set once only
            source = SimpleNamespace(**(offered | {"build": build}))
            # Parameters that a workload never trains are its own way to the reference's number of them.
            frozen = getattr(self.workload.module("weights"), "FROZEN", {}).get(framework) if name == "ours" else None
            engine.build(source, sizes, dict(self.workload.optimizer), *([tuple(frozen)] if frozen else []))
            self.sides[name] = engine
        self.pool: dict[str, list] = {}

    def describe(self) -> dict:
        """Return versions, the number of trainable parameters of both, and whose the reference is."""
        engines = self.sides
        return {
            "facts": engines["ours"].facts(),
            "parameters": {name: int(sum(map(np.prod, engine.shapes().values()))) for name, engine in engines.items()},
            "reference": _origin(engines["reference"].model),
        }

    def prepare(self, phase: str, batch_size: int, batches: int, seconds: float) -> dict:
        """Put the batches on the device, warm both sides up, and return how many steps make a block."""
        self._fill(batch_size, batches)
        steps = {}
        for name in self.sides:
            self._time(name, phase, 1)  # traces
            slowest = max(self._time(name, phase, 1)["wall_ms"] for _ in range(2))
            steps[name] = max(1, min(100, int(seconds * 1e3 / slowest)))
        # The same number on both sides, the smaller one: then the batches they see are the same as well.
        self.steps = min(steps.values())
        shapes = {name: list(self._logits(name)) for name in self.sides}
        if shapes["ours"] != shapes["reference"]:
            raise ValueError(f"logits differ in shape: ours {shapes['ours']}, reference {shapes['reference']}")
        return {"steps": self.steps}

    def round(self, phase: str, number: int) -> dict:
        """Time one block of each side; odd rounds begin with the reference."""
        order = list(self.sides) if number % 2 == 0 else list(self.sides)[::-1]
        return {name: self._time(name, phase, self.steps) for name in order}

    def _fill(self, batch_size: int, batches: int) -> None:
        from reproductions.feeding import stream

        path = Path(self.data) if self.data else None
        found = list(islice(stream(self.workload, path, self.seed, batch_size, self.sizes), batches))
        self.pool = {name: [engine.put(*batch) for batch in found] for name, engine in self.sides.items()}

    def _logits(self, name: str) -> tuple[int, ...]:
        engine = self.sides[name]
        return np.shape(engine.numpy(engine.infer(self.pool[name][0])))

    def _time(self, name: str, phase: str, steps: int) -> dict:
        engine, pool = self.sides[name], self.pool[name]
        step = getattr(engine, phase)
        engine.enter(phase)
        engine.sync()
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for index in range(steps):
            result = step(pool[index % len(pool)])
        engine.sync()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        if not np.isfinite(engine.numpy(result)).all():
            raise ValueError(f"{name}: the result of {phase} is not finite")
        return {"cpu_ms": cpu / steps / 1e6, "wall_ms": wall / steps / 1e6}


def _origin(model) -> str:
    """Return package and version of the library that a model's parts come from."""
    from importlib.metadata import PackageNotFoundError, version

    parts = [model, *getattr(model, "modules", lambda: [])(), *getattr(model, "layers", [])]
    packages = {type(part).__module__.split(".")[0] for part in parts}
    known = [name for name in ("torchvision", "transformers", "keras_hub", "torch", "keras") if name in packages]
    name = known[0] if known else sorted(packages)[0]
    try:
        return f"{name} {version(name.replace('_', '-'))}"
    except PackageNotFoundError:
        return name


# -- the parent ------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Options:
    """What the caller decides.

    folder       where the journal and the logs live while the run is unfinished
    data         the ``arrays.npz`` of each workload's data set, by workload id; none for synthetic data
    environment  environment profile
    seconds      about how long a block lasts
    python       interpreter by framework; absent or None is the one that runs this
    """

    folder: Path
    data: Mapping[str, Path] = field(default_factory=dict)
    environment: str = "tuned"
    threads: int = 1
    device: str = "auto"
    seed: int = 1
    seconds: float = BLOCK_SECONDS
    python: Mapping[str, str | None] = field(default_factory=dict)


def compare(workloads: list, preset: str, options: Options, out: Path) -> list[dict]:
    """Compare each workload with its reference in each framework; write and return the rows of ``reference.csv``.

    Rows of other workloads, measured on this machine, stay in the table. Finished pairs are kept in a journal, so a
    killed run goes on. What cannot be imported is a row that names the
    command which brings it.
    """
    from reproductions.files import write_csv
    from reproductions.journal import Journal

    key = hashlib.sha256(json.dumps([[w.digest() for w in workloads], preset, _decisive(options)]).encode())
    journal = Journal(options.folder / f"reference-{key.hexdigest()[:10]}.jsonl")
    done = {(row["workload"], row["framework"]) for row in journal.rows if row["kind"] == "pair"}
    for workload in workloads:
        for framework in MODES:
            if (workload.id, framework) in done:
                continue
            log.info("reference: %s in %s", workload.id, framework)
            rows, rounds = _pair(workload, workload.preset(preset), framework, options)
            journal.add({"kind": "pair", "workload": workload.id, "framework": framework, "rows": rows, "all": rounds})
    rows = [row for pair in journal.rows for row in pair["rows"]]
    rounds = [row for pair in journal.rows for row in pair["all"]]
    here, asked = {row["machine"] for row in rows}, {workload.id for workload in workloads}
    others = [row for row in _read(out / "reference.csv") if row["workload"] not in asked and row["machine"] in here]
    kept = {row["workload"] for row in others}
    other_rounds = [row for row in _read(out / "reference_rounds.csv") if row["workload"] in kept]
    write_csv(out / "reference.csv", COLUMNS, sorted([*others, *rows], key=_place))
    write_csv(out / "reference_rounds.csv", ROUND_COLUMNS, sorted([*other_rounds, *rounds], key=_place))
    journal.remove()
    return rows


def _place(row: Mapping[str, object]) -> str:
    return str(row["workload"])


def _read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table that this module wrote; none where there is no such table."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))
    except FileNotFoundError:
        return []


def _decisive(options: Options) -> list:
    return [
        options.environment,
        options.threads,
        options.device,
        options.seed,
        sorted(map(str, options.python.items())),
    ]


def _pair(workload, preset, framework: str, options: Options) -> tuple[list[dict], list[dict]]:
    from reproductions import machine

    about = {
        "machine": machine.describe()["machine"],
        "workload": workload.id,
        "preset": preset.name,
        "framework": framework,
        "mode": MODES[framework],
        "goal": GOAL,
        "environment": options.environment,
        "threads": options.threads,
        "date": datetime.now(UTC).date().isoformat(),
    }
    phases = [phase for phase in workload.batch_size if phase in ("train", "infer")]
    sizes = dict(workload.batch_size) | dict(getattr(preset, "batch_size", None) or {})
    rounds, told = [], {}
    try:
        for restart in range(RESTARTS):
            with _start(workload, preset, framework, options) as child:
                told = child.receive("start")
                if len(set(told["parameters"].values())) > 1:
                    return [about | _told(told) | _unequal(told)], []
                for phase in phases:
                    child.ask(
                        "prepare",
                        phase=phase,
                        batch_size=sizes[phase],
                        batches=min(preset.batches, 4),
                        seconds=options.seconds,
                    )
                    for number in range(ROUNDS):
                        found = child.ask("round", phase=phase, number=number)
                        where = {"workload": workload.id, "framework": framework, "phase": phase}
                        rounds.append(where | {"restart": restart, "round": number} | _flat(found))
    except WorkerFailed as error:
        failed = {"verdict": "not compared", "status": error.status, "note": explain(error.message)}
        return [about | (_told(told) if told else {}) | failed], rounds
    clock = "wall" if options.threads > 1 or told["facts"]["device"].startswith("GPU") else "cpu"
    rows = [
        about | _told(told) | {"phase": phase, "batch_size": sizes[phase]} | judge(rounds, phase, clock)
        for phase in phases
    ]
    return rows, rounds


def _start(workload, preset, framework: str, options: Options):
    from reproductions.environments import worker_environment
    from reproductions.process import Child

    scratch = (options.folder / "reference").resolve()
    child = Child(
        [options.python.get(framework) or sys.executable, "-m", "reproductions.reference"],
        environment=worker_environment(options.environment, options.threads, scratch),
        folder=scratch,
        log=options.folder / "workers" / f"reference-{workload.id}-{framework}.log",
        timeout_s=TIMEOUT_S,
    )
    data = options.data.get(workload.id)
    child.send(
        "start",
        workload=str(workload.folder.resolve()),
        framework=framework,
        sizes=dict(preset.sizes),
        runtime={"threads": options.threads, "device": options.device, "data": str(data.resolve()) if data else None},
        seed=options.seed,
    )
    return child


def _told(told: Mapping) -> dict:
    return {
        "version": told["facts"]["version"],
        "reference": told["reference"],
        "parameters_ours": told["parameters"]["ours"],
        "parameters_reference": told["parameters"]["reference"],
    }


def _unequal(told: Mapping) -> dict:
    ours, theirs = told["parameters"]["ours"], told["parameters"]["reference"]
    note = f"{ours:,} trainable parameters, the reference has {theirs:,}: not the same model"
    return {"verdict": "parameters differ", "status": "failed", "note": note}


def _flat(found: Mapping) -> dict:
    return {f"{side}_{clock}": round(value, 5) for side, times in found.items() for clock, value in times.items()}


def judge(rounds: list[Mapping], phase: str, clock: str) -> dict:
    """Return ratio, interval and verdict of a phase from its paired rounds.

    ``below`` marks a workload whose median ratio is under :data:`GOAL`, ``below, not settled`` one whose interval
    reaches the goal all the same.
    """
    from analysis.measurements import interval

    own = [row for row in rounds if row["phase"] == phase]
    ours, theirs = (np.array([row[f"{side}_{clock}_ms"] for row in own]) for side in ("ours", "reference"))
    restarts = np.array([row["restart"] for row in own])
    ratio, low, high = interval([theirs[restarts == number] / ours[restarts == number] for number in set(restarts)])
    below = "below" if high < GOAL else "below, not settled"
    return {
        "clock": clock,
        "rounds": len(own),
        "ours_ms": round(float(np.median(ours)), 4),
        "reference_ms": round(float(np.median(theirs)), 4),
        "ratio": round(ratio, 4),
        "low": round(low, 4),
        "high": round(high, 4),
        "verdict": "kept" if ratio >= GOAL else below,
        "status": "ok",
        "note": "",
    }


def explain(message: str) -> str:
    """Add to the message of a failed import the command that brings what is missing."""
    missing = re.search(r"No module named '([\w]+)", message)
    remedy = REMEDIES.get(missing[1], f"pip install {missing[1]}") if missing else ""
    if "torchvision::nms" in message:  # a wheel of torchvision beside another build of PyTorch
        remedy = REMEDIES["torchvision"]
    return f"{message}; to compare: {remedy}" if remedy else message


# -- the command -----------------------------------------------------------------------------------------------------
def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``reference`` to the sub-parsers of the command line; returns its parser."""
    root = Path(__file__).resolve().parents[1]
    parser = commands.add_parser("reference", help=TEXT, description=TEXT)
    parser.set_defaults(run=_run)
    parser.add_argument("workload", nargs="*", help="workload ids; default: all")
    parser.add_argument("--preset", default="quick", help="whose sizes are used (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=Path("results/by-hand"), metavar="DIR", help="folder of the table")
    parser.add_argument("--cache", type=Path, default=root / "data/downloads", metavar="DIR")
    parser.add_argument("--environment", default="tuned", metavar="PROFILE")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workloads", action="append", type=Path, default=[], metavar="DIR", help="further workloads")
    for framework in MODES:
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter with {framework}'s reference")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although a goal was missed")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    return parser


def _run(options: argparse.Namespace) -> int:
    from reproductions import datasets, registry
    from reproductions.exclusive import exclusive

    names = options.workload or list(registry.discover(options.workloads))
    workloads = [registry.find(name, options.workloads) for name in names]
    if not workloads:
        raise SurveyError("no workload to compare; see `python -m reproductions list`")
    data = {
        workload.id: datasets.fetch(workload.datasets[0], options.cache) / "arrays.npz"
        for workload in workloads
        if workload.datasets[0] != "synthetic"
    }
    settings = Options(
        folder=options.out / "unfinished",
        data=data,
        environment=options.environment,
        threads=options.threads,
        device=options.device,
        seed=options.seed,
        python={framework: getattr(options, f"python_{framework}") for framework in MODES},
    )
    with exclusive(options.wait):
        rows = compare(workloads, options.preset, settings, options.out)
    for row in rows:
        number = f"{row['ratio']:.3f} ({row['low']:.3f} to {row['high']:.3f})" if "ratio" in row else row["note"]
        print(f"{row['workload']:20} {row['framework']:10} {row.get('phase', ''):6} {row['verdict']:20} {number}")
    missed = [row for row in rows if row["verdict"].startswith(("below", "parameters")) or row["status"] == "failed"]
    return 1 if missed and not options.keep_going else 0


if __name__ == "__main__":
    from reproductions.process import serve

    sys.exit(serve(Session))
