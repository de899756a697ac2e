"""Measuring the input pipelines: a process a side, alternating blocks, restarts, one journal; resumes after a kill."""

from __future__ import annotations

import hashlib
import itertools
import json
import logging
import shutil
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions import flags, machine
from reproductions.environments import worker_environment
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import read_yaml, sha256, write_csv
from reproductions.journal import Journal
from reproductions.pipelines import data
from reproductions.process import Child

log = logging.getLogger(__name__)

HERE = Path(__file__).parent
FRAMEWORKS = ("pytorch", "tensorflow")
TABLE = "pipelines.csv"
COLUMNS = (
    "machine",
    "framework",
    "version",
    "pipeline",
    "transform",
    "data",
    "dataset_size",
    "batch_size",
    "workers",
    "restart",
    "round",
    "metric",
    "value",
    "unit",
    "flags",
    "status",
    "note",
    "environment",
    "threads",
    "date",
)
#: What a row can hold, in its unit. ``pipeline`` is the row of a pipeline that failed.
UNITS = {
    "content": "examples",
    "build": "s",
    "first_batch": "s",
    "epoch_start": "s",
    "throughput": "examples/s",
    "cpu": "us/example",
    "peak_growth": "MiB",
    "workers_memory": "MiB",
    "pipeline": "",
}
#: Whole epochs are compared on at most this many examples.
CHECKED = 2000


@dataclass(frozen=True)
class Point:
    """One pipeline at one size; both sides build it from the same data."""

    pipeline: str
    transform: str
    size: int
    side: int
    batch_size: int
    workers: int | str

    @property
    def frameworks(self) -> tuple[str, ...]:
        """Return who has such a pipeline: only TensorFlow chooses the number of workers by itself."""
        return FRAMEWORKS[1:] if self.workers == "auto" else FRAMEWORKS


@dataclass(frozen=True)
class Preset:
    """How much is measured; see presets.yaml."""

    name: str
    restarts: int
    rounds: int
    seconds: float
    timeout_s: float
    minutes: float
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Options:
    """What the caller decides.

    folder        where the journal, the files and the logs live while the run is unfinished
    environments  environment profiles
    threads       compute threads of a process
    seed          of data, order and transforms
    python        interpreter by framework; absent or None is the one that runs this
    """

    folder: Path
    environments: tuple[str, ...] = ("tuned",)
    threads: int = 1
    seed: int = 1
    python: Mapping[str, str | None] = field(default_factory=dict)


def presets() -> dict[str, Preset]:
    """Return the presets of presets.yaml."""
    raw = read_yaml(HERE / "presets.yaml")
    return {name: _preset(name, values) for name, values in raw.items()}


def _preset(name: str, values: dict) -> Preset:
    values = dict(values)
    sides, points = values.pop("side"), []
    for part in values.pop("parts"):
        for pipeline, transform, size, batch_size, workers in itertools.product(
            *(part[key] for key in ("pipeline", "transform", "size", "batch_size", "workers"))
        ):
            side = sides["png" if pipeline == "png" else "arrays"]
            points.append(Point(pipeline, transform, size, side, batch_size, workers))
    return Preset(name=name, points=tuple(points), **values)


def find(name: str) -> Preset:
    """Return one preset or say which ones there are."""
    found = presets()
    if name not in found:
        raise SurveyError(f"no preset {name!r} of the input pipelines; choose one of {', '.join(found)}")
    return found[name]


def fingerprint(preset: Preset, options: Options) -> str:
    """Return a short hash of everything that decides what is measured; a journal of another one is not continued."""
    decisive = [
        [sha256(path) for path in sorted(HERE.glob("*.py"))],
        asdict(preset),
        sorted(options.environments),
        options.threads,
        options.seed,
        sorted((k, str(v)) for k, v in options.python.items()),
        machine.describe()["machine"],
    ]
    return hashlib.sha256(json.dumps(decisive).encode()).hexdigest()[:10]


def measure(preset: Preset, options: Options, out: Path) -> list[dict]:
    """Measure what the journal does not hold yet, write ``out`` and return its rows.

    A pipeline that fails is a row with its status, and the other side goes on.
    """
    key = f"pipelines-{preset.name}-{fingerprint(preset, options)}"
    journal = Journal(options.folder / f"{key}.jsonl")
    scratch = options.folder / key
    run = _Run(preset, options, journal, scratch)
    if journal.rows:
        log.info("pipelines: resuming, %d rows are there", len(journal.rows))
    sampler = flags.Sampler()
    try:
        for restart, environment in itertools.product(range(preset.restarts), options.environments):
            run.session(restart, environment, sampler)
    finally:
        sampler.close()
    write_csv(out, COLUMNS, journal.rows)
    journal.remove()
    shutil.rmtree(scratch, ignore_errors=True)
    return journal.rows


