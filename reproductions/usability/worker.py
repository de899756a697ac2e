"""The process that runs one paired program: a job on stdin, an answer on stdout, a JSON line each.

Started by :mod:`reproductions.usability.programs`, never by hand. What the program prints is dropped; what it logs
goes to stderr. Only the standard library is imported before the program, so that its own import is what is timed.
"""

from __future__ import annotations

import collections
import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from pathlib import Path

PR_SET_PDEATHSIG = 1
#: Python does not show these unless asked, except where __main__ itself causes them.
HIDDEN = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
DEPRECATIONS = (DeprecationWarning, PendingDeprecationWarning, FutureWarning)


def play(job: dict) -> dict:
    """Run one program and return its clocks, what it was warned of and its results.

    job   folder of the task, program, sizes, scratch (where the program's own files land), started (monotonic seconds)
    """
    from reproductions.usability import loading

    met: collections.Counter[tuple[type, str]] = collections.Counter()
    warnings.showwarning = lambda text, category, *_: met.update([(category, str(text))])
    folder, program = Path(job["folder"]), job["program"]
    os.chdir(job["scratch"])
    before = _clocks()
    loaded = loading.module(folder, program)
    imported = _clocks()
    from reproductions.usability import initial, tasks

    source, data, weights = tasks.given(folder, job["sizes"])
    model = initial.built(program, loaded.build, weights)
    prepared = _clocks()
    results = loaded.main(model, data)
    done = _clocks()
    if hasattr(source, "compared"):
        results = source.compared(data, results, weights)
    return {
        "wall_s": done[0] - job["started"],
        "cpu_s": done[1],
        "import_wall_s": imported[0] - before[0],
        "import_cpu_s": imported[1] - before[1],
        "main_wall_s": done[0] - prepared[0],
        "main_cpu_s": done[1] - prepared[1],
        "peak_mib": _peak_mib(),
        "warnings": [
            {
                "category": category.__name__,
                "text": text,
                "times": times,
                "shown": not issubclass(category, HIDDEN),
                "deprecation": issubclass(category, DEPRECATIONS),
            }
            for (category, text), times in met.items()
        ],
        "results": {name: _plain(value) for name, value in results.items()},
        "versions": _versions(program),
    }


def _clocks() -> tuple[float, float]:
    """Return wall seconds of the clock that parent and child share, and CPU seconds with children."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.monotonic(), time.process_time() + children.ru_utime + children.ru_stime


def _peak_mib() -> float:
    from reproductions.worker import _peak_host_bytes

    return _peak_host_bytes() / 2**20


def _plain(value: object) -> object:
    import numpy as np

    return np.asarray(value).astype(np.float64).tolist()


def _versions(program: str) -> str:
    from importlib import metadata

    tensorflow = ("tensorflow-cpu", "tensorflow")
    names = {"pytorch": ("torch",), "tensorflow": tensorflow, "keras": ("keras", *tensorflow)}[program]
    found = {}
    for name in names:
        try:
            found.setdefault(name.removesuffix("-cpu"), metadata.version(name))
        except metadata.PackageNotFoundError:
            continue
    return ", ".join(f"{name} {version}" for name, version in found.items())


def _between() -> None:
    """Undo what a program set for its whole process, before the next one in it (tests only)."""
    if "keras" in sys.modules:
        import keras

        keras.config.set_dtype_policy("float32")


def main() -> int:
    """Answer jobs until end of input; a failing program is answered too, then the process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # progress bars and the like; logs go to stderr
    for line in sys.stdin:
        try:
            answers.write(json.dumps({"ok": True, **play(json.loads(line))}) + "\n")
            _between()
        except Exception as error:
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
            answers.write(json.dumps({"ok": False, "status": "failed", "message": message}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
