"""Every path with every model: exported, loaded elsewhere, checked, measured side by side, written as rows.

1. The models are trained once; each source framework answers the whole test set eagerly.
2. Each path exports in a process of its own.
3. For each number of threads another process loads the artefact and answers the whole test set.
4. Paths that answer rightly are measured side by side: one process each, blocks of both batch sizes in turn, the order
   reversed from round to round (A B B A); fresh processes in each restart. Estimator and intervals are the harness's.

Whatever is finished is on disk at once: the same command goes on after a kill. A failure is a row, never a gap.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions import machine
from reproductions.contributions import tidied
from reproductions.deployment import environments, models, spec
from reproductions.deployment.models import FULL, Prepared, Recipe
from reproductions.deployment.spec import Artefact, Request
from reproductions.environments import worker_environment
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import sha256, write_csv, write_json
from reproductions.journal import Journal
from reproductions.process import Child

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
TABLE, ROUNDS, ENVIRONMENT = "matrix.csv", "rounds.csv", "environment.json"
COLUMNS = (
    "machine",
    "path",
    "framework",
    "runtime",
    "model",
    "data",
    "test_rows",
    "threads",
    "installs",
    "exports",
    "runs",
    "status",
    "stage",
    "note",
    "report_url",
    "export_s",
    "artefact_bytes",
    "install_bytes",
    "import_ms",
    "load_ms",
    "first_answer_ms",
    "latency_p50_ms",
    "latency_p50_low_ms",
    "latency_p50_high_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "throughput_b32_per_s",
    "throughput_b32_low",
    "throughput_b32_high",
    "peak_memory_mib",
    "max_logit_difference",
    "argmax_agreement",
    "accuracy",
    "accuracy_source",
    "accuracy_change",
    "accuracy_change_low",
    "accuracy_change_high",
    "dynamic_batch",
    "quantized",
    "environment",
    "versions",
    "clock",
    "rounds",
    "restarts",
    "flags",
    "date",
)
ROUND_COLUMNS = ("machine", "path", "model", "threads", "batch_size", "restart", "round", "clock_ms", "wall_ms")
CORE = "core"
#: A percentile needs this many calls, so that it is not simply the slowest of them.
LEAST_CALLS = {95: 20, 99: 100}
#: Of the tail of a process's log in which an expected failure is looked for.
LOG_TAIL = 20_000
NORMAL_95 = 1.959964
#: Seconds a path and model, and a model's training, on the reference machine of two cores; for the plan alone.
EXPORT_S, CHECK_S, START_S, TRAINING_S = 9, 7, 3, 60


@dataclass(frozen=True)
class Settings:
    """What is run, and how much.

    work      folder of models, artefacts, logs and the journal
    cache     of data sets
    only      ids of paths; None takes all
    models    ids of models
    extra     environments that may be used beside the core one
    threads   numbers of compute threads
    recipe    how the models are trained and tested
    restarts  fresh sets of processes; the last number of threads has one fewer, but at least two where the first has
    rounds    blocks of each path and batch size in a restart
    seconds   length of a block
    paths     further folders of paths
    python    interpreter of the processes
    timeout_s how long an answer may take, exports apart
    """

    work: Path
    cache: Path
    only: Sequence[str] | None = None
    models: Sequence[str] = tuple(spec.MODELS)
    extra: Sequence[str] = ()
    threads: Sequence[int] = (1,)
    recipe: Recipe = FULL
    restarts: int = 3
    rounds: int = 4
    seconds: float = 0.2
    paths: Sequence[Path] = ()
    python: str = sys.executable
    timeout_s: float = 300

    def restarts_at(self, threads: int) -> int:
        """Return how many restarts a number of threads gets."""
        first = threads == self.threads[0]
        return self.restarts if first else max(min(2, self.restarts), self.restarts - 1)


def all_threads() -> tuple[int, ...]:
    """Return one thread and all of them, once where there is one core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return tuple(dict.fromkeys((1, cores)))


def chosen(settings: Settings) -> dict[str, spec.Path]:
    """Return the paths of a run; SurveyError for an unknown id or model."""
    for model in settings.models:
        if model not in spec.MODELS:
            raise SurveyError(f"no model {model!r}; there are: {', '.join(spec.MODELS)}")
    if settings.only is None:
        return spec.discover(settings.paths)
    return {name: spec.find(name, settings.paths) for name in settings.only}


