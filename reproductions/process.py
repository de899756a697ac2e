"""A child process that is asked in JSON lines and ends with its parent: both sides of the conversation.

The parent holds a :class:`Child`; the child's module calls :func:`serve` with an object whose public methods are the
operations. What the child prints goes to its log, never into the answers.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import selectors
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

from reproductions.errors import WorkerFailed

PR_SET_PDEATHSIG = 1
SIGKILL = -9
# What running out of memory looks like. Python's own code reports it properly; the loader, OpenBLAS, glibc and C++ have
# words of their own. Seen by starting TensorFlow under limits from 40 to 520 MiB.
MEMORY_ERRORS = {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"}
MEMORY_WORDS = re.compile(
    r"can(?:'t|not) allocate memory|memory allocation (?:still )?failed|failed to map segment|bad_alloc"
    r"|cannot map zero-fill|mmap error: 12\b|can't start new thread|pthread_create\(\) failed|^MemoryError\b",
    re.IGNORECASE | re.MULTILINE,
)


class Child:
    """One process; use as a context manager, leaving it stops the process.

    command      program and arguments
    environment  complete environment
    folder       working directory, made if need be
    log          what the child writes to stderr and stdout is appended there
    timeout_s    how long one answer may take

    Every request raises :class:`WorkerFailed` if the child answers with an error, dies, or stays silent too long.
    """

    def __init__(
        self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path, log: Path, timeout_s: float
    ):
        self.log, self.timeout_s, self._buffer = log, timeout_s, b""
        folder.mkdir(parents=True, exist_ok=True)
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as errors:
            self._log_start = errors.tell()
            try:
                self._process = subprocess.Popen(
                    list(command),
                    cwd=folder,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    env=dict(environment),
                    start_new_session=True,  # so that its own children can be ended with it
                )
            except OSError as error:
                raise WorkerFailed("failed", f"{command[0]}: cannot be started ({error.strerror})") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """Return the number of the process."""
        return self._process.pid

    def ask(self, operation: str, **arguments: object) -> dict:
        """Send one request and return the answer."""
        self.send(operation, **arguments)
        return self.receive(operation)

    def send(self, operation: str, **arguments: object) -> None:
        """Send a request whose answer is received later, so that several children can work at a time."""
        try:
            self._process.stdin.write(json.dumps({"operation": operation, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
        except (BrokenPipeError, ValueError):
            raise self._death(operation) from None

    def receive(self, operation: str) -> dict:
        """Wait for the answer to a request."""
        deadline = time.monotonic() + self.timeout_s
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    self.stop()
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

    def stop(self) -> None:
        """End the process and its children at once."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def _death(self, operation: str) -> WorkerFailed:
        code = self._process.wait()
        try:
            name = self.log.relative_to(Path.cwd())
        except ValueError:
            name = self.log.name
        if code == SIGKILL:
            return WorkerFailed("oom", f"killed by the system during {operation!r}, most likely for memory; see {name}")
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        word = "oom" if MEMORY_WORDS.search(self._last_words()) else "failed"
        return WorkerFailed(word, f"the process ended with {how} during {operation!r}; see {name}")

    def _last_words(self, size: int = 20_000) -> str:
        """Return the end of what this process wrote to its log, where a dying one says why."""
        with self.log.open("rb") as file:
            file.seek(max(self._log_start, self.log.stat().st_size - size))
            return file.read().decode("utf-8", "replace")


def serve(make: Callable[..., object], unsupported: tuple[type, ...] = (NotImplementedError, ImportError)) -> int:
    """Answer requests from stdin until it ends; the first, ``start``, has the arguments of ``make``.

    An operation is a public method of what ``make`` returned; it answers with a dictionary. An exception is answered
    too, then the process ends: its state is not to be trusted.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    session = None
    for line in sys.stdin:
        request = json.loads(line)
        operation = request.pop("operation")
        try:
            if operation == "start":
                session = make(**request)
                answer = session.describe()
            else:
                answer = getattr(session, operation)(**request)
            answers.write(json.dumps({"ok": True, **answer}) + "\n")
        except Exception as error:
            traceback.print_exc()
            said = str(error).strip() or "no message"  # some messages begin with an empty line
            message = f"{type(error).__name__}: {said.splitlines()[0]}"[:300]
            answers.write(json.dumps({"ok": False, "status": status(error, unsupported), "message": message}) + "\n")
            return 1
    return 0


def status(error: BaseException, unsupported: tuple[type, ...]) -> str:
    """Return the status word of a row for an exception of Python or of either framework.

    unsupported   exceptions that say that something is not offered, where memory is not to blame
    """
    if _out_of_memory(error):
        return "oom"
    return "unsupported" if isinstance(error, unsupported) else "failed"


def _out_of_memory(error: BaseException | None) -> bool:
    """Return whether an exception, or one that led to it, says that memory ran out.

    Under a limit that is all but reached any error is counted: imports and C code swallow a ``MemoryError`` and fail
    later of something else.
    """
    if _at_limit():
        return True
    while error is not None:
        names = {base.__name__ for base in type(error).__mro__}
        if names & MEMORY_ERRORS or MEMORY_WORDS.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def _at_limit(part: float = 0.9) -> bool:
    """Return whether this process holds that part of the memory that it may take (Linux; elsewhere: no)."""
    limit, _ = resource.getrlimit(resource.RLIMIT_DATA)
    if limit == resource.RLIM_INFINITY:
        return False
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return False
    except (OSError, MemoryError):  # not even room for this
        return True
    held = {name: value for name, _, value in (line.partition(":") for line in lines)}["VmData"]
    return int(held.split()[0]) * 1024 >= part * limit
