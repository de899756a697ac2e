"""Environments of packages that do not resolve beside the core one: made by the command that needs them, if asked.

``environments.yaml`` says what is in each, what it takes and why it stands apart. They live in the cache, which git
ignores, and may be deleted.
"""

from __future__ import annotations

import importlib.util
import json
import logging
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import yaml

from reproductions.deployment.spec import size
from reproductions.errors import SurveyError
from reproductions.files import write_json

log = logging.getLogger(__name__)
REGISTRY = Path(__file__).with_name("environments.yaml")
FOLDER = Path(__file__).resolve().parents[2] / "data" / "downloads" / "environments"
RECORD = "made.json"
LIMIT_S = 1800


def load() -> dict[str, dict]:
    """Return ``{name: entry}`` of environments.yaml."""
    return yaml.safe_load(REGISTRY.read_text(encoding="utf-8"))


def entry(name: str) -> dict:
    """Return one entry, or say which there are."""
    known = load()
    if name not in known:
        raise SurveyError(f"no extra environment {name!r}; there are: {', '.join(known)}")
    return known[name]


def prefix(name: str) -> Path:
    """Return the folder in which an environment's ``bin`` lies, there or not."""
    return FOLDER / name


def offer(name: str) -> str:
    """Return what asking for an environment takes."""
    found = entry(name)
    return f"the environment {name} (get it: --extra {name}, {cost(found)})"


def cost(found: dict) -> str:
    """Return size and time of an entry in words."""
    return f"{found['mib'] / 1024:.1f} GiB, about {found['seconds']} s"


def make(name: str) -> Path:
    """Return an environment's folder, made if it is not there or its packages have changed; says first what it takes.

    Raises SurveyError with the installer's last words if it cannot be made; nothing half-made stays.
    """
    found, folder = entry(name), prefix(name)
    if found["kind"] == "npm":
        return _npm(name)
    known = _record(folder)
    if known.get("packages") == found["packages"]:
        return folder
    python = _interpreter(name, found)
    log.info("making the environment %s: %s; %s", name, cost(found), found["why"])
    begin = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        # Scripts hold the interpreter's path, so it is made where it stays; the record makes it count.
        _call([python, "-m", "venv", str(folder)], name)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        _call([*pip, *found["packages"]], name)
    except SurveyError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    seconds = time.monotonic() - begin
    write_json(
        folder / RECORD,
        {"packages": found["packages"], "seconds": round(seconds, 1), "mib": round(size(folder) / 2**20)},
    )
    return folder


def records(names: Iterable[str]) -> dict[str, dict]:
    """Return what was measured when each environment was made."""
    return {name: _record(prefix(name)) for name in names}


def _npm(name: str) -> Path:
    """Let the pages' own module fetch what they need."""
    if not importlib.util.find_spec("reproductions.deployment.web"):
        raise SurveyError(f"environment {name}: reproductions/deployment/web.py is missing")
    from reproductions.deployment import web

    for part in ("browser", "node"):
        folder = web.packages(part)
    return folder


def _interpreter(name: str, found: dict) -> str:
    wanted = found.get("python")
    if not wanted:
        return sys.executable
    path = shutil.which(wanted)
    if path is None:
        raise SurveyError(f"environment {name}: needs {wanted} ({found['why']}); install it, then run again")
    return path


def _call(command: list[str], name: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SurveyError(f"environment {name}: {error}") from error
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
        raise SurveyError(f"environment {name}: it cannot be installed: {lines[-1][:300]}")


def _record(folder: Path) -> dict:
    try:
        return json.loads((folder / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
