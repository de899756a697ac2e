"""A process that may harm nothing: no network, one folder to write in, limits on time, memory and size.

The network is taken away with a network namespace of its own (``unshare``), and with a mount namespace every file
system but the folder it runs in becomes read-only (``jail.py``, which sets the limits, too). Where the system allows
neither, nothing is opened: the caller gets the reason for its row.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PREFIX = ("unshare", "--net", "--mount", "--map-root-user", "--")
JAIL = Path(__file__).with_name("jail.py")


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
        return "this system has no unshare, so network and files cannot be taken away"
    with tempfile.TemporaryDirectory(prefix="upkeep-") as folder:
        done = subprocess.run([*inside(Path(folder)), "true"], capture_output=True, check=False)
    return "" if done.returncode == 0 else "this system allows no namespaces of network and mounts"


def inside(folder: Path) -> list[str]:
    """Return the head of a command that runs in ``folder``, which alone it may write to, and without a network."""
    return [*PREFIX, sys.executable, "-I", str(JAIL), str(folder.resolve())]


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
    command = [*inside(folder), python or sys.executable, "-P", "-m", module, *arguments]
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
