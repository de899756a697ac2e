"""Environments of packages that do not resolve beside the usual ones: old releases, converters. Made only if asked.

``environments.yaml`` says what is in each, what it takes and why it stands apart. They live in the cache, which git
ignores, and may be deleted. An environment that cannot be made is an answer: the installer's last words.
"""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.files import read_yaml, write_json
from reproductions.validation import suggest

log = logging.getLogger(__name__)
REGISTRY = Path(__file__).with_name("environments.yaml")
FOLDER = Path(__file__).resolve().parents[2] / "data" / "downloads" / "environments"
RECORD = "made.json"
LIMIT_S = 1800
#: The group that stands for all environments of old releases.
OLD_FILES = "old_files"


class NotInstallable(Exception):
    """An environment cannot be made; the message is the installer's, fit for a row."""


@dataclass
class Environments:
    """What may be used.

    asked    names that may be made; ``old_files`` stands for all that only old files need
    given    interpreters that stand for an environment, by name
    folder   where environments are made
    """

    asked: Sequence[str] = ()
    given: Mapping[str, str] = field(default_factory=dict)
    folder: Path = FOLDER

    def __post_init__(self) -> None:
        known = {*registry(), OLD_FILES}
        for name in (*self.asked, *self.given):
            if name not in known:
                raise SurveyError(
                    f"no environment {name!r} in environments.yaml of upkeep; {suggest(name, sorted(known))}"
                )

    def wants(self, name: str) -> bool:
        """Return whether an environment may be used: given, or asked for by its name or its group."""
        return name in self.given or name in self.asked or registry()[name].get("group") in self.asked

    def python(self, name: str) -> str:
        """Return the interpreter of an environment, made if need be; raises :class:`NotInstallable`."""
        return self.given.get(name) or str(make(name, self.folder) / "bin" / "python")


def registry() -> dict[str, dict]:
    """Return ``{name: entry}``."""
    return read_yaml(REGISTRY)["environments"]


def offer(name: str) -> str:
    """Say how an environment is had."""
    entry = registry()[name]
    asked = entry.get("group", name)
    return f"config key upkeep: {{extra: [{asked}]}} makes an environment with it ({entry['gib']:g} GiB)"


def make(name: str, folder: Path = FOLDER) -> Path:
    """Return an environment's folder, made if it is not there or its packages have changed.

    raises  NotInstallable with the installer's last words; nothing half-made stays, and the answer is not kept
    """
    entry, place = registry()[name], folder / f"upkeep-{name}"
    wanted = _wanted(entry)
    if _record(place) == wanted:
        return place
    python = interpreter(entry.get("pythons", []))
    log.info("making the environment %s (%g GiB): %s", name, entry["gib"], entry["why"])
    shutil.rmtree(place, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        # Scripts hold the interpreter's path, so it is made where it stays; the record makes it count.
        _call([python, "-m", "venv", str(place)])
        pip = [str(place / "bin" / "python"), "-m", "pip", "install", "--disable-pip-version-check", "--prefer-binary"]
        _call([*pip, *wanted["packages"]])
        if wanted["then"]:
            _call([*pip, "--no-deps", *wanted["then"]])
    except NotInstallable:
        shutil.rmtree(place, ignore_errors=True)
        raise
    write_json(place / RECORD, wanted)
    return place


def interpreter(pythons: Sequence[str]) -> str:
    """Return the first Python of a list, such as ``3.9``, that this machine has; this one where it has none."""
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    if not pythons or own in pythons:
        return sys.executable
    for version in pythons:
        path = shutil.which(f"python{version}")
        # A launcher that manages several Pythons answers for one that is not chosen, too.
        if path and _says(path, version):
            return path
    return sys.executable


def _says(path: str, version: str) -> bool:
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([path, "-c", ask], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def _call(command: list[str]) -> None:
    try:
        # A machine's own constraints are for its own environments; these are pinned. And where no wheel fits, pip
        # speaks of a conflict with the constraint instead of saying so.
        variables = os.environ | {"PIP_CONSTRAINT": os.devnull}
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=variables)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstallable(f"{type(error).__name__}: the installer did not end") from error
    if done.returncode:
        raise NotInstallable(last_words(done.stderr))


def last_words(text: str) -> str:
    """Return the installer's error line, without addresses; versions it offers are cut to the first and last."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    line = next((line for line in lines if line.startswith("ERROR: Could not find a version")), None)
    line = line or next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1])
    line = re.sub(r"https?://\S+", "...", line)
    found = re.search(r"\(from versions: ([^)]*)\)", line)
    if found and found[1].count(","):
        offered = [each.strip() for each in found[1].split(",")]
        line = line.replace(found[0], f"(from versions: {offered[0]} to {offered[-1]})")
    return line[:250]


def missing(python: str, modules: Sequence[str]) -> list[str]:
    """Return which modules an interpreter does not have; nothing is imported."""
    find = "import json, sys; from importlib.util import find_spec as spec; "
    ask = f"{find}print(json.dumps([name for name in sys.argv[1:] if not spec(name)]))"
    try:
        done = subprocess.run([python, "-c", ask, *modules], capture_output=True, text=True, timeout=60, check=False)
        return json.loads(done.stdout)
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return list(modules)


def made(name: str, folder: Path = FOLDER) -> bool:
    """Return whether an environment is there as the registry has it now."""
    return _record(folder / f"upkeep-{name}") == _wanted(registry()[name])


def _wanted(entry: Mapping) -> dict:
    packages = [*entry["packages"], *(read_yaml(REGISTRY)["common"] if entry.get("common", True) else [])]
    return {"packages": packages, "then": entry.get("then", [])}


def _record(place: Path) -> dict:
    try:
        return json.loads((place / RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