@dataclass(frozen=True)
class Task:
    """One path with one model."""

    path: spec.Path
    model: str

    @property
    def key(self) -> tuple[str, str]:
        """Return (path, model)."""
        return self.path.id, self.model


def tasks(settings: Settings) -> list[Task]:
    """Return what is tried, model by model."""
    found = chosen(settings).values()
    return [Task(path, model) for model in settings.models for path in found if model in path.models]


def lacking(path: spec.Path, settings: Settings) -> str:
    """Return why a path cannot be tried here, with the remedy; or an empty string."""
    reasons = path.missing()
    if path.extra and path.extra not in settings.extra:
        reasons.append(environments.offer(path.extra))
    return "; ".join(reasons)


def minutes(settings: Settings, tried: int) -> float:
    """Return about how long a run of ``tried`` paths takes on the reference machine."""
    starts = sum(settings.restarts_at(threads) for threads in settings.threads)
    blocks = starts * settings.rounds * len(spec.BATCHES) * settings.seconds
    # Export, check and start of a process: what they took on two cores on average.
    seconds = EXPORT_S + len(settings.threads) * CHECK_S + starts * START_S + blocks + 2 * starts * settings.seconds
    return (tried * seconds + TRAINING_S * len(settings.models)) / 60


# -- processes ---------------------------------------------------------------------------------------------------------
def child(settings: Settings, request: Request, name: str, task: Task | None = None, **start: object) -> Child:
    """Return a started process of :mod:`reproductions.deployment.worker`; WorkerFailed if it cannot start.

    It sees no GPU: the matrix is about CPUs.
    """
    scratch = settings.work / "scratch" / (f"{task.path.id}-{task.model}" if task else name)
    variables = worker_environment("as_shipped", request.threads, scratch.resolve()) | {
        "KERAS_BACKEND": "torch" if request.framework == "keras_torch" else "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
        **(dict(task.path.environment) if task else {}),
    }
    found = Child(
        [settings.python, "-m", "reproductions.deployment.worker"],
        environment=variables,
        folder=scratch,
        log=_log(settings, name),
        timeout_s=settings.timeout_s,
    )
    try:
        found.ask(
            "start", request=request.plain(), paths=[str(Path(folder).resolve()) for folder in settings.paths], **start
        )
    except WorkerFailed:
        found.stop()
        raise
    return found


def _log(settings: Settings, name: str) -> Path:
    return settings.work / "logs" / f"{name}.log"


def prepared(model: str, settings: Settings, frameworks: tuple[str, ...] = spec.FRAMEWORKS) -> Prepared:
    """Return a model with the source frameworks' logits, trained if need be."""
    cores = all_threads()[-1]

    def start(request: Request, name: str) -> Child:
        # Training with every core is another sum order than with one; it is done once, and every path gets its result.
        return child(settings, replace(request, threads=cores), name)

    folder = settings.work / "models" / model
    return models.prepare(model, folder, settings.cache, settings.recipe, start=start, frameworks=frameworks)


def artefact_key(path: spec.Path, source: Prepared) -> str:
    """Return a hash of what decides an artefact."""
    code = [sha256(HERE / name) for name in ("spec.py", "models.py", "worker.py")]
    decisive = [path.digest(), path.versions(), source.key, code]
    return hashlib.sha256(json.dumps(decisive, sort_keys=True).encode()).hexdigest()[:12]


def exported(path: spec.Path, source: Prepared, settings: Settings, *, anew: bool = False) -> tuple[Path, dict]:
    """Return the folder of an artefact and what its export took; exports if it is not there.

    anew   export although it is there, for its time

    Raises WorkerFailed if the export fails.
    """
    task = Task(path, source.model)
    folder = settings.work / "artefacts" / source.model / path.id
    record = folder.with_name(f"{path.id}.json")
    key = artefact_key(path, source)
    known = _read_json(record)
    if known.get("key") == key and folder.is_dir() and not anew:
        return folder, known
    record.unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    prefixes = {path.extra: str(environments.prefix(path.extra))} if path.extra else {}
    request = source.request(path.framework, 1, prefixes)
    name = f"export-{path.id}-{source.model}"
    _log(settings, name).unlink(missing_ok=True)
    own = replace(settings, timeout_s=path.export_timeout_s)
    with child(own, request, name, task, path=path.id, folder=str(folder.resolve())) as process:
        answer = process.ask("export")
    known = answer | {"key": key, "date": _today()}
    write_json(record, known)
    return folder, known


