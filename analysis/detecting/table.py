"""What speaks for which framework: ``frameworks.yaml`` as lookups."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from reproductions.files import read_yaml

FRAMEWORKS_YAML = Path(__file__).with_name("frameworks.yaml")
KERAS = "keras"


@dataclass(frozen=True)
class Table:
    """The lookups.

    modules     ``{import name: framework}``, ``keras`` for what the release of Keras decides
    packages    ``{package name: framework}``, names in lower case with hyphens
    core        import names that a folder of the repository does not shadow
    vendored    names of folders with other people's code
    mentioned   finds any of the import names in bytes: a file without a match need not be parsed
    """

    modules: Mapping[str, str]
    packages: Mapping[str, str]
    core: frozenset[str]
    vendored: frozenset[str]
    mentioned: re.Pattern[bytes]

    def lookup(self, dotted: str) -> str | None:
        """Return the table's name for an imported module, or None if it says nothing."""
        parts = dotted.split(".")
        for end in range(min(len(parts), 3), 0, -1):
            name = ".".join(parts[:end])
            if name in self.modules:
                return name
        return None


@cache
def load_table(path: Path = FRAMEWORKS_YAML) -> Table:
    """Return the lookups; raises ValueError if a name stands for two things."""
    content = read_yaml(path)
    groups = {**content["frameworks"], KERAS: content[KERAS]}
    modules: dict[str, str] = {}
    packages: dict[str, str] = {}
    core = set()
    for framework, entries in groups.items():
        for name, entry in entries.items():
            _add(modules, name, framework, path)
            for package in (entry or {}).get("packages", [name.replace("_", "-").lower()]):
                _add(packages, package, framework, path)
            if (entry or {}).get("core"):
                core.add(name)
    both = sorted(set(content["says_nothing"]) & set(modules))
    if both:
        raise ValueError(f"{path}: {', '.join(both)} counts and says nothing; keep one")
    names = sorted({name.split(".")[0] for name in modules})
    return Table(
        modules=modules,
        packages=packages,
        core=frozenset(core),
        vendored=frozenset(content["vendored"]),
        mentioned=re.compile(rb"(?<![A-Za-z0-9_])(?:" + "|".join(names).encode() + rb")(?![A-Za-z0-9_])"),
    )


def _add(lookup: dict[str, str], name: str, framework: str, path: Path) -> None:
    if lookup.setdefault(name, framework) != framework:
        raise ValueError(f"{path}: {name} stands for {lookup[name]} and for {framework}; keep one")
