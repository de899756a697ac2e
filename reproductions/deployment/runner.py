"""Every path with every model: exported, loaded elsewhere, checked, measured side by side, written as rows.

1. The models are trained once; each source framework answers the whole test set eagerly.
2. Each path exports in a process of its own.
3. For each number of threads another process loads the artefact and answers the whole test set.
4. Paths that answer rightly are measured side by side: one process each, blocks of both batch sizes in turn, the order
   reversed from round to round (A B B A); fresh processes in each restart but the first, which has those of step 3.
   Estimator and intervals are the harness's.

What is timed runs alone. What is not (starting, importing an exporter, building its model, answering the test set) runs
for as many paths at a time as there are cores.

Whatever is finished is on disk at once: the same command goes on after a kill. A failure is a row, never a gap.
"""

from __future__ import annotations

import contextlib
import csv
import hashlib
import json
import logging
import os
import shutil
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
ONE_THREAD = "it computes on one thread"
#: A percentile needs this many calls, so that it is not simply the slowest of them.
LEAST_CALLS = {95: 20, 99: 100}
#: Of the tail of a process's log in which an expected failure is looked for.
LOG_TAIL = 20_000
NORMAL_95 = 1.959964
#: Seconds a path and model, and a model's training, on the reference machine of two cores (run of 2026-11-27); for the
#: plan alone.
EXPORT_S, CHECK_S, START_S, TRAINING_S = 7.5, 3.5, 1.3, 87


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
    restarts  fresh sets of processes for each number of threads
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
    rounds: int = 2
    seconds: float = 0.1
    paths: Sequence[Path] = ()
    python: str = sys.executable
    timeout_s: float = 300


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
    sessions = settings.restarts * len(settings.threads)
    blocks = sessions * (settings.rounds + 1) * len(spec.BATCHES) * settings.seconds  # one for the warm-up
    # Export, check and start of a process: what they took on two cores on average. The first restart has those of the
    # check.
    starts = (sessions - len(settings.threads)) * START_S
    seconds = EXPORT_S + len(settings.threads) * CHECK_S + starts + blocks
    return (tried * seconds + TRAINING_S * len(settings.models)) / 60


# -- processes ---------------------------------------------------------------------------------------------------------
def child(settings: Settings, request: Request, name: str, task: Task | None = None, **start: object) -> Child:
    """Return a started process of :mod:`reproductions.deployment.worker`; WorkerFailed if it cannot start."""
    found = starting(settings, request, name, task, **start)
    try:
        found.receive("start")
    except WorkerFailed:
        found.stop()
        raise
    return found


def starting(settings: Settings, request: Request, name: str, task: Task | None = None, **start: object) -> Child:
    """Return a process that has been told to start and whose answer to ``start`` is still to be received.

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
    folders = [str(Path(folder).resolve()) for folder in settings.paths]
    try:
        found.send("start", request=request.plain(), paths=folders, **start)
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


def exported(path: spec.Path, source: Prepared, settings: Settings) -> tuple[Path, dict]:
    """Return the folder of an artefact and what its export took; exports if it is not there.

    Raises WorkerFailed if the export fails.
    """
    folder = _artefact(settings, source.model, path)
    known = _read_json(_record(folder))
    if known.get("key") == artefact_key(path, source) and folder.is_dir():
        return folder, known
    with exporting(path, source, settings) as process:
        process.receive("start")
        return folder, export(path, source, settings, process)


def _artefact(settings: Settings, model: str, path: spec.Path) -> Path:
    return settings.work / "artefacts" / model / path.id


def _record(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.json")


def exporting(path: spec.Path, source: Prepared, settings: Settings) -> Child:
    """Empty the artefact's folder and return a process that is starting, for :func:`export`."""
    folder = _artefact(settings, source.model, path)
    _record(folder).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    name = f"export-{path.id}-{source.model}"
    _log(settings, name).unlink(missing_ok=True)
    own = replace(settings, timeout_s=path.export_timeout_s)
    request = source.request(path.framework, 1, _prefixes(path))
    return starting(own, request, name, Task(path, source.model), path=path.id, folder=str(folder.resolve()))


def export(path: spec.Path, source: Prepared, settings: Settings, process: Child) -> dict:
    """Let a started process export; return what it took, which is kept beside the artefact."""
    known = process.ask("export") | {"key": artefact_key(path, source), "date": _today()}
    write_json(_record(_artefact(settings, source.model, path)), known)
    return known