# -- running -----------------------------------------------------------------------------------------------------------
def run(out: Path, settings: Settings) -> list[dict]:
    """Try and measure every path, write ``matrix.csv``, ``rounds.csv`` and ``environment.json`` to ``out``.

    Returns the rows of the matrix that belong to this run; rows of other paths and models stay in the table.
    """
    wanted = tasks(settings)
    reasons = {path.id: lacking(path, settings) for path in chosen(settings).values()}
    broken = _made({task.path.extra for task in wanted if task.path.extra and not reasons[task.path.id]})
    todo = [task for task in wanted if not reasons[task.path.id] and task.path.extra not in broken]
    journal = _journal(settings, wanted, reasons)
    attempt = _Run(settings, journal)
    for model in settings.models if todo else ():
        attempt.sources[model] = prepared(model, settings, _frameworks(todo, model))
    before = machine.pressure()
    for number, task in enumerate(todo, 1):
        attempt.try_out(task, f"{number} of {len(todo)}")
    for model in settings.models:
        for threads in settings.threads:
            attempt.measure([task for task in todo if task.model == model], threads)
    rows = []
    for task in wanted:
        missing, unmade = reasons[task.path.id], broken.get(task.path.extra, "")
        found = [("skipped", f"missing: {missing}")] if missing else [("failed", unmade)] if unmade else []
        rows += _absent(task, *found[0], settings) if found else _rows(task, attempt)
    rows = tidied(rows)  # messages may hold paths and names of this machine
    rounds = [row for task in todo for row in _round_rows(task, attempt)]
    _merge(out / TABLE, COLUMNS, rows)
    _merge(out / ROUNDS, ROUND_COLUMNS, rounds, replaced=[task.key for task in wanted])
    write_json(out / ENVIRONMENT, _environment(settings, wanted, before))
    journal.remove()
    return rows


def _made(names: Iterable[str]) -> dict[str, str]:
    """Make extra environments; return why some could not be."""
    broken = {}
    for name in sorted(names):
        try:
            environments.make(name)
        except SurveyError as error:
            log.warning("%s", error)
            broken[name] = str(error)
    return broken


def _frameworks(todo: Iterable[Task], model: str) -> tuple[str, ...]:
    used = {task.path.framework for task in todo if task.model == model}
    return tuple(framework for framework in spec.FRAMEWORKS if framework in used)


def _journal(settings: Settings, wanted: Sequence[Task], reasons: Mapping[str, str]) -> Journal:
    code = [sha256(path) for path in sorted(HERE.glob("*.py"))]
    plan = {
        "tasks": [list(task.key) for task in wanted],
        "paths": {task.path.id: [task.path.digest(), task.path.versions()] for task in wanted},
        "skipped": sorted(name for name, reason in reasons.items() if reason),
        "recipe": settings.recipe.name,
        "threads": list(settings.threads),
        "amount": [settings.restarts, settings.rounds, settings.seconds],
        "machine": machine.describe()["machine"],
        "code": hashlib.sha256("".join(code).encode()).hexdigest()[:12],
    }
    plan = json.loads(json.dumps(plan))
    journal = Journal(settings.work / "unfinished" / "deploy.jsonl")
    if journal.rows and journal.rows[0].get("plan") != plan:
        log.info("an unfinished run of other paths, packages or settings is dropped")
        journal.remove()
        journal = Journal(journal.path)
    if journal.rows:
        log.info("resuming: %d finished pieces are kept", len(journal.rows) - 1)
    else:
        journal.add({"plan": plan})
    return journal


