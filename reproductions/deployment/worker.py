"""The process that trains, exports, or loads and answers: asked in JSON by :mod:`reproductions.deployment.runner`.

One process exports and another loads, so that load time, first answer and memory are those of who deploys.
"""

from __future__ import annotations

import importlib
import os
import resource
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import numpy as np

from reproductions import flags, process
from reproductions.deployment import models, spec

#: Warm-up ends when two consecutive small blocks agree within this share, or after the bound, as in the harness.
WARM_UP_AGREEMENT = 0.05
WARM_UP_BLOCKS = 6
WARM_UP_SECONDS = 0.1
#: Distinct batches that a block cycles through.
POOL = 8
#: Calls of a block: enough for a median of slow paths, few enough to keep every time of fast ones.
CALLS = {1: (10, 300), 32: (3, 100)}
#: Rows that are also asked one by one: a fixed batch of one is another artefact than one of 32.
SINGLES = 16
#: A size that nothing was exported for.
ODD = 3
#: Test rows are no longer asked after this; the row says how many were.
ANSWER_SECONDS = 60


class Session:
    """One model in one process; each public method is one request and returns what is answered.

    request  of :class:`reproductions.deployment.spec.Request`, as JSON
    path     id of a path, or None for training and for the source framework's answers
    paths    further folders of paths
    folder   of the artefact
    """

    def __init__(self, request: dict, path: str | None = None, paths: tuple = (), folder: str = ""):
        self.request = spec.Request(**request)
        self.path = spec.find(path, map(Path, paths)) if path else None
        self.folder = Path(folder)
        self.model, self.predict = None, None
        self.calls: dict[int, int] = {}
        self.sampler, self.usual = flags.Sampler(), defaultdict(list)

    def describe(self) -> dict:
        """Return versions of what the path requires."""
        return {"versions": self.path.versions() if self.path else {}}

    # -- sources -------------------------------------------------------------------------------------------------------
    def train(self, data: str, recipe: dict, out: str) -> dict:
        """Train the model; see :func:`reproductions.deployment.models.train`."""
        return models.train(self.request, Path(data), models.Recipe(**recipe), Path(out))

    def source_logits(self, out: str) -> dict:
        """Write the source framework's eager logits of the test rows to ``out`` (npz)."""
        predict = models.eager(models.source(self.request), self.request.framework)
        models.save(Path(out), {"logits": models.answers(predict, models.rows(self.request), models.BATCH)})
        return {}

    # -- export --------------------------------------------------------------------------------------------------------
    def prepare(self) -> dict:
        """Import the exporter and build the model, which is not timed."""
        for name in self.path.export_imports:
            importlib.import_module(name)
        self.model = models.source(self.request)
        return {}

    def export(self) -> dict:
        """Time the export of the model."""
        if self.model is None:
            self.prepare()
        begin = time.perf_counter()
        artefact = self.path.export(self.model, self.folder, self.request)
        seconds = time.perf_counter() - begin
        return {"export_s": seconds, "artefact": asdict(artefact), "artefact_bytes": artefact.bytes(self.folder)}

    # -- deployer ------------------------------------------------------------------------------------------------------
    def load(self) -> dict:
        """Import the runtime and read the artefact."""
        begin = time.perf_counter()
        for name in self.path.imports:
            importlib.import_module(name)
        imported = time.perf_counter()
        self.predict = self.path.load(self.folder, self.request)
        loaded = time.perf_counter()
        self.rows = models.rows(self.request)
        load_ms = getattr(self.predict, "load_ms", None)
        return {
            "import_ms": 1e3 * (imported - begin),
            "load_ms": load_ms if load_ms is not None else 1e3 * (loaded - imported),
        }

    def first(self) -> dict:
        """Time the very first answer, to one row: what is compiled late is compiled here."""
        row = np.ascontiguousarray(self.rows[:1])
        begin = time.perf_counter()
        logits = self.predict(row)
        spent = 1e3 * (time.perf_counter() - begin)
        if not np.isfinite(logits).all():
            raise ValueError("the first answer is not finite")
        told = getattr(self.predict, "first_answer_ms", None)
        return {"first_answer_ms": told if told is not None else spent}

    def check(self, out: str) -> dict:
        """Write the answers to the test rows in batches of 32, and to the first of them one by one, to ``out`` (npz).

        Returns the peak of memory as well: what loading and answering took, the rows included.
        """
        until = time.monotonic() + ANSWER_SECONDS
        many = models.answers(self.predict, self.rows, max(spec.BATCHES), lambda: time.monotonic() < until)
        singles = models.answers(self.predict, self.rows[:SINGLES], 1)
        models.save(Path(out), {"logits": many, "singles": singles})
        return {"rows": len(many), "peak_memory_mib": self._peak_mib()}

    def odd(self) -> dict:
        """Ask a batch of a size that nothing was exported for; asked last, because a runtime may die of it."""
        try:
            logits = np.asarray(self.predict(np.ascontiguousarray(self.rows[:ODD])))
        except Exception as error:
            return {"dynamic_batch": False, "why": f"{type(error).__name__}: {error}".splitlines()[0][:200]}
        single = np.concatenate([self.predict(np.ascontiguousarray(self.rows[n : n + 1])) for n in range(ODD)])
        return {"dynamic_batch": logits.shape == single.shape and bool(np.abs(logits - single).max() < 1), "why": ""}

    def warm(self, batch: int, seconds: float) -> dict:
        """Answer until two blocks in a row agree; return how many calls fill a block of ``seconds``."""
        self.calls[batch], last = CALLS[batch][0], None
        for _ in range(WARM_UP_BLOCKS):
            median = float(np.median(self._time(batch, self._fitting(batch, WARM_UP_SECONDS, last))["wall_ms"]))
            if last and abs(median / last - 1) <= WARM_UP_AGREEMENT:
                break
            last = median
        self.calls[batch] = self._fitting(batch, seconds, median)
        self.usual.pop(batch, None)
        return {"calls": self.calls[batch]}

    def _fitting(self, batch: int, seconds: float, median_ms: float | None) -> int:
        least, most = CALLS[batch]
        return least if not median_ms else max(least, min(most, int(1e3 * seconds / median_ms)))

    def block(self, batch: int) -> dict:
        """Time one block; see :meth:`warm` for how many calls it has."""
        return self._time(batch, self.calls[batch])

    def _time(self, batch: int, count: int) -> dict:
        """Return wall milliseconds of each call and CPU milliseconds a call, None where another process answers."""
        size = len(self.rows)
        pool = [
            np.ascontiguousarray(self.rows[np.arange(start, start + batch) % size])
            for start in range(0, POOL * batch, batch)
        ]
        predict, timed = self.predict, getattr(self.predict, "timed", None)
        before, usage = self.sampler.observe(), resource.getrusage(resource.RUSAGE_SELF)
        cpu, begin = time.process_time_ns(), time.perf_counter()
        if timed:
            walls = list(timed(pool[0], count))
        else:
            walls = []
            for call in range(count):
                rows = pool[call % POOL]
                start = time.perf_counter_ns()
                predict(rows)
                walls.append((time.perf_counter_ns() - start) / 1e6)
        cpu, wall_s = time.process_time_ns() - cpu, time.perf_counter() - begin
        grown, after = resource.getrusage(resource.RUSAGE_SELF), self.sampler.observe()
        marks = self._marks(batch, count, before, after, (usage, grown, cpu / 1e9, wall_s)) if not timed else []
        return {
            "wall_ms": [round(value, 5) for value in walls],
            "cpu_ms": None if timed else round(cpu / count / 1e6, 5),
            "flags": marks,
        }

    def _marks(self, batch: int, count: int, before, after, seen: tuple) -> list[str]:
        """Return what disturbed a block, seen beside this process's other blocks of the same batch size."""
        usage, grown, cpu_s, wall_s = seen
        usual, faults = self.usual[batch], grown.ru_minflt - usage.ru_minflt
        block = flags.Block(
            wall_s=wall_s,
            cpu_s=cpu_s,
            steps=count,
            cores=os.cpu_count() or 1,
            minor_faults=faults,
            involuntary_switches=grown.ru_nivcsw - usage.ru_nivcsw,
            usual_faults=float(np.median([number for number, _ in usual])) if usual else None,
            usual_mhz=float(np.median(mhz)) if (mhz := [mhz for _, mhz in usual if mhz]) else None,
        )
        usual.append((faults / count, after.mhz))
        if self.request.threads > block.cores:  # its own threads wait for each other's cores
            after = after._replace(waited_s=None)
        return list(flags.mark(before, after, block))

    def finish(self) -> dict:
        """Close what answers elsewhere and return its versions."""
        versions = dict(getattr(self.predict, "versions", None) or {})
        close = getattr(self.predict, "close", None)
        if close:
            close()
        return {"versions": versions}

    def _peak_mib(self) -> float | None:
        from reproductions.worker import _peak_host_bytes

        told = getattr(self.predict, "peak_memory_mib", None)
        return told if told is not None else _peak_host_bytes() / 2**20


if __name__ == "__main__":
    raise SystemExit(process.serve(Session))
