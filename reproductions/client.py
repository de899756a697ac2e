"""The parent's side of a worker process: start, ask with a deadline, stop."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.process import Child
from reproductions.spec import Cell, Preset, Workload

ROOT = Path(__file__).resolve().parents[1]


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


class Worker(Child):
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
        self.cell = cell
        scratch = scratch.resolve()  # the worker runs inside it, and its cache's path must not depend on that
        job = {
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
        try:
            super().__init__(
                [python, "-m", "reproductions.worker"],
                environment=worker_environment(environment, runtime.threads, scratch) | backend,
                folder=scratch,
                log=log,
                timeout_s=preset.timeout_s,
            )
        except WorkerFailed as failure:  # only a process that cannot be started
            raise WorkerFailed("failed", f"{failure}; correct config key python.{cell.interpreter}") from failure
        self.facts: dict = {}
        self.send("start", job=job)

    def ready(self) -> dict:
        """Wait until the framework is imported and the model built; return its description."""
        answer = self.receive("start")
        self.facts = answer["facts"]
        return answer