class _Run:
    """The state of one run: what the journal holds, by kind."""

    def __init__(self, settings: Settings, journal: Journal):
        self.settings, self.journal = settings, journal
        self.sources: dict[str, Prepared] = {}
        self.exports: dict[tuple, dict] = {}
        self.checks: dict[tuple, dict] = {}
        self.blocks: dict[tuple, list[dict]] = defaultdict(list)
        self.failures: dict[tuple, dict] = {}
        for row in journal.rows:
            self._take(row)

    def _take(self, row: dict) -> None:
        if row.get("kind") == "export":
            self.exports[row["path"], row["model"]] = row
        elif row.get("kind") == "check":
            self.checks[row["path"], row["model"], row["threads"]] = row
        elif row.get("kind") == "block":
            self.blocks[row["path"], row["model"], row["threads"]].append(row)
        elif row.get("kind") == "failure":
            self.failures[row["path"], row["model"], row["threads"]] = row

    def _add(self, kind: str, task: Task, **values: object) -> dict:
        row = {"kind": kind, "path": task.path.id, "model": task.model, "date": _today(), **values}
        self.journal.add(row)
        self._take(row)
        return row

    # -- export and check ----------------------------------------------------------------------------------------------
    def try_out(self, task: Task, place: str) -> None:
        """Export, then load and check with each number of threads, as far as the journal does not hold it."""
        source, settings = self.sources[task.model], self.settings
        if task.key not in self.exports:
            begin = time.monotonic()
            try:
                self._have_source(task)
                _, known = exported(task.path, source, settings, anew=True)
                row = self._add("export", task, status="ok", stage="export", **_without(known, "key", "date"))
            except WorkerFailed as error:
                row = self._add("export", task, **self._judged(task, "export", error, f"export-{'-'.join(task.key)}"))
            log.info("%s: %s, %s: export %s", place, *task.key, _brief(row, time.monotonic() - begin))
        if self.exports[task.key]["status"] != "ok":
            return
        for threads in settings.threads:
            if (*task.key, threads) not in self.checks:
                begin = time.monotonic()
                row = self._add("check", task, threads=threads, **self._checked(task, threads))
                brief = _brief(row, time.monotonic() - begin)
                log.info("%s: %s, %s, %d threads: %s", place, *task.key, threads, brief)

    def _have_source(self, task: Task) -> None:
        """Raise what kept the source framework from answering: without its logits nothing can be compared."""
        if problem := self.sources[task.model].problems.get(task.path.framework):
            raise WorkerFailed(problem.status, f"the source framework itself: {problem.message}")

    def _judged(self, task: Task, stage: str, error: WorkerFailed, name: str) -> dict:
        """Return status, stage, note and report of a failure; one that was expected says so."""
        expected = task.path.expected.get(task.model)
        row = {"status": error.status, "stage": stage, "note": error.message, "report_url": ""}
        if expected and expected.meets(stage, error.message, _tail(_log(self.settings, name))):
            note = f"{expected.reason} ({error.message})"
            row |= {"status": "expected_failure", "note": note, "report_url": expected.report}
        return row

    def _checked(self, task: Task, threads: int) -> dict:
        """Return what a process that only deploys says: times, memory, numbers; or at which stage it failed."""
        source, settings = self.sources[task.model], self.settings
        name = f"check-{'-'.join(task.key)}-{threads}"
        out = settings.work / "answers" / f"{name}.npz"
        _log(settings, name).unlink(missing_ok=True)
        found, stage = {}, "load"
        try:
            with self._deployer(task, threads, name) as process:
                found |= process.ask("load")
                stage = "run"
                found |= process.ask("first")
                found |= process.ask("check", out=str(out.resolve()))
                stage = "numbers"
                with np.load(out, allow_pickle=False) as arrays:
                    logits, singles = arrays["logits"], arrays["singles"]
                found |= numbers(source, task.path.framework, logits, singles)
                verdict(task.path, found)
                found |= _odd(process)
                try:
                    found["other_versions"] = process.ask("finish")["versions"]
                except WorkerFailed:  # it died of the odd batch, and that is said
                    found["other_versions"] = {}
        except WorkerFailed as error:
            return found | self._judged(task, stage, error, name)
        except Wrong as error:
            return found | self._judged(task, stage, WorkerFailed("wrong", str(error)), name)
        finally:
            out.unlink(missing_ok=True)
        return found | {"status": "ok", "stage": "numbers"}

    def _deployer(self, task: Task, threads: int, name: str) -> Child:
        source, settings = self.sources[task.model], self.settings
        folder = settings.work / "artefacts" / task.model / task.path.id
        prefixes = {task.path.extra: str(environments.prefix(task.path.extra))} if task.path.extra else {}
        request = source.request(task.path.framework, threads, prefixes)
        return child(settings, request, name, task, path=task.path.id, folder=str(folder.resolve()))

    # -- measuring -----------------------------------------------------------------------------------------------------
    def measure(self, those: Sequence[Task], threads: int) -> None:
        """Measure the paths of one model side by side, in every restart that is not finished."""
        ready = [task for task in those if self.checks.get((*task.key, threads), {}).get("status") == "ok"]
        for restart in range(self.settings.restarts_at(threads)):
            missing = [
                task
                for task in ready
                if (*task.key, threads) not in self.failures
                and len(self._done(task, threads, restart)) < self._per_restart
            ]
            if missing:
                self._session(missing, threads, restart)

    @property
    def _per_restart(self) -> int:
        return self.settings.rounds * len(spec.BATCHES)

    def _done(self, task: Task, threads: int, restart: int) -> set[tuple[int, int]]:
        rows = self.blocks[(*task.key, threads)]
        return {(row["round"], row["batch_size"]) for row in rows if row["restart"] == restart}

    def _session(self, those: Sequence[Task], threads: int, restart: int) -> None:
        """Start one process a path, warm all up, then let them take turns."""
        settings = self.settings
        log.info(
            "%s, %d threads, restart %d of %d: starting %d processes",
            those[0].model,
            threads,
            restart + 1,
            settings.restarts_at(threads),
            len(those),
        )
        workers: dict[tuple, Child] = {}
        # A child ends with the thread that started it, so the pool stays until the last of them has answered. Starting
        # is not timed here, so as many start at a time as there are cores.
        with ThreadPoolExecutor(all_threads()[-1]) as pool:
            try:
                for task, found in zip(those, pool.map(lambda task: self._started(task, threads), those), strict=True):
                    if isinstance(found, WorkerFailed):
                        self._failed(task, threads, found)
                    else:
                        workers[task.key] = found
                for task in those:
                    for batch in spec.BATCHES:
                        self._ask(workers, task, threads, "warm", batch=batch, seconds=settings.seconds)
                for number in range(settings.rounds):
                    self._round(workers, those, threads, (restart, number))
                for task in those:
                    self._ask(workers, task, threads, "finish")
            finally:
                for process in workers.values():
                    process.stop()

    def _started(self, task: Task, threads: int) -> Child | WorkerFailed:
        """Return a process that has given its first answer, or what kept it from that."""
        process = None
        try:
            process = self._deployer(task, threads, f"measure-{'-'.join(task.key)}-{threads}")
            process.ask("load")
            process.ask("first")
        except WorkerFailed as error:
            if process:
                process.stop()
            return error
        return process

    def _round(self, workers: dict, those: Sequence[Task], threads: int, where: tuple[int, int]) -> None:
        """Let every path run one block of each batch size; in odd rounds the other way round."""
        restart, number = where
        for batch in spec.BATCHES:
            for task in those if number % 2 == 0 else those[::-1]:
                if (number, batch) in self._done(task, threads, restart):
                    continue
                answer = self._ask(workers, task, threads, "block", batch=batch)
                if answer:
                    place = {"threads": threads, "batch_size": batch, "restart": restart, "round": number}
                    self._add("block", task, **place, **answer)

    def _ask(self, workers: dict, task: Task, threads: int, operation: str, **arguments: object) -> dict | None:
        process = workers.get(task.key)
        if process is None:
            return None
        try:
            return process.ask(operation, **arguments)
        except WorkerFailed as error:
            self._failed(task, threads, error)
            workers.pop(task.key).stop()
            return None

    def _failed(self, task: Task, threads: int, error: WorkerFailed) -> None:
        log.warning("%s, %s: %s while measured: %s", *task.key, error.status, error.message)
        self._add("failure", task, threads=threads, status=error.status, stage="measure", note=error.message)


