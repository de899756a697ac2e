"""A process that may harm nothing: no network, a folder that is thrown away, limits on time, memory, files and size.

The network is taken away with a network namespace of its own (``unshare``). Where the system allows none, nothing is
opened: the caller gets the reason for its row.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREFIX = ("unshare", "--net", "--map-root-user", "--")
MEMORY = 16 << 30  # bytes of address space; TensorFlow reserves several before it begins
FILE = 1 << 30  # bytes of one file
CPU_S = 180


@dataclass(frozen=True)
class Ended:
    """How a process ended.

    status  ok, failed or timeout
    said    the JSON object on its last line
    stderr  what it logged
    """

    status: str
    said: dict = field(default_factory=dict)
    stderr: str = ""
    reason: str = ""


@cache
def unavailable() -> str:
    """Return why no sandbox can be had here; empty where one can."""
    if not shutil.which(PREFIX[0]):
        return "this system has no unshare, so the network cannot be taken away"
    done = subprocess.run([*PREFIX, "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this system allows no network namespace"


def run(module: str, arguments: Sequence[str], folder: Path, *, python: str | None = None, timeout_s: float) -> Ended:
    """Run ``python -m <module>`` in ``folder`` and return how it ended.

    python  interpreter; None is the one that runs this
    """
    home = folder / ".home"
    home.mkdir(parents=True, exist_ok=True)
    variables = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(home),
        "TMPDIR": str(home),
        "KERAS_HOME": str(home / "keras"),
        "TORCH_HOME": str(home / "torch"),
        "KERAS_BACKEND": "tensorflow",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
    }
    command = [*PREFIX, python or sys.executable, "-P", "-m", module, *arguments]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_s,
            preexec_fn=_limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Ended("timeout", reason=f"no end within {timeout_s:g} s; stopped")
    line = done.stdout.strip().splitlines()[-1:] or [""]
    try:
        said = json.loads(line[0])
    except ValueError:
        said = None
    if done.returncode != 0 or not isinstance(said, dict):
        words = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return Ended("failed", stderr=done.stderr, reason=words[0])
    return Ended("ok", said, done.stderr)


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, FILE),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