class _Run:
    """The state of one measurement; a key of the journal is never measured twice."""

    def __init__(self, preset: Preset, options: Options, journal: Journal, scratch: Path):
        self.preset, self.options, self.journal, self.scratch = preset, options, journal, scratch
        self.machine, self.children, self.versions = machine.describe()["machine"], {}, {}
        self.done = {self._key(row) for row in journal.rows}
        self.files: list[str] = []

    @staticmethod
    def _key(row: Mapping) -> tuple:
        names = ("framework", "pipeline", "transform", "dataset_size", "batch_size", "workers", "restart", "round")
        return tuple(str(row[name]) for name in (*names, "metric", "environment"))

    def session(self, restart: int, environment: str, sampler: flags.Sampler) -> None:
        """Run every point that still has something to do in a fresh process a side."""
        self.restart, self.environment, self.sampler = restart, environment, sampler
        todo = [point for point in self.preset.points if self._missing(point)]
        if not todo:
            return
        for side in {point.side for point in todo if point.pipeline == "png"}:
            self.files = data.write_png(self.scratch / "png", side, self.options.seed)
        try:
            for number, point in enumerate(todo, start=1):
                log.info(
                    "pipelines, %s: restart %d of %d, %d of %d: %s, %s, %d examples, workers %s",
                    environment,
                    restart + 1,
                    self.preset.restarts,
                    number,
                    len(todo),
                    point.pipeline,
                    point.transform,
                    point.size,
                    point.workers,
                )
                self._point(point)
        finally:
            for child in self.children.values():
                child.stop()
            self.children.clear()

    def _missing(self, point: Point) -> bool:
        return any(self._todo(framework, point) for framework in point.frameworks)

    def _todo(self, framework: str, point: Point) -> bool:
        """Tell whether a side has rows to make here; one that failed is not tried again in this restart."""
        if self._has(framework, point, "", "pipeline"):
            return False
        wanted = [("", "peak_growth"), *((number, "throughput") for number in range(self.preset.rounds))]
        return not all(self._has(framework, point, number, metric) for number, metric in wanted)

    def _has(self, framework: str, point: Point, number: object, metric: str) -> bool:
        row = self._row(framework, point, number, metric)
        return self._key(row) in self.done

    def _point(self, point: Point) -> None:
        sides = [framework for framework in point.frameworks if self._todo(framework, point)]
        for framework in sides:  # starting is not timed, so both start at a time
            self._guard(framework, point, self._start, framework)
        sides = [framework for framework in sides if framework in self.children]
        for framework in sides:
            if self.versions[framework] is None:
                self._guard(framework, point, self._ready, framework)
        if self.restart == 0:
            self._compare_content(point, [one for one in sides if one in self.children])
        for framework in self._order(sides, self.restart):
            self._guard(framework, point, self._open, framework, point)
        for number in range(self.preset.rounds):
            for framework in self._order(sides, number):
                if not self._has(framework, point, number, "throughput"):
                    self._guard(framework, point, self._block, framework, point, number)
        for framework in sides:
            self._guard(framework, point, self._close, framework, point)

    @staticmethod
    def _order(sides: list[str], number: int) -> list[str]:
        return sides if number % 2 == 0 else sides[::-1]

    def _guard(self, framework: str, point: Point, action, *arguments: object) -> None:
        """Ask a side for something; if it fails, that becomes a row, and the next point starts it anew."""
        if framework not in self.children and action != self._start:
            return
        try:
            action(*arguments)
        except WorkerFailed as error:
            log.warning("pipelines %s %s: %s: %s", framework, point.pipeline, error.status, error.message)
            self._add(framework, point, "", "pipeline", status=error.status, note=error.message)
            child = self.children.pop(framework, None)
            if child:
                child.stop()

    def _start(self, framework: str) -> None:
        if framework in self.children:
            return
        python = self.options.python.get(framework) or sys.executable
        scratch = self.scratch / framework
        self.versions[framework] = None
        self.children[framework] = Child(
            [python, "-m", "reproductions.pipelines.worker"],
            environment=worker_environment(self.environment, self.options.threads, scratch.resolve()),
            folder=scratch,
            log=self.options.folder / "workers" / f"pipelines-{framework}.log",
            timeout_s=self.preset.timeout_s,
        )
        self.children[framework].send(
            "start",
            framework=framework,
            threads=self.options.threads,
            seed=self.options.seed,
            files=[str(Path(file).resolve()) for file in self.files],
        )

    def _ready(self, framework: str) -> None:
        self.versions[framework] = self.children[framework].receive("start")["version"]

    def _compare_content(self, point: Point, sides: list[str]) -> None:
        """Hold an epoch of every side against an epoch made by NumPy; random transforms are compared by label."""
        size = min(point.size, CHECKED)
        small = asdict(point) | {"size": size}
        for framework in sides:
            if not self._has(framework, point, "", "content"):
                self._guard(framework, point, self._check, framework, point, small)

    def _check(self, framework: str, point: Point, small: dict) -> None:
        found = self.children[framework].ask("check", point=small)
        wanted = expected(Point(**small), self.files, self.options.seed)
        what = ("examples", "labels") if point.transform == "augment" else ("examples", "labels", "content")
        wrong = [name for name in what if found[name] != wanted[name]]
        status, note = "ok", f"an epoch of {small['size']} holds each example once: {', '.join(what)} as made"
        if wrong:
            status, note = "failed", f"an epoch of {small['size']} differs from the data in: {', '.join(wrong)}"
        self._add(framework, point, "", "content", value=found["examples"], status=status, note=note)

    def _open(self, framework: str, point: Point) -> None:
        answer = self.children[framework].ask("open", point=asdict(point))
        if not self._has(framework, point, "", "build"):
            self._add(framework, point, "", "build", value=answer["build_s"], note=answer["note"])
            self._add(framework, point, "", "first_batch", value=answer["first_batch_s"], note=answer["note"])

    def _block(self, framework: str, point: Point, number: int) -> None:
        before = self.sampler.observe()
        answer = self.children[framework].ask("block", seconds=self.preset.seconds)
        after = self.sampler.observe()
        seen = flags.Block(wall_s=answer["wall_s"], cpu_s=answer["cpu_s"])
        if point.workers:  # then those who wait for a CPU may be the pipeline's own workers
            after = after._replace(waited_s=None)
        marks = ";".join(flags.mark(before, after._replace(idle_s=None), seen))
        if not answer["examples"]:
            note = f"{point.size} examples are too few for batches of {point.batch_size}"
            raise WorkerFailed("unsupported", note)
        rate = answer["examples"] / answer["wall_s"]
        cpu = 1e6 * answer["cpu_s"] / answer["examples"]
        self._add(framework, point, number, "epoch_start", value=answer["epoch_start_s"], flags=marks)
        self._add(framework, point, number, "cpu", value=cpu, flags=marks)
        self._add(framework, point, number, "throughput", value=rate, flags=marks)

    def _close(self, framework: str, point: Point) -> None:
        answer = self.children[framework].ask("close")
        self._add(framework, point, "", "workers_memory", value=answer["workers_mib"])
        self._add(framework, point, "", "peak_growth", value=answer["peak_growth_mib"])

    def _row(self, framework: str, point: Point, number: object, metric: str) -> dict:
        return {
            "machine": self.machine,
            "framework": framework,
            "version": self.versions.get(framework) or "",
            "pipeline": point.pipeline,
            "transform": point.transform,
            "data": data.describe(point.pipeline, point.side),
            "dataset_size": point.size,
            "batch_size": point.batch_size,
            "workers": point.workers,
            "restart": self.restart,
            "round": number,
            "metric": metric,
            "environment": self.environment,
            "threads": self.options.threads,
            "date": datetime.now(UTC).date().isoformat(),
        }

    def _add(self, framework: str, point: Point, number: object, metric: str, **values: object) -> None:
        row = self._row(framework, point, number, metric)
        row |= {"value": "", "unit": UNITS.get(metric, ""), "flags": "", "status": "ok", "note": ""} | values
        if isinstance(row["value"], float):
            row["value"] = float(f"{row['value']:.6g}")
        self.journal.add(row)
        self.done.add(self._key(row))


def expected(point: Point, files: list[str], seed: int) -> dict:
    """Return what an epoch must hold, made with NumPy and Pillow alone; content is of untransformed images."""
    if point.pipeline == "png":
        from PIL import Image

        paths = data.listed(files, point.size)
        decoded = {path: _digest(Image.open(path).convert("RGB")) for path in set(paths)}
        pixels = [decoded[path] for path in paths]
        labels = data.labels(point.size).tolist()
    else:
        images, numbers = data.arrays(point.size, point.side, seed)
        whole = np.rint(images * 255).astype(np.uint8)
        pixels = [hashlib.sha256(image.tobytes()).hexdigest() for image in whole]
        labels = numbers.tolist()
    together = sorted(f"{label} {pixel}" for label, pixel in zip(labels, pixels, strict=True))
    return {
        "examples": len(labels),
        "labels": hashlib.sha256(repr(sorted(labels)).encode()).hexdigest(),
        "content": hashlib.sha256("\n".join(together).encode()).hexdigest(),
    }


def _digest(image) -> str:
    return hashlib.sha256(np.asarray(image).tobytes()).hexdigest()