def _odd(process: Child) -> dict:
    """Return whether a batch of another size is answered; a runtime that dies of it says no."""
    try:
        answer = process.ask("odd")
    except WorkerFailed as error:
        return {"dynamic_batch": False, "why": error.message}
    return answer


# -- numbers -----------------------------------------------------------------------------------------------------------
class Wrong(Exception):
    """The path answers, but not what the model says."""


def numbers(source: Prepared, framework: str, logits: np.ndarray, singles: np.ndarray) -> dict:
    """Return how a path's answers compare with the source framework's and with the labels.

    logits   (rows, classes), of the first test rows; fewer than there are if the path was too slow for all
    singles  (few, classes), the first rows asked one by one

    ``max_logit_difference`` covers both; accuracies are shares of the rows asked. Raises Wrong for another shape or
    numbers that are not finite.
    """
    wanted = source.logits[framework][: len(logits)]
    if logits.shape != wanted.shape or singles.shape != wanted[: len(singles)].shape:
        raise Wrong(f"logits of shape {logits.shape}, expected {wanted.shape}")
    if not (np.isfinite(logits).all() and np.isfinite(singles).all()):
        raise Wrong("logits that are not finite")
    labels = source.labels[: len(logits)]
    own, theirs = logits.argmax(1) == labels, wanted.argmax(1) == labels
    change, low, high = accuracy_change(own, theirs)
    return {
        "test_rows": len(logits),
        "max_logit_difference": float(
            max(np.abs(logits - wanted).max(), np.abs(singles - wanted[: len(singles)]).max())
        ),
        "argmax_agreement": float((logits.argmax(1) == wanted.argmax(1)).mean()),
        "accuracy": float(own.mean()),
        "accuracy_source": float(theirs.mean()),
        "accuracy_change": change,
        "accuracy_change_low": low,
        "accuracy_change_high": high,
    }


