"""What the installed builds say of accelerators when they are asked; a key that is gone is an answer."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reproductions import machine
from reproductions.files import write_csv
from reproductions.upkeep.rows import again

log = logging.getLogger(__name__)
TABLE = "upkeep_builds.csv"
COLUMNS = ("machine", "date", "side", "package", "version", "what", "value", "asked", "command", "status", "note")
ABSENT = "key absent"
_TORCH = f"""
import json, torch
def told(value):
    return "none" if value in (None, []) else ", ".join(map(str, value)) if isinstance(value, list) else str(value)
ask = {{
    "torch.version.cuda": ("CUDA version", lambda: torch.version.cuda),
    "torch.version.hip": ("ROCm version", lambda: torch.version.hip),
    "torch.cuda.get_arch_list()": ("GPU architectures", lambda: torch.cuda.get_arch_list()),
    "torch.backends.mps.is_built()": ("MPS (Apple) built in", lambda: torch.backends.mps.is_built()),
    "torch.xpu._is_compiled()": ("XPU (Intel) built in", lambda: torch.xpu._is_compiled()),
}}
rows = []
for expression, (what, take) in ask.items():
    try:
        rows.append([what, told(take()), expression])
    except AttributeError:
        rows.append([what, "{ABSENT}", expression])
print(json.dumps({{"version": torch.__version__, "rows": rows}}))
"""
_TENSORFLOW = f"""
import json, tensorflow as tf
info = dict(tf.sysconfig.get_build_info())
ask = {{
    "is_cuda_build": "CUDA build",
    "cuda_version": "CUDA version",
    "cudnn_version": "cuDNN version",
    "cuda_compute_capabilities": "GPU architectures",
    "is_rocm_build": "ROCm build",
    "is_tensorrt_build": "TensorRT build",
}}
rows = []
for key, what in ask.items():
    value = info.get(key, "{ABSENT}")
    value = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    rows.append([what, value or "none", f"tf.sysconfig.get_build_info()[{{key!r}}]"])
print(json.dumps({{"version": tf.__version__, "rows": rows}}))
"""
ASKED = {"pytorch": ("torch", _TORCH), "tensorflow": ("tensorflow", _TENSORFLOW)}


@dataclass(frozen=True)
class Options:
    """What is asked.

    python     interpreter by framework; absent or None is the one that runs this
    timeout_s  seconds after which a process is stopped
    """

    python: Mapping[str, str | None] = field(default_factory=dict)
    timeout_s: float = 120


def measure(out: Path, options: Options) -> list[dict]:
    """Ask both builds, write the table to ``out`` and return its rows."""
    common = {"machine": machine.describe()["machine"], "date": datetime.now(UTC).date().isoformat(), "status": "ok"}
    common |= {"command": again("builds")}
    rows = []
    for side in ASKED:
        rows += [common | row for row in ask(side, options)]
        log.info("asked the build of %s", side)
    write_csv(out / TABLE, COLUMNS, rows)
    return rows


def ask(side: str, options: Options) -> list[dict]:
    """Return what a side's installed build answers, or a row that says why it could not be asked."""
    package, program = ASKED[side]
    about = {"side": side, "package": package}
    command = [options.python.get(side) or sys.executable, "-c", program]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout_s, check=False)
        said = json.loads(done.stdout.strip().splitlines()[-1])
    except (subprocess.TimeoutExpired, OSError, ValueError, IndexError) as error:
        note = f"{package} could not be asked ({type(error).__name__}); is it installed?"
        what = {"version": "unknown", "what": "build", "value": "not asked", "asked": f"import {package}"}
        return [about | what | {"status": "failed", "note": note}]
    return [
        about | {"version": said["version"], "what": what, "value": value, "asked": expression}
        for what, value, expression in said["rows"]
    ]
