"""The routes: one module each, with :data:`ROUTE`, ``leave`` and ``arrive``; discovered by their files.

``leave(engine, context, folder)`` runs in a process of the framework that is left and writes files; ``arrive(context,
folder)`` runs in one of the framework that is reached and returns the model, ready to be trained on. Neither imports
the other framework.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType

import numpy as np

#: Where a model is before and after: framework, mode, and the file of the workload that is its source.
PLACES = {
    "pytorch": ("pytorch", "eager", "pytorch"),
    "tensorflow": ("tensorflow", "function", "tensorflow"),
    "keras_torch": ("keras", "torch", "tensorflow"),
}
#: Which framework's configured interpreter has a place.
INTERPRETER = {"pytorch": "pytorch", "tensorflow": "tensorflow", "keras_torch": "pytorch"}


@dataclass(frozen=True)
class Route:
    """One way to move a model.

    leaves, arrives      places, keys of :data:`PLACES`
    leave_needs, arrive_needs  modules that each step imports beside the framework
    environment          own environment (environments.yaml) that has what ``arrive`` needs; empty if the usual one does
    leave_environment    the same for ``leave``
    layout               whose layout of the inputs the moved model takes: ``arrives`` or ``leaves``
    native               the moved model is the framework's own, so that its speed needs no measurement
    documented           the page that shows the way
    """

    id: str
    title: str
    leaves: str
    arrives: str
    documented: str
    leave_needs: tuple[str, ...] = ()
    arrive_needs: tuple[str, ...] = ()
    leave_environment: str = ""
    environment: str = ""
    layout: str = "arrives"
    native: bool = False

    @property
    def step(self) -> dict[str, tuple[str, tuple[str, ...], str]]:
        """Return place, needed modules and own environment of both steps."""
        return {
            "leave": (self.leaves, self.leave_needs, self.leave_environment),
            "arrive": (self.arrives, self.arrive_needs, self.environment),
        }


@dataclass(frozen=True)
class Context:
    """What a route may use of a workload.

    source   the workload's module of the place at hand (``build``, perhaps ``layout``)
    weights  its ``weights.py``
    kind     ``image`` or ``text``
    inputs   one batch of NumPy inputs in the layout of the model that is left
    """

    sizes: Mapping
    source: ModuleType
    weights: ModuleType
    kind: str
    inputs: np.ndarray


def discover() -> dict[str, ModuleType]:
    """Return ``{id: module}`` of every route, in the order of their files."""
    found = {}
    for entry in sorted(pkgutil.iter_modules(__path__), key=lambda each: each.name):
        if not entry.name.startswith("_"):
            found[entry.name] = importlib.import_module(f"{__name__}.{entry.name}")
    return found