def accuracy_change(own: np.ndarray, theirs: np.ndarray) -> tuple[float, float, float]:
    """Return the difference of two accuracies on the same rows with its 95 % interval."""
    gained, lost, rows = int((own & ~theirs).sum()), int((~own & theirs).sum()), len(own)
    return (gained - lost) / rows, *change_interval(gained, lost, rows)


def change_interval(gained: int, lost: int, rows: int) -> tuple[float, float]:
    """Return the 95 % interval of (gained - lost) / rows, whose two counts come from the same rows.

    Wald's interval for matched proportions with one row added to each way of differing (Bonett and Price, Journal of
    Educational and Behavioral Statistics 37, 2012, 479-488), so that it does not shrink to a point where both agree
    about every row. What it covers is counted exactly in tests/unit/test_deployment.py.
    """
    total = rows + 2
    centre = (gained - lost) / total
    spread = NORMAL_95 * np.sqrt(gained + lost + 2 - (gained - lost) ** 2 / total) / total
    change = (gained - lost) / rows
    return min(change, centre - spread), max(change, centre + spread)


def verdict(path: spec.Path, found: Mapping) -> None:
    """Raise Wrong if a path's numbers are not what its specification allows."""
    if path.quantized:
        if found["accuracy_change"] < -path.tolerance_accuracy:
            lost, allowed = -100 * found["accuracy_change"], 100 * path.tolerance_accuracy
            raise Wrong(f"accuracy falls by {lost:.1f} points, more than {allowed:g}")
    elif not found["max_logit_difference"] <= path.tolerance_logits:
        difference, allowed = found["max_logit_difference"], path.tolerance_logits
        raise Wrong(f"a logit is {difference:.2g} off the source framework's, more than {allowed:g}")


# -- rows --------------------------------------------------------------------------------------------------------------
def _common(task: Task) -> dict:
    path = task.path
    return {
        "machine": machine.describe()["machine"],
        "path": path.id,
        "framework": path.framework,
        "runtime": path.runtime,
        "model": task.model,
        "data": spec.MODELS.get(task.model, ""),
        "report_url": "",
        "quantized": _word(path.quantized),
        "environment": path.extra or CORE,
        "date": _today(),
    }


def _absent(task: Task, status: str, note: str, settings: Settings) -> list[dict]:
    """Return the rows of a path whose packages are not there."""
    row = _common(task) | {"installs": "false", "status": status, "stage": "install", "note": note}
    return [row | {"threads": threads} for threads in settings.threads]


def _rows(task: Task, attempt: _Run) -> list[dict]:
    """Return the rows of a path with a model, one a number of threads."""
    path, export = task.path, attempt.exports[task.key]
    common = _common(task) | {
        "test_rows": len(attempt.sources[task.model].labels),
        "installs": "true",
        "exports": _word(export["status"] == "ok"),
        "install_bytes": install_bytes(path),
        "versions": _versions(path.versions()),
        "date": export["date"],
    }
    rows = []
    for threads in attempt.settings.threads:
        row = common | {"threads": threads}
        if export["status"] == "ok":
            row |= {"export_s": _rounded(export["export_s"]), "artefact_bytes": export["artefact_bytes"]}
            rows.append(row | _measured(task, threads, attempt, export))
        else:
            rows.append(row | {name: export[name] for name in ("status", "stage", "note", "report_url")})
    return rows


