"""Every route with every model: does it convert, compute the same, still train, train the same, and how fast is it?

The left model writes what the moved one must repeat; both are compared here, in no framework's process. A step whose
tool is not installed is a row ``skipped`` that says how to get it; a conversion that fails is a row with its message.
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import numpy as np

from reproductions import machine, parity, registry
from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.journal import Journal
from reproductions.process import Child
from reproductions.upkeep import environments
from reproductions.upkeep.environments import Environments, NotInstallable
from reproductions.upkeep.moving.routes import INTERPRETER, Route, discover
from reproductions.upkeep.rows import again, write
from reproductions.upkeep.safety import inert

log = logging.getLogger(__name__)
TABLE = "upkeep_moving.csv"
COLUMNS = (
    *("machine", "date", "workload", "network", "route", "title", "leaves", "arrives", "documented", "tools"),
    *("version", "converts", "convert_s", "parameters", "trainable", "logits_difference", "logits_tolerance"),
    *("same_outputs", "trace_difference", "trace_tolerance", "same_training", "infer", "infer_low", "infer_high"),
    *("train", "train_low", "train_high", "rounds", "command", "status", "note"),
)
#: The workloads that are moved: what kind of network each is.
NETWORKS = {"cnn_mnist": "convolutional", "gru_text": "recurrent", "bert_encoder": "transformer"}
PHASES = ("infer", "train")
BLOCK_S = 0.25


@dataclass(frozen=True)
class Options:
    """What is run.

    data       the ``arrays.npz`` of each workload's data set, by workload
    routes     ids; empty: all of them
    workloads  keys of :data:`NETWORKS`; empty: all of them
    preset     whose sizes the models have
    restarts   fresh sets of processes for the timing; fewer than two give no interval
    rounds     paired blocks a restart
    python     interpreter by framework; absent or None is the one that runs this
    flags      options of the command that change what is measured, for the rows' commands
    """

    data: Mapping[str, Path] = field(default_factory=dict)
    routes: Sequence[str] = ()
    workloads: Sequence[str] = ()
    preset: str = "quick"
    restarts: int = 2
    rounds: int = 5
    threads: int = 1
    seed: int = 1
    python: Mapping[str, str | None] = field(default_factory=dict)
    environments: Environments = field(default_factory=Environments)
    flags: Sequence[str] = ()
    timeout_s: float = 300


def measure(out: Path, options: Options) -> list[dict]:
    """Take every workload along every route, write the table to ``out`` and return its rows.

    A killed run goes on behind the last whole workload.
    """
    modules = discover()
    routes = [modules[name].ROUTE for name in options.routes or modules]
    names = list(options.workloads or NETWORKS)
    journal = Journal(out / "unfinished" / "upkeep_moving.jsonl")
    plan = {"routes": [route.id for route in routes], "preset": options.preset, "restarts": options.restarts}
    plan |= {"rounds": options.rounds, "threads": options.threads, "seed": options.seed}
    if journal.rows and journal.rows[0].get("plan") != plan:
        journal.remove()
        journal = Journal(journal.path)
    if not journal.rows:
        journal.add({"plan": plan})
    known = {row["workload"]: row["rows"] for row in journal.rows if "workload" in row}
    for name in names:
        if name not in known:
            with tempfile.TemporaryDirectory(prefix="upkeep-") as scratch:
                known[name] = _workload(name, routes, options, Path(scratch), out)
            journal.add({"workload": name, "rows": known[name]})
    common = {"machine": machine.describe()["machine"]}
    rows = [common | row for name in names for row in known[name]]
    for row in rows:
        row["command"] = again("moving", row["route"], "--workload", row["workload"], flags=options.flags)
    write(out / TABLE, COLUMNS, rows, ("workload", "route"), chosen=bool(options.routes or options.workloads))
    journal.remove()
    return rows


def _workload(name: str, routes: Sequence[Route], options: Options, scratch: Path, out: Path) -> list[dict]:
    workload = registry.find(name)
    common = {"workload": name, "network": NETWORKS[name], "date": datetime.now(UTC).date().isoformat()}
    found: dict[str, dict] = {}
    pythons: dict[str, dict[str, str]] = {}
    for route in routes:
        found[route.id] = common | _about(route)
        try:
            pythons[route.id] = {step: _python(*route.step[step], options) for step in route.step}
        except Skipped as reason:
            found[route.id] |= {"status": "skipped", "note": str(reason)}
    going = [route for route in routes if route.id in pythons]
    run = _Run(workload, options, scratch, out)
    told = run.left(going, pythons)
    came = run.arrived([route for route in going if told[route.id]["status"] == "ok"], pythons, told)
    for route in going:
        answer = told[route.id] | came.get(route.id, {})
        found[route.id] |= judge(route, answer, workload.tolerances)
        log.info("%s, %s to %s, %s: %s", name, route.leaves, route.arrives, route.title, _brief(found[route.id]))
    return [found[route.id] for route in routes]


def _about(route: Route) -> dict:
    return {
        "route": route.id,
        "title": route.title,
        "leaves": route.leaves,
        "arrives": route.arrives,
        "documented": route.documented,
    }


def _brief(row: Mapping) -> str:
    if row["status"] != "ok":
        return f"{row['status']}: {row['note']}"
    return f"outputs same: {row['same_outputs']}, {row['trainable']:,} of {row['parameters']:,} parameters train"


# -- interpreters ------------------------------------------------------------------------------------------------------
class Skipped(Exception):
    """A step cannot be run here; the message says how it could."""


def _python(place: str, needs: tuple[str, ...], environment: str, options: Options) -> str:
    """Return the interpreter of a step: its own environment's if it may be used, else the usual one.

    raises  Skipped if neither has what the step imports
    """
    usual, own = options.python.get(INTERPRETER[place]) or sys.executable, options.environments
    candidates = [usual]
    if environment and own.wants(environment):
        try:
            candidates.insert(0, own.python(environment))
        except NotInstallable as error:
            raise Skipped(f"the environment {environment} cannot be made: {error}") from error
    for python in candidates:
        if not (absent := _missing(python, needs)):
            return python
    hint = environments.offer(environment) if environment else f"pip install {' '.join(absent)}"
    raise Skipped(f"{', '.join(absent)} not installed; {hint}")


@cache
def _missing(python: str, needs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(environments.missing(python, needs)) if needs else ()


# -- processes ---------------------------------------------------------------------------------------------------------
class _Run:
    """The processes of one workload, a place and an interpreter at a time."""

    def __init__(self, workload, options: Options, scratch: Path, out: Path):
        self.workload, self.options, self.scratch, self.out = workload, options, scratch, out
        self.preset = workload.preset(options.preset)

    def left(self, routes: Sequence[Route], pythons: Mapping) -> dict[str, dict]:
        """Let every route carry its files out; returns the answers by route, with the path of the source's results."""
        found: dict[str, dict] = {}
        for (place, python), group in _grouped(routes, pythons, "leave").items():
            source = self.scratch / f"source-{place}-{len(found)}.npz"
            waiting = list(group)
            while waiting:
                try:
                    log.info("moving: %s leaves %s", self.workload.id, place)
                    with self._child("leave", place, python, out=str(source)) as child:
                        about = child.receive("start")
                        while waiting:
                            route = waiting.pop(0)
                            folder = self.scratch / route.id
                            folder.mkdir(exist_ok=True)
                            answer = _ask(child, "leave", route=route.id, folder=str(folder))
                            more = {name: about[name] for name in ("parameters", "axes")}
                            more |= {"left": about["version"], "source": str(source)}
                            found[route.id] = more | answer
                            if answer["status"] != "ok":
                                break
                except WorkerFailed as error:  # the source itself does not run
                    failed = {"status": error.status, "note": inert(error.message)}
                    found |= {route.id: failed for route in waiting}
                    waiting = []
        return found

    def arrived(self, routes: Sequence[Route], pythons: Mapping, told: Mapping) -> dict[str, dict]:
        """Take every route's model through the same steps and time it; returns the answers by route.

        told  the answers of the leaving processes
        """
        found: dict[str, dict] = {}
        for (place, python), group in _grouped(routes, pythons, "arrive").items():
            for restart in range(self.options.restarts):
                waiting = [route for route in group if not restart or self._timed(found.get(route.id, {}))]
                while waiting:
                    try:
                        log.info("moving: %s arrives in %s, restart %d", self.workload.id, place, restart + 1)
                        with self._child("arrive", place, python) as child:
                            about = child.receive("start")
                            while waiting:
                                route = waiting.pop(0)
                                answer = self._arrive(child, route, told[route.id]["axes"]) | {
                                    "arrived": about["version"]
                                }
                                _add(found, route.id, answer)
                                if answer["status"] != "ok":
                                    break
                    except WorkerFailed as error:
                        failed = {"status": error.status, "note": inert(error.message)}
                        found |= {route.id: found.get(route.id, {}) | failed for route in waiting}
                        waiting = []
        return found

    def _arrive(self, child: Child, route: Route, axes: list[int] | None) -> dict:
        folder, out = self.scratch / route.id, self.scratch / f"moved-{route.id}.npz"
        answer = _ask(child, "arrive", route=route.id, folder=str(folder), out=str(out), axes=axes)
        if answer["status"] != "ok":
            return answer
        answer |= {"moved": str(out), "arrive_tools": answer.pop("tools"), "arrive_s": answer.pop("seconds")}
        if route.native:
            return answer
        for phase in PHASES:
            if phase == "train" and not answer["trainable"]:
                continue
            timed = _ask(child, "rounds", phase=phase, rounds=self.options.rounds, seconds=BLOCK_S)
            if timed["status"] != "ok":
                return answer | timed
            answer[phase] = [timed["rounds"]]
        return answer

    @staticmethod
    def _timed(answer: Mapping) -> bool:
        """Return whether another restart has something to time."""
        return answer.get("status") == "ok" and any(phase in answer for phase in PHASES)

    def _child(self, step: str, place: str, python: str, **more: object) -> Child:
        keras = {"KERAS_BACKEND": "torch"} if place == "keras_torch" else {}
        scratch = self.scratch.resolve()
        child = Child(
            [python, "-m", "reproductions.upkeep.moving.session"],
            environment=worker_environment("tuned", self.options.threads, scratch) | keras,
            folder=scratch,
            log=self.out / "unfinished" / "upkeep" / f"moving-{self.workload.id}-{step}-{place}.log",
            timeout_s=self.options.timeout_s,
        )
        runtime = {
            "threads": self.options.threads,
            "device": "cpu",
            "data": str(Path(self.options.data[self.workload.id]).resolve()),
            "batch_size": self.preset.batch_size["train"],
        }
        child.send(
            "start",
            step=step,
            workload=str(self.workload.folder.resolve()),
            place=place,
            sizes=dict(self.preset.sizes),
            runtime=runtime,
            seed=self.options.seed,
            **more,
        )
        return child


