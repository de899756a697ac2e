"""Packages of the npm registry that pages and Node run: pinned in a lock file, fetched by the command that needs them.

``npm ci --ignore-scripts`` checks each package against the lock file's hash and runs nothing of it. The folder is part
of the cache: it is ignored by git and may be deleted.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.files import sha256, write_json

log = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
CACHE = HERE.parents[1] / "data" / "downloads" / "web"
RECORD = "fetched.json"
LIMIT_S = 600


def packages(name: str, cache: Path = CACHE) -> Path:
    """Return the folder that holds ``node_modules``, fetched if it is not there.

    name  ``browser`` or ``node``: the folder whose package.json and package-lock.json count

    Raises SurveyError if npm is missing or fails.
    """
    folder = packages_folder(name, cache)
    if (folder / RECORD).is_file():
        return folder
    if shutil.which("npm") is None:
        raise SurveyError("npm is not installed; install Node.js 20 with npm, then run again")
    log.info("npm ci of %s: %s", name, ", ".join(f"{key} {value}" for key, value in versions(name).items()))
    cache.mkdir(parents=True, exist_ok=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(dir=cache, prefix=f".{name}-") as scratch:
        for file in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name / file, scratch)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, timeout=LIMIT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise SurveyError(f"npm ci of {name}: {error}; run the same command again") from error
        if done.returncode:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no message"]
            raise SurveyError(f"npm ci of {name} failed: {lines[0][:300]}; connect to a network, then run again")
        seconds = time.monotonic() - begin
        write_json(Path(scratch, RECORD), {"bytes": size(Path(scratch)), "seconds": round(seconds, 1)})
        shutil.rmtree(folder, ignore_errors=True)
        # The temporary folder's own removal must not find what was moved.
        whole = Path(scratch).rename(folder)
        Path(scratch).mkdir()
    return whole


def packages_folder(name: str, cache: Path = CACHE) -> Path:
    """Return where the packages of the present lock file are, or will be."""
    return cache / f"{name}-{sha256(HERE / name / 'package-lock.json')[:12]}"


def fetched(name: str, cache: Path = CACHE) -> bool:
    """Return whether the packages are there."""
    return (packages_folder(name, cache) / RECORD).is_file()


def versions(name: str, prefix: str = "") -> dict[str, str]:
    """Return ``{package: pinned version}`` of what a folder asks for itself, of packages that begin with ``prefix``."""
    pinned = json.loads((HERE / name / "package.json").read_text("utf-8"))["dependencies"]
    return {package: version for package, version in pinned.items() if package.startswith(prefix)}


def bytes_of(name: str, prefix: str = "", cache: Path = CACHE) -> int:
    """Return the bytes that packages which begin with ``prefix`` take with what they depend on, as far as installed.

    Dependencies are followed through the lock file; a package that two of them need counts once.
    """
    packages = json.loads((HERE / name / "package-lock.json").read_text("utf-8"))["packages"]
    folder, wanted, seen = packages_folder(name, cache), list(versions(name, prefix)), set()
    while wanted:
        path = f"node_modules/{wanted.pop()}"
        if path in packages and path not in seen:
            seen.add(path)
            wanted += packages[path].get("dependencies", {})
    return sum(size(folder / path) for path in seen)


def size(folder: Path) -> int:
    """Return the bytes of all files of a folder."""
    return sum((Path(parent) / file).lstat().st_size for parent, _, found in os.walk(folder) for file in found)
