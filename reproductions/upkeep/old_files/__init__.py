"""Old files: saved by old releases in their own environments, opened by the previous and by today's.

A kind of file is one module of ``each/`` with ``KIND``, ``save(network, folder)`` and ``load(way, network, folder)``,
which return the model's outputs as lists. ``runner.py`` runs them in environments that hold nothing of this project and
Pythons as old as 3.8, so these modules keep to what those understand and import frameworks inside their functions.
"""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

NETWORKS = ("dense", "recurrent")


def discover() -> dict[str, ModuleType]:
    """Return ``{id: module}`` of every kind of file, in the order of their names."""
    from reproductions.upkeep.old_files import each

    names = sorted(entry.name for entry in pkgutil.iter_modules(each.__path__) if not entry.name.startswith("_"))
    return {name: importlib.import_module(f"{each.__name__}.{name}") for name in names}