def _grouped(routes: Iterable[Route], pythons: Mapping, step: str) -> dict[tuple[str, str], list[Route]]:
    found: dict[tuple[str, str], list[Route]] = {}
    for route in routes:
        found.setdefault((route.step[step][0], pythons[route.id][step]), []).append(route)
    return found


def _ask(child: Child, operation: str, **arguments: object) -> dict:
    """Return an answer with its status; a process that has failed answers no more."""
    try:
        return {"status": "ok", **child.ask(operation, **arguments)}
    except WorkerFailed as error:
        return {"status": error.status, "note": inert(error.message)}


def _add(found: dict[str, dict], name: str, answer: dict) -> None:
    """Keep the first restart's answer and add the blocks of the others."""
    if name not in found:
        found[name] = answer
        return
    for phase in PHASES:
        if phase in answer:
            found[name][phase] = [*found[name].get(phase, []), *answer[phase]]
    if answer["status"] != "ok":
        found[name] |= {"status": answer["status"], "note": answer["note"]}


# -- rows --------------------------------------------------------------------------------------------------------------
def judge(route: Route, answer: Mapping, tolerances: Mapping[str, float]) -> dict:
    """Return what a row says of a move.

    answer  of the leaving and the arriving process: ``status``, ``parameters``, ``trainable``, ``source`` and ``moved``
            (npz files with logits and losses), blocks by phase
    """
    left, arrived = answer.get("tools") or {}, answer.get("arrive_tools") or {}
    row = {
        "status": answer["status"],
        "note": answer.get("note"),
        "parameters": answer.get("parameters"),
        "version": _versions(route, answer),
        "tools": ", ".join(f"{name} {version}" for name, version in (left | arrived).items()) or None,
        "converts": "yes" if "moved" in answer else "no",
        "convert_s": answer["seconds"] + answer["arrive_s"] if "arrive_s" in answer else None,
    }
    if "moved" not in answer:
        return row
    source, moved = _results(answer["source"]), _results(answer["moved"])
    logits = parity.difference(source["logits"], moved["logits"])
    row |= {
        "trainable": answer["trainable"],
        "logits_difference": _finite(logits),
        "logits_tolerance": tolerances["float32_logits"],
        "same_outputs": _yes(logits <= tolerances["float32_logits"]),
        "trace_tolerance": tolerances["float32_trace_loss"],
        "same_training": "no",
    }
    notes = [row["note"]] if row["note"] else []
    if "losses" in moved:
        trace = parity.difference(source["losses"], moved["losses"])
        row |= {"trace_difference": _finite(trace), "same_training": _yes(trace <= tolerances["float32_trace_loss"])}
    else:
        notes.append("nothing in it trains")
    if route.native:
        notes.append("the moved model is the framework's own, so its speed is native")
    whole = answer["trainable"] == answer["parameters"]
    for phase in PHASES:
        if phase in answer and (phase == "infer" or whole):
            row |= _speed(phase, answer[phase])
            row["rounds"] = sum(len(blocks) for blocks in answer[phase])
    if 0 < answer["trainable"] < answer["parameters"]:
        notes.append("fewer parameters train, so the time of a training step says nothing")
    if answer["trainable"] > answer["parameters"]:
        notes.append("constants of the graph have become parameters, too")
    return row | {"note": "; ".join(notes) or None}