def _prefixes(path: spec.Path) -> dict[str, str]:
    return {path.extra: str(environments.prefix(path.extra))} if path.extra else {}


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
    attempt.total = len(todo)
    for model in settings.models:
        those = [task for task in todo if task.model == model]
        attempt.export(those)
        for threads in settings.threads:
            with attempt.checked(those, threads) as alive:
                attempt.measure(those, threads, alive)
    rows = []
    for task in wanted:
        missing, unmade = reasons[task.path.id], broken.get(task.path.extra, "")
        found = [("skipped", f"missing: {missing}")] if missing else [("failed", unmade)] if unmade else []
        rows += _absent(task, *found[0], settings) if found else _rows(task, attempt)
    rows = tidied(rows)  # messages may hold paths and names of this machine
    rounds = [row for task in todo for row in _round_rows(task, attempt)]
    _merge(out / TABLE, COLUMNS, rows)
    _merge(out / ROUNDS, ROUND_COLUMNS, rounds, replaced=[task.key for task in wanted])
    write_json(out / ENVIRONMENT, _beside(_read_json(out / ENVIRONMENT), _environment(settings, wanted, before)))
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


class _Trial:
    """One path in one process, asked step by step; after its first failure nothing more is asked."""

    def __init__(self, task: Task, stage: str, start: Callable[[], Child]):
        self.task, self.stage, self.found = task, stage, {}
        self.process: Child | None = None
        self.error: WorkerFailed | None = None
        self.process = self.step(start)

    def step(self, call: Callable[[], object], stage: str | None = None) -> object:
        """Return what a call returns; a failure is kept, with the stage it happened at."""
        if self.error:
            return None
        self.stage = stage or self.stage
        try:
            return call()
        except WorkerFailed as error:
            self.error = error
            return None

    def send(self, operation: str, stage: str | None = None, **arguments: object) -> None:
        """Send a request that is answered later."""
        self.step(lambda: self.process.send(operation, **arguments), stage)

    def receive(self, operation: str) -> None:
        """Take the answer to a request that was sent."""
        self.found |= self.step(lambda: self.process.receive(operation)) or {}

    def ask(self, operation: str, stage: str | None = None, **arguments: object) -> None:
        """Send a request and take its answer."""
        self.send(operation, stage, **arguments)
        self.receive(operation)

    def stop(self) -> None:
        """End the process if there is one."""
        if self.process:
            self.process.stop()


