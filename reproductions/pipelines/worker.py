"""The process that holds one framework's pipelines; started by :mod:`reproductions.pipelines.measure`."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import importlib
import os
import sys
import time
from pathlib import Path

import numpy as np
import psutil

from reproductions.pipelines import data
from reproductions.process import serve


class Session:
    """Opens one pipeline after another and times what comes out of it."""

    def __init__(self, framework: str, threads: int, seed: int, files: list[str]):
        self.framework, self.seed, self.files = importlib.import_module(f"{__package__}.{framework}"), seed, files
        self.framework.configure(threads)
        self.pipeline = self.held = None

    def describe(self) -> dict:
        """Return the framework's version."""
        return {"version": self.framework.version()}

    def open(self, point: dict) -> dict:
        """Build a pipeline and fetch its first batch; the data are made before, untimed.

        ``build_s`` holds copies that the framework makes of the arrays, ``first_batch_s`` starting its workers.
        """
        self._make(point)
        self.batch_size = point["batch_size"]
        reset_peak()
        self.before = resident_mib()
        begun = time.perf_counter()
        self.pipeline = self._build(point)
        built = time.perf_counter()
        next(iter(self.pipeline))
        return {
            "build_s": built - begun,
            "first_batch_s": time.perf_counter() - built,
            "note": self.pipeline.note,
        }

    def block(self, seconds: float) -> dict:
        """Begin an epoch, pass over a part of it, then time batches until ``seconds`` are over or the epoch is.

        What is passed over is more than any side keeps ready, so that the pace is the pipeline's and not the queue's.
        """
        batches = -(-self.size // self.batch_size)
        begun = time.perf_counter()
        iterator = iter(self.pipeline)
        next(iterator)
        started = time.perf_counter() - begun
        self.workers_mib = children_mib()  # they may be gone at the end, and now nothing is timed that could run ahead
        for _ in range(min(16, batches // 4)):
            next(iterator)
        examples, cpu, begun = 0, cpu_seconds(), time.perf_counter()
        for _, labels in iterator:
            examples += len(labels)
            if time.perf_counter() - begun >= seconds:
                break
        wall, cpu = time.perf_counter() - begun, cpu_seconds() - cpu
        return {"epoch_start_s": started, "examples": examples, "wall_s": wall, "cpu_s": cpu}

    def check(self, point: dict) -> dict:
        """Run through one whole epoch and return digests that do not depend on its order."""
        self._make(point)
        pixels, seen = [], []
        for batch in self._build(point):
            images, labels = self.framework.numpy(batch)
            whole = np.rint(images * 255).astype(np.uint8)
            pixels += [hashlib.sha256(image.tobytes()).hexdigest() for image in whole]
            seen += labels.tolist()
        together = sorted(f"{label} {pixel}" for label, pixel in zip(seen, pixels, strict=True))
        return {
            "examples": len(seen),
            "labels": hashlib.sha256(repr(sorted(seen)).encode()).hexdigest(),
            "content": hashlib.sha256("\n".join(together).encode()).hexdigest(),
        }

    def close(self) -> dict:
        """Let the pipeline go; return what it added to this process's memory and what its workers held."""
        grown = max(0.0, peak_mib() - self.before)
        workers = getattr(self, "workers_mib", 0.0)
        self.pipeline = None
        gc.collect()
        return {"peak_growth_mib": grown, "workers_mib": workers}

    def _make(self, point: dict) -> None:
        """Make the data; those of the last point are used again where they are the same."""
        self.size, key = point["size"], (point["pipeline"] == "png", point["size"], point["side"])
        if self.held and self.held[0] == key:
            return
        self.held = None
        gc.collect()
        if point["pipeline"] == "png":
            self.held = key, (data.listed(self.files, point["size"]), data.labels(point["size"]))
        else:
            self.held = key, data.arrays(point["size"], point["side"], self.seed)

    def _build(self, point: dict):
        return self.framework.Pipeline(
            point["pipeline"],
            point["transform"],
            self.held[1],
            batch_size=point["batch_size"],
            workers=point["workers"],
            seed=self.seed,
        )


def reset_peak() -> None:
    """Begin to count the peak of the resident memory anew (Linux)."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _status_mib(key: str) -> float:
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(key):
                return int(line.split()[1]) / 1024
    return 0.0


def resident_mib() -> float:
    """Return the resident memory now."""
    return _status_mib("VmRSS:")


def peak_mib() -> float:
    """Return the peak of the resident memory since :func:`reset_peak`."""
    return _status_mib("VmHWM:")


def _children() -> list[psutil.Process]:
    return psutil.Process().children(recursive=True)


def children_mib() -> float:
    """Return the memory of the worker processes; what they share with this process is counted in parts (PSS)."""
    total = 0
    for child in _children():
        with contextlib.suppress(psutil.Error, OSError):
            total += getattr(child.memory_full_info(), "pss", 0)
    return total / 2**20


def cpu_seconds() -> float:
    """Return the CPU time of this process and of its children, those that ended and were waited for among them.

    An epoch that ends takes its workers along: without the time of ended children it would cost less than nothing.
    """
    while True:
        ended = _ended_s()
        total = time.process_time() + ended + sum(map(_cpu_s, _children()))
        if _ended_s() == ended:  # nobody went from the living to the ended meanwhile
            return total


def _ended_s() -> float:
    times = os.times()
    return times.children_user + times.children_system


def _cpu_s(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return times.user + times.system


if __name__ == "__main__":
    sys.exit(serve(Session))