def _versions(route: Route, answer: Mapping) -> str | None:
    """Say the versions of the framework that was left and of the one that was reached."""
    places = {"left": route.leaves, "arrived": route.arrives}
    said = [(places[key], answer[key]) for key in places if key in answer]
    words = [
        f"keras {version.replace(' on ', ' on torch ')}" if place == "keras_torch" else f"{place} {version}"
        for place, version in said
    ]
    return ", ".join(words) or None


def _results(path: str) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _speed(phase: str, restarts: Sequence[Sequence[Mapping]]) -> dict:
    """Return the speed of the moved model by the native one's, with an interval over restarts and paired blocks."""
    from analysis.resampling import interval

    ratios = [np.array([block["native"]["cpu_ms"] / block["moved"]["cpu_ms"] for block in own]) for own in restarts]
    ratio, low, high = interval(ratios)
    return {phase: float(ratio), f"{phase}_low": _finite(low), f"{phase}_high": _finite(high)}


def smoke(options: Options) -> Options:
    """Return the options of a little of it: one small model along the four routes that need no further tool.

    Routes and workloads that were chosen stay chosen.
    """
    routes = ("mapped_to_pytorch", "mapped_to_tensorflow", "keras_to_torch", "keras_to_tensorflow")
    little = {"workloads": options.workloads or ("gru_text",), "routes": options.routes or routes}
    return replace(options, **little, preset="smoke", restarts=1, rounds=2)
