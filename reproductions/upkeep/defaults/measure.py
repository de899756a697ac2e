"""Reads each default from both frameworks, trains with the one and with the other, and compares accuracies by seed."""

from __future__ import annotations

import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from queue import Empty, Queue
from types import ModuleType

import numpy as np

from reproductions import machine
from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.journal import Journal
from reproductions.process import Child
from reproductions.upkeep.defaults import SIDES, discover, setting
from reproductions.upkeep.defaults.networks import NETWORKS
from reproductions.upkeep.rows import again, write
from reproductions.upkeep.safety import inert

log = logging.getLogger(__name__)
TABLE = "upkeep_defaults.csv"
COLUMNS = (
    *("machine", "date", "default", "title", "network", "dataset", "pytorch_asked", "pytorch_value", "pytorch_version"),
    *("tensorflow_asked", "tensorflow_value", "tensorflow_version", "seeds", "epochs", "n_train", "n_test"),
    *("accuracy_pytorch", "accuracy_tensorflow", "difference", "low", "high", "wording", "command", "status", "note"),
)
EPOCHS = {"convolutional": 2, "recurrent": 3, "transformer": 3}
LEVEL = 0.95


@dataclass(frozen=True)
class Options:
    """What is run.

    data      the ``arrays.npz`` of each data set, by its id
    defaults  ids; empty: all of them
    seeds     trainings of each setting
    examples  training examples that are taken; 0 for all
    workers   processes that train at a time, one thread each
    python    interpreter by framework; absent or None is the one that runs this
    flags     options of the command that change what is measured, for the rows' commands
    """

    data: Mapping[str, Path] = field(default_factory=dict)
    defaults: Sequence[str] = ()
    seeds: int = 8
    examples: int = 0
    epochs: Mapping[str, int] = field(default_factory=lambda: dict(EPOCHS))
    workers: int = 2
    python: Mapping[str, str | None] = field(default_factory=dict)
    flags: Sequence[str] = ()
    timeout_s: float = 180


def measure(out: Path, options: Options) -> list[dict]:
    """Read, train and compare; write the table to ``out`` and return its rows. A killed run goes on."""
    modules = {name: discover()[name] for name in options.defaults or discover()}
    with tempfile.TemporaryDirectory(prefix="upkeep-") as scratch:
        read = {side: _read(side, out, Path(scratch), options) for side in SIDES}
        jobs = plan(modules, read, options)
        known = _trained(jobs, out, Path(scratch), options)
    common = {"machine": machine.describe()["machine"], "date": datetime.now(UTC).date().isoformat()}
    rows = [common | row for row in summarise(modules, read, known, options)]
    for row in rows:
        row["command"] = again("defaults", row["default"], flags=options.flags)
    write(out / TABLE, COLUMNS, rows, ("default",), chosen=bool(options.defaults))
    _journal(out, options).remove()
    return rows


# -- reading -----------------------------------------------------------------------------------------------------------
def _read(side: str, out: Path, scratch: Path, options: Options) -> dict:
    """Return version, values and faults of one side; a framework that is absent is a fault of every default."""
    try:
        with _child("read", side, out, scratch, options) as child:
            about = child.ask("start", task="read", side=side)
            return about | child.ask("read", names=list(discover()))
    except WorkerFailed as error:
        why = inert(error.message)
        return {"version": None, "values": {}, "faults": dict.fromkeys(discover(), why)}


def _child(task: str, side: str, out: Path, scratch: Path, options: Options) -> Child:
    return Child(
        [options.python.get(side) or sys.executable, "-m", "reproductions.upkeep.defaults.session"],
        environment=worker_environment("tuned", 1, scratch),
        folder=scratch,
        log=out / "unfinished" / "upkeep" / f"defaults-{task}-{side}.log",
        timeout_s=options.timeout_s,
    )


# -- training ----------------------------------------------------------------------------------------------------------
def base(modules: Mapping[str, ModuleType], read: Mapping[str, Mapping], network: str) -> dict:
    """Return the settings of a network where every default is PyTorch's, as read; shared ones are not among them."""
    return {
        module.DEFAULT.setting: setting(module, "pytorch", read["pytorch"]["values"][name])
        for name, module in modules.items()
        if module.DEFAULT.network == network
        and name in read["pytorch"]["values"]
        and module.DEFAULT.setting != "learning_rate"  # belongs to SGD alone
    }