def _measured(task: Task, threads: int, attempt: _Run, export: Mapping) -> dict:
    check = attempt.checks[(*task.key, threads)]
    row = {"date": check["date"], "runs": _word(check["stage"] not in ("load", "run"))}
    for name in (
        "import_ms",
        "load_ms",
        "first_answer_ms",
        "peak_memory_mib",
        "test_rows",
        "max_logit_difference",
        "argmax_agreement",
        "accuracy",
        "accuracy_source",
        "accuracy_change",
        "accuracy_change_low",
        "accuracy_change_high",
    ):
        if check.get(name) is not None:
            row[name] = _rounded(check[name])
    if check["status"] != "ok":
        return row | {name: check[name] for name in ("status", "stage", "note", "report_url")}
    versions = task.path.versions() | check.get("other_versions", {})
    row |= {"dynamic_batch": _word(check["dynamic_batch"]), "versions": _versions(versions)}
    notes = [export["artefact"]["note"]]
    if export["artefact"]["batches"]:
        notes.append(f"one artefact a batch size ({', '.join(map(str, export['artefact']['batches']))})")
    if expected := task.path.expected.get(task.model):
        notes.insert(0, f"expected to fail at {expected.stage}, did not")
    failure = attempt.failures.get((*task.key, threads))
    blocks = attempt.blocks[(*task.key, threads)]
    if blocks:
        row |= _statistics(blocks, threads) | {"date": max(block["date"] for block in blocks)}
    if failure:
        return row | {name: failure[name] for name in ("status", "stage", "note")}
    return row | {"status": "ok", "stage": "measure", "note": "; ".join(filter(None, notes))}


def _statistics(blocks: Sequence[Mapping], threads: int) -> dict:
    """Return latencies (wall), throughput (the row's clock) and marks of a path's blocks."""
    from analysis.resampling import interval

    clock = clock_of(blocks, threads)
    singles = [block for block in blocks if block["batch_size"] == min(spec.BATCHES)]
    many = [block for block in blocks if block["batch_size"] == max(spec.BATCHES)]
    p50, low, high = interval(_by_restart(singles, lambda block: float(np.median(block["wall_ms"]))))
    calls = np.concatenate([block["wall_ms"] for block in singles]) if singles else np.empty(0)
    each = interval(_by_restart(many, lambda block: clock_ms(block, clock)))
    rates = [1e3 * max(spec.BATCHES) / value for value in each]
    tails = {
        f"latency_p{percent}_ms": _rounded(np.percentile(calls, percent)) if len(calls) >= least else ""
        for percent, least in LEAST_CALLS.items()
    }
    marked = defaultdict(int)
    for block in blocks:
        for flag in block["flags"]:
            marked[flag] += 1
    return {
        "latency_p50_ms": _rounded(p50),
        "latency_p50_low_ms": _rounded(low),
        "latency_p50_high_ms": _rounded(high),
        **tails,
        "throughput_b32_per_s": _rounded(rates[0]),
        "throughput_b32_low": _rounded(rates[2]),
        "throughput_b32_high": _rounded(rates[1]),
        "clock": clock,
        "rounds": len({(block["restart"], block["round"]) for block in blocks}),
        "restarts": len({block["restart"] for block in blocks}),
        "flags": ";".join(f"{flag} {count}/{len(blocks)}" for flag, count in sorted(marked.items())),
    }


def clock_of(blocks: Sequence[Mapping], threads: int) -> str:
    """Return the clock of ratios and throughput: CPU time at one thread, wall time otherwise and outside a process."""
    return "cpu" if threads == 1 and all(block["cpu_ms"] is not None for block in blocks) else "wall"


def clock_ms(block: Mapping, clock: str) -> float:
    """Return the milliseconds of a call in a block: mean CPU time, or the median of the wall times."""
    return block["cpu_ms"] if clock == "cpu" else float(np.median(block["wall_ms"]))


