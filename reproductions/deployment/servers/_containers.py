"""Container engines: whether one answers, and which images it already has. Nothing is pulled."""

from __future__ import annotations

import shutil
import subprocess

ENGINES = ("docker", "podman")


def engine() -> tuple[str | None, str]:
    """Return (program, "") of an engine that answers, or (None, why there is none)."""
    reasons = []
    for program in filter(shutil.which, ENGINES):
        done = _ask(program, "info")
        if done is not None and done.returncode == 0:
            return program, ""
        reasons.append(f"{program} is installed but its engine does not answer")
    return None, "; ".join(reasons) or f"neither {' nor '.join(ENGINES)} is installed"


def image(name: str) -> tuple[str | None, str | None, str]:
    """Return (program, image, "") of a local image whose name ends with ``name``, or why there is none."""
    program, why = engine()
    if program is None:
        return None, None, why
    listed = _ask(program, "image", "ls", "--format", "{{.Repository}}:{{.Tag}}")
    for line in listed.stdout.splitlines() if listed else ():
        repository, _, tag = line.rpartition(":")
        if repository.endswith(name) and tag != "<none>":
            return program, line, ""
    return None, None, f"{program} has no image {name}"


def _ask(program: str, *arguments: str) -> subprocess.CompletedProcess | None:
    try:
        return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
