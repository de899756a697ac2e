"""The parent's side of a worker process: start, ask with a deadline, stop."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.spec import Cell, Preset, Workload

ROOT = Path(__file__).resolve().parents[1]
SIGKILL = -9


@dataclass(frozen=True)
class Runtime:
    """What the processes of a run have in common.

    data              the ``arrays.npz`` of the data set
    threads           compute threads of a process
    device            ``auto``, ``cpu`` or ``gpu``
    python            interpreter by framework; absent or None is the one that runs this
    memory_limit_mib  what a process may take, or None
    """

    data: Path
    threads: int = 1
    device: str = "auto"
    python: Mapping[str, str | None] = field(default_factory=dict)
    memory_limit_mib: int | None = None


class Worker:
    """One worker process for one cell.

    Use as a context manager; leaving it stops the process. Every request raises :class:`WorkerFailed` if the worker
    answers with an error, dies, or stays silent beyond ``timeout_s``.
    """

    def __init__(
        self,
        workload: Workload,
        preset: Preset,
        cell: Cell,
        *,
        runtime: Runtime,
        environment: str,
        scratch: Path,
        log: Path,
        precision: str | None = None,
    ):
        self.cell, self.timeout_s, self.log = cell, preset.timeout_s, log
        scratch = scratch.resolve()  # the worker runs inside it, and its cache's path must not depend on that
        log.parent.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True, exist_ok=True)
        self._job = {
            "workload": str(workload.folder.resolve()),
            "framework": cell.framework,
            "source": "tensorflow" if cell.framework == "keras" else cell.framework,
            "mode": cell.mode,
            "sizes": dict(preset.sizes),
            "optimizer": dict(workload.optimizer),
            "threads": runtime.threads,
            "device": runtime.device,
            "precision": precision or cell.precision,
            "data": str(runtime.data.resolve()),
            "memory_limit_mib": runtime.memory_limit_mib,
        }
        python = runtime.python.get(cell.interpreter) or sys.executable
        backend = {"KERAS_BACKEND": cell.mode} if cell.framework == "keras" else {}
        with log.open("ab") as errors:
            try:
                self._process = subprocess.Popen(
                    [python, "-m", "reproductions.worker"],
                    cwd=scratch,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=worker_environment(environment, runtime.threads, scratch) | backend,
                )
            except OSError as error:
                raise WorkerFailed(
                    "failed",
                    f"{python}: cannot be started ({error.strerror}); correct config key python.{cell.interpreter}",
                ) from error
        self._buffer = b""
        self.facts: dict = {}
        self._send("start", job=self._job)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def ready(self) -> dict:
        """Wait until the framework is imported and the model built; return its description."""
        answer = self._receive("start")
        self.facts = answer["facts"]
        return answer

    def ask(self, operation: str, **arguments: object) -> dict:
        """Send one request and return the answer."""
        self._send(operation, **arguments)
        return self._receive(operation)

    def stop(self) -> None:
        """End the process at once: what counts has been answered, and tearing a framework down takes seconds."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def _send(self, operation: str, **arguments: object) -> None:
        try:
            self._process.stdin.write(json.dumps({"operation": operation, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._death(operation) from None

    def _receive(self, operation: str) -> dict:
        deadline = time.monotonic() + self.timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self._process.kill()
                    self._process.wait()
                    raise WorkerFailed("timeout", f"no answer to {operation!r} within {self.timeout_s:g} s; stopped")
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    raise self._death(operation)
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        answer = json.loads(line)
        if not answer.pop("ok"):
            raise WorkerFailed(answer["status"], answer["message"])
        return answer

    def _death(self, operation: str) -> WorkerFailed:
        code = self._process.wait()
        try:
            name = self.log.relative_to(Path.cwd())
        except ValueError:
            name = self.log.name
        if code == SIGKILL:
            return WorkerFailed("oom", f"killed by the system during {operation!r}, most likely for memory; see {name}")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return WorkerFailed("failed", f"the worker ended with {how} during {operation!r}; see {name}")