def _by_restart(blocks: Sequence[Mapping], value: Callable[[Mapping], float]) -> list[np.ndarray]:
    found = defaultdict(list)
    for block in blocks:
        found[block["restart"]].append(value(block))
    return [np.array(found[restart]) for restart in sorted(found)]


def _round_rows(task: Task, attempt: _Run) -> list[dict]:
    rows = []
    for threads in attempt.settings.threads:
        blocks = attempt.blocks[(*task.key, threads)]
        clock = clock_of(blocks, threads)
        rows += [
            {
                "machine": machine.describe()["machine"],
                "path": task.path.id,
                "model": task.model,
                "threads": threads,
                "batch_size": block["batch_size"],
                "restart": block["restart"],
                "round": block["round"],
                "clock_ms": _rounded(clock_ms(block, clock)),
                "wall_ms": _rounded(float(np.median(block["wall_ms"]))),
            }
            for block in sorted(blocks, key=lambda block: (block["batch_size"], block["restart"], block["round"]))
        ]
    return rows


def install_bytes(path: spec.Path) -> int | str:
    """Return what the packages that loading needs take on disk with all their dependencies, or an empty string."""
    own = getattr(path.module(), "install_bytes", None)
    if own:
        return own()
    from reproductions.usability.contact import closure

    found = {}
    for need in path.deployed():
        if distribution := spec.distribution(need):
            found |= closure(distribution)
    if not found:
        return ""
    files = (Path(file.locate()) for distribution in found.values() for file in distribution.files or ())
    return sum(file.stat().st_size for file in files if file.is_file())


# -- tables ------------------------------------------------------------------------------------------------------------
def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table as text; none if it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def _merge(
    path: Path, columns: Sequence[str], rows: Sequence[Mapping], replaced: Sequence[tuple] | None = None
) -> None:
    """Write rows in the place of those of the same paths and models; the others stay."""
    fresh = set(replaced if replaced is not None else ((row["path"], row["model"]) for row in rows))
    kept = [
        {name: row.get(name, "") for name in columns} for row in read(path) if (row["path"], row["model"]) not in fresh
    ]
    places = {name: number for number, name in enumerate(spec.MODELS)}
    order = sorted(
        [*kept, *rows], key=lambda row: (places.get(row["model"], len(places)), row["path"], int(row["threads"]))
    )
    write_csv(path, columns, order)


def _environment(settings: Settings, wanted: Sequence[Task], before: float | None) -> dict:
    """Return what every row of the run has in common."""
    from importlib import metadata

    after = machine.pressure()
    names = sorted({need for task in wanted for need in task.path.requires if not need.startswith(spec.COMMAND)})
    present = filter(None, map(spec.distribution, names))
    recipe = asdict(settings.recipe)
    return {
        "machine": machine.describe()["machine"],
        "date": _today(),
        "python": machine.describe()["python"],
        "versions": {found.metadata["Name"]: found.version for found in present},
        "packages": sorted(f"{found.metadata['Name']}=={found.version}" for found in metadata.distributions()),
        "profile": "as_shipped",
        "settings": {
            "threads": list(settings.threads),
            "restarts": {str(threads): settings.restarts_at(threads) for threads in settings.threads},
            "rounds": settings.rounds,
            "seconds": settings.seconds,
            "models": list(settings.models),
            "recipe": recipe,
        },
        "environments": environments.records(settings.extra),
        "pressure_s": None if None in (before, after) else round(after - before, 3),
    }


def _tail(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
    except OSError:
        return ""


def _read_json(path: Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _without(row: Mapping, *names: str) -> dict:
    return {name: value for name, value in row.items() if name not in names}


def _brief(row: Mapping, seconds: float) -> str:
    took = f"{seconds:.1f} s"
    return f"ok in {took}" if row["status"] == "ok" else f"{row['status']} at {row['stage']} in {took}: {row['note']}"


def _versions(found: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {version}" for name, version in found.items())


def _word(value: bool) -> str:
    return "true" if value else "false"


def _rounded(value: float) -> float | int | str:
    if isinstance(value, int):
        return value
    return float(f"{value:.6g}") if np.isfinite(value) else ""


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


__all__ = ["COLUMNS", "ROUND_COLUMNS", "Artefact", "Settings", "all_threads", "exported", "prepared", "run"]
