"""Starting a classifier in Node: a child process that is asked in JSON lines."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from reproductions.deployment import web
from reproductions.deployment.remote import Remote
from reproductions.process import Child

HERE = Path(__file__).resolve().parent
#: What a runtime takes from the npm registry: packages that begin with this.
PACKAGE = {"onnxruntime-node": "onnxruntime-node", "tfjs-cpu": "@tensorflow/", "tfjs-wasm": "@tensorflow/"}
PROTOCOL = HERE.parent / "browser" / "protocol.mjs"


def open_node(runtime: str, folder: Path, files: Sequence[Mapping], *, threads: int, limit_s: float = 120) -> Remote:
    """Load a model in Node and return it as a :class:`Remote`.

    runtime  ``onnxruntime-node``, ``tfjs-cpu`` or ``tfjs-wasm``
    folder   what was exported
    files    ``[{name, rows}]`` in that folder

    Raises SurveyError if npm or a package is missing, WorkerFailed with Node's own message if it fails.
    """
    program = shutil.which("node")
    if program is None:
        raise FileNotFoundError("no node is installed")
    packages = web.packages("node")
    command = [program, str(HERE / "classifier.mjs"), str(packages), str(PROTOCOL), runtime]
    child = Child(command, environment=os.environ, folder=folder, log=folder / "node.log", timeout_s=limit_s)
    try:
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()
        return Remote(
            child.ask,
            {"threads": threads, "folder": str(folder.resolve()), "files": list(files)},
            close=child.stop,
            memory=lambda: _peak(child),
            versions={"node": version, **web.versions("node", PACKAGE[runtime])},
        )
    except BaseException:
        child.stop()
        raise


def _peak(child: Child) -> float | None:
    """Return the peak resident set of the child in MiB."""
    try:
        status = Path(f"/proc/{child.pid}/status").read_text("utf-8")
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in status.splitlines() if line.startswith("VmHWM:")), None)
