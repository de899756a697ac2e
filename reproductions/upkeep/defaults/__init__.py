"""Defaults that differ: each read from the frameworks, then changed alone on a real task, over several seeds.

A default is one file of ``each/`` with ``DEFAULT``, and ``pytorch()`` and ``tensorflow()``, which import their
framework and return its default. Where the two are not written alike, ``setting(side, value)`` turns what was read into
the setting of the networks (``networks.py``); ``text(value)`` says it in words.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType

SIDES = ("pytorch", "tensorflow")


@dataclass(frozen=True)
class Default:
    """One default that differs.

    network  whose training shows its effect: ``convolutional``, ``recurrent`` or ``transformer``
    setting  the name of the setting that it is
    asked    the expression that was read, by side
    common   settings that both sides share besides, for example the optimiser that has this default
    """

    id: str
    title: str
    network: str
    setting: str
    asked: Mapping[str, str]
    common: Mapping[str, object] = field(default_factory=dict)


def discover() -> dict[str, ModuleType]:
    """Return ``{id: module}`` of every default, in the order of their files."""
    from reproductions.upkeep.defaults import each

    names = sorted(entry.name for entry in pkgutil.iter_modules(each.__path__) if not entry.name.startswith("_"))
    return {name: importlib.import_module(f"{each.__name__}.{name}") for name in names}


def setting(module: ModuleType, side: str, value: object) -> object:
    """Return the setting that a default, as read from a side, stands for."""
    turn = getattr(module, "setting", None)
    return turn(side, value) if turn else value


def argument(call: Callable, name: str) -> object:
    """Return the default of an argument; raises TypeError if it has none any more."""
    found = inspect.signature(call).parameters
    if name not in found or found[name].default is inspect.Parameter.empty:
        raise TypeError(f"{call.__qualname__} has no default for {name}")
    return found[name].default