def settings_of(modules: Mapping[str, ModuleType], read: Mapping[str, Mapping], name: str) -> dict[str, dict]:
    """Return the settings of both trainings of a default: they differ in it alone.

    modules  of every default, since the base takes them all
    """
    own = modules[name].DEFAULT
    common = base(modules, read, own.network) | dict(own.common)
    return {side: common | {own.setting: setting(modules[name], side, read[side]["values"][name])} for side in SIDES}


def differs(read: Mapping[str, Mapping], name: str) -> bool | None:
    """Return whether what was read differs; None if one side could not be read."""
    if any(name not in read[side]["values"] for side in SIDES):
        return None
    return read["pytorch"]["values"][name] != read["tensorflow"]["values"][name]


def key(network: str, settings: Mapping, seed: int) -> str:
    """Return the name of one training: two defaults whose base is the same share it."""
    return json.dumps([network, settings, seed], sort_keys=True)


def plan(modules: Mapping[str, ModuleType], read: Mapping[str, Mapping], options: Options) -> dict[str, tuple]:
    """Return the trainings by key, seed after seed, so that a run that is cut off has whole seeds."""
    every, jobs = discover(), {}
    for seed in range(1, options.seeds + 1):
        for name, module in modules.items():
            if differs(read, name) and not _unread(every, read, name):
                for settings in settings_of(every, read, name).values():
                    network = module.DEFAULT.network
                    jobs.setdefault(key(network, settings, seed), (network, settings, seed))
    return jobs


def _unread(every: Mapping[str, ModuleType], read: Mapping[str, Mapping], name: str) -> list[str]:
    """Return the defaults of the same network that PyTorch's side could not be asked for: there is no base then."""
    network = every[name].DEFAULT.network
    return [
        other
        for other, module in every.items()
        if module.DEFAULT.network == network and other not in read["pytorch"]["values"]
    ]


def _journal(out: Path, options: Options) -> Journal:
    journal = Journal(out / "unfinished" / "upkeep_defaults.jsonl")
    wanted = {"examples": options.examples, "epochs": dict(options.epochs)}
    if journal.rows and journal.rows[0].get("plan") != wanted:
        journal.remove()
        journal = Journal(journal.path)
    if not journal.rows:
        journal.add({"plan": wanted})
    return journal


def _trained(jobs: Mapping[str, tuple], out: Path, scratch: Path, options: Options) -> dict[str, dict]:
    """Return the result of each training by key; what failed once is not tried again in this run."""
    journal = _journal(out, options)
    known = {row["key"]: row["result"] for row in journal.rows if "key" in row}
    todo = [name for name in jobs if name not in known]
    waiting, given = Queue(), Queue()
    for name in todo:
        waiting.put(name)
    with ThreadPoolExecutor(max(1, min(options.workers, len(todo)))) as pool:
        start = partial(_trainer, out, scratch, options)
        running = [pool.submit(_work, waiting, given, start, jobs, options) for _ in range(options.workers)]
        try:
            while not (given.empty() and all(each.done() for each in running)):
                try:
                    name, result = given.get(timeout=1)
                except Empty:
                    continue
                known[name] = result
                journal.add({"key": name, "result": result})
                if (ended := sum(each in known for each in todo)) % 10 == 0 or ended == len(todo):
                    log.info("defaults: %d of %d trainings", ended, len(todo))
        finally:
            with waiting.mutex:
                waiting.queue.clear()  # an interrupted run does not wait for the rest
        for each in running:
            each.result()
    return known


def _work(waiting: Queue, given: Queue, start: Callable[[], Child], jobs: Mapping, options: Options) -> None:
    """Train what waits, one after the other in one process; a process that has failed is replaced."""
    child = None
    try:
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            network, settings, seed = jobs[name]
            ask = {"network": network, "settings": settings, "seed": seed, "examples": options.examples}
            try:
                child = child or start()
                result = {"status": "ok"} | child.ask("train", epochs=options.epochs[network], **ask)
            except WorkerFailed as error:
                result = {"status": error.status, "note": inert(error.message)}
                child = child and child.stop()
            given.put((name, result))
    finally:
        if child:
            child.stop()


