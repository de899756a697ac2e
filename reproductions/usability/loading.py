"""Importing a program by its path; only the standard library, so that a worker can time what the program imports."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def module(folder: Path, name: str) -> ModuleType:
    """Import ``<folder>/<name>.py`` without touching ``sys.path`` (it may be called ``tensorflow.py``)."""
    spec = importlib.util.spec_from_file_location(f"{folder.name}_{name}_program", folder / f"{name}.py")
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loaded  # as an import would; AutoGraph looks a function's module up there
    spec.loader.exec_module(loaded)
    return loaded
