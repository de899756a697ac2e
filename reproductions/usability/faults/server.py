"""A process that has imported one framework and plays each program in a fork of itself.

Started by :mod:`measuring`, never by hand: reads jobs from stdin, answers on stdout, a JSON
line each. Forking is safe only while the process has one thread, so that is checked before
every fork; where it does not hold (or cannot be told), a fresh process is started instead.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import json
import os
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

from reproductions.usability.faults import player

PR_SET_PDEATHSIG = 1
IMPORTS = {
    "pytorch": ("numpy", "sklearn.datasets", "torch", "torch._dynamo", "torch._inductor.compile_fx"),
    "tensorflow": ("numpy", "sklearn.datasets", "tensorflow", "keras"),
}
MEGABYTE = 2**20
MOST_OUTPUT = 400_000


def main(framework: str, once: bool) -> int:
    """Answer jobs until end of input; with ``once`` play the only job here."""
    _die_with_parent()
    for name in IMPORTS[framework]:
        importlib.import_module(name)
    if once:
        _play(json.loads(sys.stdin.readline()))
        return 0
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    answers.write(json.dumps({"versions": _versions(framework)}) + "\n")
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line), framework)) + "\n")
    return 0


def _versions(framework: str) -> dict[str, str]:
    names = ("torch",) if framework == "pytorch" else ("tensorflow", "keras")
    return {name: sys.modules[name].__version__ for name in names}


def _run(job: dict, framework: str) -> dict:
    """Run one job in a process of its own; return its result, its printed lines and how it ended."""
    scratch = Path(job["scratch"])
    shutil.rmtree(scratch / "work", ignore_errors=True)
    (scratch / "work").mkdir(parents=True)
    result = scratch / "result.json"
    result.unlink(missing_ok=True)
    reading, writing = os.pipe()
    if job["mode"] == "compile" and not job["backend"]:
        _probe_compiler()
    alone = _single_threaded()
    if alone:
        pid = os.fork()
        if pid == 0:
            os.close(reading)
            os.dup2(writing, 1)
            os.dup2(writing, 2)
            os.close(0)
            _die_with_parent()
            _play(job)
    else:
        command = [sys.executable, "-m", "reproductions.usability.faults.server", framework, "--once"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=writing, stderr=writing)
        process.stdin.write(json.dumps(job).encode() + b"\n")
        process.stdin.close()
        pid = process.pid
    os.close(writing)
    lines, late = _listen(reading, pid, time.monotonic() + job["timeout_s"])
    os.close(reading)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        answer = json.loads(result.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        answer = None
    shutil.rmtree(scratch / "work", ignore_errors=True)
    return {"result": answer, "lines": lines, "code": code, "timeout": late, "forked": alone}


@functools.cache
def _probe_compiler() -> None:
    """Ask the compiler once which vector instructions it can use, as a machine does once, not once a program.

    The answer is cached in the process, so that the forks inherit it; it takes a compilation an instruction set.
    """
    from torch._inductor.cpu_vec_isa import valid_vec_isa_list

    valid_vec_isa_list()


def _single_threaded() -> bool:
    """True only if the system says that this process has one thread."""
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return False


def _play(job: dict) -> None:
    """Play in this process and leave it; nothing is returned."""
    scratch = Path(job["scratch"])
    try:
        os.setpgid(0, 0)
        os.chdir(scratch / "work")
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(scratch / "inductor")
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        limit = job["memory_limit_mib"] * MEGABYTE
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        answer = player.play(job)
        partial = scratch / "result.partial"
        partial.write_text(json.dumps(answer), encoding="utf-8")
        partial.replace(scratch / "result.json")
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def _listen(reading: int, pid: int, deadline: float) -> tuple[list[tuple[float, str]], bool]:
    """Return the printed lines with the time at which each arrived, and whether the time ran out."""
    lines: list[tuple[float, str]] = []
    rest, size, ended = b"", 0, None
    with selectors.DefaultSelector() as selector:
        selector.register(reading, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now >= deadline:
                _kill(pid)
                return lines, True
            if ended is None and os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                ended = now + 0.2  # what is still in the pipe; a child of the program may hold it open
            if ended is not None and now >= ended:
                _kill(pid)
                return lines, False
            if not selector.select(0.05):
                continue
            piece = os.read(reading, 1 << 16)
            if not piece:
                return lines, False
            size += len(piece)
            *whole, rest = (rest + piece).split(b"\n")
            if size <= MOST_OUTPUT:
                lines += [(time.monotonic(), line.decode(errors="replace")) for line in whole]


def _kill(pid: int) -> None:
    """End the program and what it started; both are this server's own."""
    for end in (lambda: os.killpg(pid, signal.SIGKILL), lambda: os.kill(pid, signal.SIGKILL)):
        try:
            end()
        except ProcessLookupError:
            continue


def _die_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], "--once" in sys.argv))
