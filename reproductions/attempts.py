"""A journal of attempts: what was started by the workflow, where, and how it ended.

Snakemake removes a rule's log before it tries again, and a job that a cluster loses leaves none. The journal is no
output of a rule, so it stays: an attempt that was lost has a start and no end.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

#: Beside the results; the folder is ignored by git, so the name of a node stays on the machine.
JOURNAL = Path("logs") / "attempts.jsonl"


@contextmanager
def recorded(command: Sequence[str], out: Path | None) -> Iterator[None]:
    """Write a line when an attempt starts and one when it ends; nothing for a command that no workflow started."""
    if "SURVEY_RUN" not in os.environ or out is None:
        yield
        return
    attempt = secrets.token_hex(4)
    about = {"attempt": attempt, "command": " ".join(map(str, command)), "node": platform.node()}
    if job := os.environ.get("SLURM_JOB_ID"):
        about["slurm_job"] = job
    _add(about | {"started": _now()})
    ended = "stopped"
    try:
        yield
        ended = "ended"
    finally:
        _add({"attempt": attempt, ended: _now()})


def read(path: Path = JOURNAL) -> list[dict[str, str]]:
    """Return an attempt a row, in the order in which they started; one that was lost has neither ended nor stopped."""
    found: dict[str, dict[str, str]] = {}
    if path.exists():
        for line in path.read_text("utf-8").splitlines():
            try:
                row = json.loads(line)
            except ValueError:
                continue  # a line that a killed process left half written
            found.setdefault(row["attempt"], {}).update(row)
    return list(found.values())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _add(row: dict[str, str]) -> None:
    JOURNAL.parent.mkdir(parents=True, exist_ok=True)
    line = json.dumps(row, ensure_ascii=False) + "\n"
    # One write of a short line to a file opened for appending: lines of two processes do not mix.
    handle = os.open(JOURNAL, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.write(handle, line.encode())
    finally:
        os.close(handle)
