"""One measurement at a time on a machine: an advisory lock that the system releases when its holder dies."""

from __future__ import annotations

import getpass
import json
import os
import platform
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from reproductions.errors import SurveyError


def default_path() -> Path:
    """Return the lock shared by every copy of the project on this machine (``SURVEY_LOCK`` names another)."""
    name = f"framework-survey-{getpass.getuser()}.lock"
    return Path(os.environ.get("SURVEY_LOCK") or Path(tempfile.gettempdir()) / name)


@contextmanager
def exclusive(wait_s: float, path: Path | None = None) -> Iterator[None]:
    """Hold the lock; wait up to ``wait_s`` seconds for another holder, then raise SurveyError that names it."""
    from filelock import FileLock, Timeout

    path = path or default_path()
    holder = path.with_suffix(".json")
    lock = FileLock(path, timeout=wait_s)
    try:
        lock.acquire()
    except Timeout:
        try:
            found = json.loads(holder.read_text(encoding="utf-8"))
            who = f"process {found['pid']} since {found['since']}"
        except (OSError, ValueError, KeyError):
            who = "an unknown process"
        raise SurveyError(
            f"another measurement is running on this machine ({who}) and two would disturb each other; "
            f"wait for it or stop it, then run again (lock: {path})"
        ) from None
    try:
        holder.write_text(json.dumps({"pid": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}))
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def this_run() -> str:
    """Return what names this process to those that it starts: its id and the machine on which that id means it."""
    return f"{os.getpid()}@{platform.node()}"


def workflow_pid() -> int | None:
    """Return the id of the workflow that started this process, by ``SURVEY_RUN``; None if it runs on another machine.

    A cluster hands the variable on to its nodes, where the id would name some other process or none; there the
    cluster ends the job.
    """
    pid, _, node = os.environ.get("SURVEY_RUN", "").partition("@")
    return int(pid) if pid.isdigit() and node in ("", platform.node()) else None


def die_with(pid: int | None) -> None:
    """End this process soon after process ``pid`` has ended: a killed workflow leaves no measurement behind."""
    if not pid:
        return
    import psutil

    try:
        started = psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        os._exit(1)

    def watch() -> None:
        while True:
            try:
                process = psutil.Process(pid)
                alive = process.create_time() == started and process.status() != psutil.STATUS_ZOMBIE
            except psutil.NoSuchProcess:
                alive = False
            if not alive:
                os._exit(1)
            time.sleep(1)

    threading.Thread(target=watch, daemon=True, name="die-with-workflow").start()


def hold(path: Path, what: str) -> object:
    """Take a lock for the rest of this process or raise SurveyError at once; the caller keeps the returned object."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise SurveyError(f"{what} (lock: {path}); wait until it has ended or stop it, then run again") from None
    return lock