class _Run:
    """The state of one run: what the journal holds, by kind."""

    def __init__(self, settings: Settings, journal: Journal):
        self.settings, self.journal = settings, journal
        self.sources: dict[str, Prepared] = {}
        self.total = 0
        self.exports: dict[tuple, dict] = {}
        self.checks: dict[tuple, dict] = {}
        self.blocks: dict[tuple, list[dict]] = defaultdict(list)
        self.failures: dict[tuple, dict] = {}
        self.ends: dict[tuple, dict] = {}
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
        elif row.get("kind") == "end":
            self.ends[row["path"], row["model"]] = row

    def _add(self, kind: str, task: Task, **values: object) -> dict:
        row = {"kind": kind, "path": task.path.id, "model": task.model, "date": _today(), **values}
        self.journal.add(row)
        self._take(row)
        return row

    # -- export and check ----------------------------------------------------------------------------------------------
    def export(self, those: Sequence[Task]) -> None:
        """Export every path that the journal does not hold: one at a time, the next ones ready to begin."""
        for some in _at_a_time([task for task in those if task.key not in self.exports]):
            begin = time.monotonic()
            with contextlib.ExitStack() as stack:
                trials = [_Trial(task, "export", lambda task=task: self._exporter(task)) for task in some]
                for trial in trials:
                    stack.callback(trial.stop)
                    trial.send("prepare")
                for operation in ("start", "prepare"):
                    for trial in trials:
                        trial.receive(operation)
                for trial in trials:
                    self._export(trial, time.monotonic() - begin)
                    begin = time.monotonic()

    def _exporter(self, task: Task) -> Child:
        source = self.sources[task.model]
        # Without the source framework's logits nothing can be compared.
        if problem := source.problems.get(task.path.framework):
            raise WorkerFailed(problem.status, f"the source framework itself: {problem.message}")
        return exporting(task.path, source, self.settings)

    def _export(self, trial: _Trial, waited_s: float) -> None:
        task, begin = trial.task, time.monotonic()
        source = self.sources[task.model]
        known = trial.step(lambda: export(task.path, source, self.settings, trial.process))
        if trial.error:
            row = self._add("export", task, **self._judged(trial, f"export-{'-'.join(task.key)}"))
        else:
            row = self._add("export", task, status="ok", stage="export", **_without(known, "key", "date"))
        place = f"{len(self.exports)} of {self.total}"
        log.info("%s: %s, %s: export %s", place, *task.key, _brief(row, waited_s + time.monotonic() - begin))

    def _judged(self, trial: _Trial, name: str) -> dict:
        """Return status, stage, note and report of a failure; one that was expected says so."""
        error, stage = trial.error, trial.stage
        expected = trial.task.path.expected.get(trial.task.model)
        row = {"status": error.status, "stage": stage, "note": error.message, "report_url": ""}
        if expected and expected.meets(stage, error.message, _tail(_log(self.settings, name))):
            note = f"{expected.reason} ({error.message})"
            row |= {"status": "expected_failure", "note": note, "report_url": expected.report}
        return row

    @contextlib.contextmanager
    def checked(self, those: Sequence[Task], threads: int) -> Iterator[dict[tuple, Child]]:
        """Load and check every path that the journal does not hold; yield the processes that answer rightly.

        They are ready to be measured, and end with the context.
        """
        alive: dict[tuple, Child] = {}
        ready = [task for task in those if self.exports[task.key]["status"] == "ok"]
        todo = [task for task in ready if (*task.key, threads) not in self.checks]
        for task in todo:
            if threads > 1 and task.path.single_threaded:
                why = {"status": "unsupported", "stage": "load", "note": ONE_THREAD, "report_url": ""}
                self._add("check", task, threads=threads, **why)
        with contextlib.ExitStack() as stack:
            for some in _at_a_time([task for task in todo if (*task.key, threads) not in self.checks]):
                begin = time.monotonic()
                trials = [_Trial(task, "load", lambda task=task: self._deployer(task, threads)) for task in some]
                for trial in trials:
                    stack.callback(trial.stop)
                for trial in trials:
                    trial.receive("start")
                for trial in trials:  # timed, so one after the other
                    trial.ask("load")
                    trial.ask("first", "run")
                for trial in trials:
                    trial.send("check", out=str(self._answers(trial.task, threads).resolve()))
                for trial in trials:
                    row = self._add("check", trial.task, threads=threads, **self._compared(trial, threads))
                    brief = _brief(row, time.monotonic() - begin)
                    log.info("%s, %s, %d threads: %s", *trial.task.key, threads, brief)
                    if row["status"] == "ok":
                        alive[trial.task.key] = trial.process
                    else:
                        trial.stop()
            yield alive

    def _answers(self, task: Task, threads: int) -> Path:
        return self.settings.work / "answers" / f"{'-'.join(task.key)}-{threads}.npz"

    def _compared(self, trial: _Trial, threads: int) -> dict:
        """Take the answers of a path and return what is known of it: times, memory, numbers; or where it failed."""
        task = trial.task
        out = self._answers(task, threads)
        trial.receive("check")
        if not trial.error:
            trial.stage = "numbers"
            try:
                with np.load(out, allow_pickle=False) as arrays:
                    logits, singles = arrays["logits"], arrays["singles"]
                trial.found |= numbers(self.sources[task.model], task.path.framework, logits, singles)
                verdict(task.path, trial.found)
            except Wrong as error:
                trial.error = WorkerFailed("wrong", str(error))
        out.unlink(missing_ok=True)
        if trial.error:
            return trial.found | self._judged(trial, self._deployer_name(task, threads))
        return trial.found | {"status": "ok", "stage": "numbers"}

    def _deployer_name(self, task: Task, threads: int) -> str:
        return f"deploy-{'-'.join(task.key)}-{threads}"

    def _deployer(self, task: Task, threads: int) -> Child:
        """Return a starting process that loads and answers."""
        name = self._deployer_name(task, threads)
        _log(self.settings, name).unlink(missing_ok=True)
        folder = _artefact(self.settings, task.model, task.path)
        request = self.sources[task.model].request(task.path.framework, threads, _prefixes(task.path))
        return starting(self.settings, request, name, task, path=task.path.id, folder=str(folder.resolve()))

    # -- measuring -----------------------------------------------------------------------------------------------------
    def measure(self, those: Sequence[Task], threads: int, alive: Mapping[tuple, Child]) -> None:
        """Measure the paths of one model side by side, in every restart that is not finished.

        alive   processes that have answered already, for the first restart that is run
        """
        ready = [task for task in those if self.checks.get((*task.key, threads), {}).get("status") == "ok"]
        for restart in range(self.settings.restarts):
            missing = [
                task
                for task in ready
                if (*task.key, threads) not in self.failures
                and (len(self._done(task, threads, restart)) < self._per_restart or self._unended(task, threads))
            ]
            if missing:
                self._session(missing, threads, restart, dict(alive))
                alive = {}

    @property
    def _per_restart(self) -> int:
        return self.settings.rounds * len(spec.BATCHES)

    def _done(self, task: Task, threads: int, restart: int) -> set[tuple[int, int]]:
        rows = self.blocks[(*task.key, threads)]
        return {(row["round"], row["batch_size"]) for row in rows if row["restart"] == restart}

    def _unended(self, task: Task, threads: int) -> bool:
        """Return whether a path has still to be asked what is asked last; once is enough."""
        return threads == self.settings.threads[0] and task.key not in self.ends

    def _session(self, those: Sequence[Task], threads: int, restart: int, workers: dict[tuple, Child]) -> None:
        """Have one process a path, warm all up, then let them take turns."""
        settings = self.settings
        begin = time.monotonic()
        place = f"restart {restart + 1} of {settings.restarts}"
        log.info("%s, %d threads, %s: %d processes", those[0].model, threads, place, len(those))
        # A child ends with the thread that started it, so the pool stays until the last of them has answered. Starting
        # is not timed here, so as many start at a time as there are cores.
        with ThreadPoolExecutor(all_threads()[-1]) as pool:
            try:
                new = [task for task in those if task.key not in workers]
                for task, found in zip(new, pool.map(lambda task: self._started(task, threads), new), strict=True):
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
                    self._end(workers, task, threads)
            finally:
                for process in workers.values():
                    process.stop()
        log.info("%s, %d threads, %s: done in %.0f s", those[0].model, threads, place, time.monotonic() - begin)

    def _started(self, task: Task, threads: int) -> Child | WorkerFailed:
        """Return a process that has given its first answer, or what kept it from that."""
        trial = _Trial(task, "load", lambda: self._deployer(task, threads))
        trial.receive("start")
        trial.ask("load")
        trial.ask("first")
        if trial.error:
            trial.stop()
        return trial.error or trial.process

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

    def _end(self, workers: dict, task: Task, threads: int) -> None:
        """Ask once what may end or change a process: a batch of another size; then what answers elsewhere closes."""
        process = workers.get(task.key)
        if process is None:
            return
        asked = self._unended(task, threads)
        row = _odd(process) if asked else {}
        versions = {}
        with contextlib.suppress(WorkerFailed):  # it died of the odd batch, and that is said
            versions = process.ask("finish")["versions"]
        if asked:
            self._add("end", task, **row, other_versions=versions)

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


def _at_a_time(those: Sequence[Task]) -> Iterator[Sequence[Task]]:
    """Yield as many as there are cores."""
    cores = all_threads()[-1]
    for start in range(0, len(those), cores):
        yield those[start : start + cores]


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
    end = attempt.ends.get(task.key)
    if end:
        versions = _versions(task.path.versions() | end["other_versions"])
        row |= {"dynamic_batch": _word(end["dynamic_batch"]), "versions": versions}
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
            "restarts": {str(threads): settings.restarts for threads in settings.threads},
            "rounds": settings.rounds,
            "seconds": settings.seconds,
            "models": list(settings.models),
            "recipe": recipe,
        },
        "environments": environments.records(settings.extra),
        "pressure_s": None if None in (before, after) else round(after - before, 3),
    }


def _beside(known: Mapping, fresh: dict) -> dict:
    """Return what holds for the rows of this run and for those that stay, if both were measured in the same way."""
    if all(known.get(name) == fresh[name] for name in ("machine", "python", "packages", "settings")):
        for name in ("versions", "environments"):
            fresh[name] = known[name] | fresh[name]
    return fresh


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