def _trainer(out: Path, scratch: Path, options: Options) -> Child:
    child = _child("train", "pytorch", out, scratch, options)
    data = {name: str(Path(path).resolve()) for name, path in options.data.items()}
    try:
        child.ask("start", task="train", data=data, threads=1)
    except WorkerFailed:
        child.stop()
        raise
    return child


# -- rows --------------------------------------------------------------------------------------------------------------
def summarise(
    modules: Mapping[str, ModuleType], read: Mapping[str, Mapping], known: Mapping[str, Mapping], options: Options
) -> list[dict]:
    """Return a row a default: what either side has, and the accuracy with TensorFlow's minus that with PyTorch's."""
    every, rows = discover(), []
    for name, module in modules.items():
        own = module.DEFAULT
        row = {
            "default": name,
            "title": own.title,
            "network": own.network,
            "dataset": NETWORKS[own.network]["dataset"],
            "status": "ok",
        }
        for side in SIDES:
            values = read[side]["values"]
            row |= {f"{side}_asked": own.asked[side], f"{side}_version": read[side]["version"]}
            row[f"{side}_value"] = text(module, values[name]) if name in values else None
        faults = [read[side]["faults"][name] for side in SIDES if name in read[side]["faults"]]
        if faults:
            row |= {"status": "failed", "note": inert(faults[0])}
        elif not differs(read, name):
            row |= {"status": "same", "note": "does not differ in these releases, so nothing was trained"}
        elif unread := _unread(every, read, name):
            row |= {"status": "failed", "note": f"no base to change it in: {', '.join(unread)} could not be read"}
        else:
            row |= _effect(settings_of(every, read, name), own.network, known, options)
        rows.append(row)
    return rows


def _effect(settings: Mapping[str, dict], network: str, known: Mapping[str, Mapping], options: Options) -> dict:
    found = {
        side: [known.get(key(network, own, seed), {}) for seed in range(1, options.seeds + 1)]
        for side, own in settings.items()
    }
    pairs = [pair for pair in zip(*found.values(), strict=True) if all(each.get("status") == "ok" for each in pair)]
    wrong = next((each for own in found.values() for each in own if each.get("status", "ok") != "ok"), None)
    row = {"seeds": len(pairs), "epochs": options.epochs[network]}
    if wrong or not pairs:
        return row | {"status": (wrong or {}).get("status", "failed"), "note": (wrong or {}).get("note", "not trained")}
    shares = np.array([[each["correct"] / each["n_test"] for each in pair] for pair in pairs])
    row |= {
        "n_train": pairs[0][0]["n_train"],
        "n_test": pairs[0][0]["n_test"],
        "accuracy_pytorch": float(shares[:, 0].mean()),
        "accuracy_tensorflow": float(shares[:, 1].mean()),
    }
    return row | difference(shares[:, 1] - shares[:, 0])


def difference(values: np.ndarray) -> dict:
    """Return the mean of paired differences with a Student t interval over seeds, and in words; one seed has none."""
    from scipy.stats import t

    centre = float(np.mean(values))
    if len(values) < 2:
        return {"difference": centre, "low": None, "high": None, "wording": "no interval: one seed"}
    half = float(t.ppf((1 + LEVEL) / 2, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))
    low, high = centre - half, centre + half
    if low <= 0 <= high:
        small = max(abs(low), abs(high)) <= 0.01
        wording = "within one point" if small else "no difference settled"
    else:
        wording = f"{'more' if low > 0 else 'less'} accurate with TensorFlow's"
    return {"difference": centre, "low": low, "high": high, "wording": wording}


def text(module: ModuleType, value: object) -> str:
    """Return a default as a person writes it."""
    if hasattr(module, "text"):
        return module.text(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {each}" for name, each in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def needed(defaults: Iterable[str]) -> list[str]:
    """Return the data sets that the networks of some defaults take; of all of them where none are named."""
    modules = discover()
    chosen = list(defaults) or list(modules)
    return sorted({NETWORKS[modules[name].DEFAULT.network]["dataset"] for name in chosen})
