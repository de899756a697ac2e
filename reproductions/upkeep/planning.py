"""What a run of upkeep takes: its parts, their minutes on two cores, environments that are made before, what is there.

The seconds were taken on the two-core machine whose measurements the project carries; another one takes its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reproductions.upkeep import environments

#: Parts in the order in which they are run, and what each does.
PARTS = {
    "builds": "ask the installed builds of accelerators",
    "safety": "open hostile model files in a sandbox",
    "repeatability": "repeat trainings and compare them bit for bit",
    "moving": "move models between the frameworks",
    "defaults": "change defaults one at a time and train",
    "old_files": "open files of old releases",
}
#: Journal of each part that has one, in the folder ``unfinished`` of the machine.
JOURNALS = {part: f"upkeep_{part}.jsonl" for part in PARTS if part != "builds"}

BUILDS_S, READER_S = 20, 7
RUN_S = {"eager": 4, "compile": 8, "function": 5, "xla": 8}  # a process of its own; two run side by side
MOVE_S, PROCESS_S = 5, 12  # a route, and a process that holds a framework, of one workload
TRAINING_S = {"convolutional": 1, "recurrent": 4, "transformer": 2.5}  # of one seed; two run side by side
READING_S, RELEASE_S, INSTALL_S_A_GIB = 20, 40, 45


@dataclass(frozen=True)
class Amount:
    """How much is done.

    smoke   a little of everything
    runs    of each cell of repeatability; None is what is usual
    seeds   trainings of each default; None is what is usual
    extra   environments that may be made
    given   environments that an interpreter stands for
    """

    smoke: bool = False
    runs: int | None = None
    seeds: int | None = None
    extra: Sequence[str] = ()
    given: Sequence[str] = ()


def minutes(part: str, amount: Amount) -> float:
    """Return the minutes of one part, without the environments that are made before."""
    return {
        "builds": lambda: BUILDS_S,
        "safety": lambda: _safety(amount),
        "repeatability": lambda: _repeatability(amount),
        "moving": lambda: _moving(amount),
        "defaults": lambda: _defaults(amount),
        "old_files": lambda: _old_files(amount),
    }[part]() / 60


def _safety(amount: Amount) -> float:
    from reproductions.upkeep.opening import READERS

    return READER_S * (2 if amount.smoke else len(READERS))


def _repeatability(amount: Amount) -> float:
    from reproductions.upkeep.repeating import CELLS, Options

    if amount.smoke:
        return 2 * RUN_S["eager"] * (amount.runs or 2)
    return sum(RUN_S[mode] for _, mode, _ in CELLS) * (amount.runs or Options.runs)


def _moving(amount: Amount) -> float:
    from reproductions.upkeep.moving.measure import NETWORKS, Options
    from reproductions.upkeep.moving.routes import discover

    usable = {*amount.extra, *amount.given}
    routes = [module.ROUTE for module in discover().values()]
    tried = [
        route for route in routes if {environment for _, _, environment in route.step.values() if environment} <= usable
    ]
    if amount.smoke:
        return 6 * PROCESS_S
    leaving = len({route.leaves for route in tried})
    arriving = len({(route.arrives, route.environment) for route in tried})
    # Further restarts are for the speed alone, which routes that end in the framework's own model have not.
    timed = len({(route.arrives, route.environment) for route in tried if not route.native})
    processes = leaving + arriving + (Options.restarts - 1) * timed
    return len(NETWORKS) * (MOVE_S * len(tried) + PROCESS_S * processes)


def _defaults(amount: Amount) -> float:
    from reproductions.upkeep.defaults import discover
    from reproductions.upkeep.defaults.measure import Options

    if amount.smoke:
        return READING_S + 4 * (amount.seeds or 2)
    trained = 0.0
    for network, spent in TRAINING_S.items():
        own = [module.DEFAULT for module in discover().values() if module.DEFAULT.network == network]
        # Each is changed from a base; those with settings of their own have a base of their own.
        bases = {json.dumps(dict(default.common), sort_keys=True) for default in own}
        trained += spent * (len(own) + len(bases))
    return READING_S + trained * (amount.seeds or Options.seeds)


def _old_files(amount: Amount) -> float:
    return RELEASE_S * (1 + (0 if amount.smoke else len(_made(amount, environments.OLD_FILES))))


def _made(amount: Amount, group: str | None = None) -> dict[str, dict]:
    """Return the environments that would be made: asked for, by name or group, and no interpreter stands for them."""
    found = {}
    for name, entry in environments.registry().items():
        asked = name in amount.extra or entry.get("group") in amount.extra
        if asked and name not in amount.given and group in (None, entry.get("group")):
            found[name] = entry
    return found


def lines(parts: Sequence[str], amount: Amount, *, cache: Path, landing: Path | None) -> tuple[list[str], float]:
    """Return what would be done, a line each, and the minutes of the whole.

    cache    folder of environments and data sets
    landing  folder of the machine's measurements, where a killed run has left its journals; None where it is not known
    """
    said, total = [], 0.0
    for part in parts:
        spent = minutes(part, amount)
        total += spent
        there = unfinished(landing, part) if landing else 0
        more = f"; a killed run left {there} of its results, which stay" if there else ""
        said.append(f"{PARTS[part]}{' (smoke size)' if amount.smoke else ''}: {spent:.1f} minutes{more}")
    if {"moving", "old_files"} & set(parts):
        words, spent = _environment_lines(amount, cache)
        said += words
        total += spent
    return said, total


def _environment_lines(amount: Amount, cache: Path) -> tuple[list[str], float]:
    said, total, made = [], 0.0, _made(amount)
    for name, entry in made.items():
        if environments.made(name, cache / "environments"):
            said.append(f"  environment {name}: is there")
            continue
        spent = entry["gib"] * INSTALL_S_A_GIB / 60
        total += spent
        said.append(f"  environment {name}: {entry['gib']:g} GiB, {spent:.1f} minutes; {entry['why']}")
    known = environments.registry()
    left = dict.fromkeys(
        entry.get("group", name) for name, entry in known.items() if name not in made and name not in amount.given
    )
    if left:
        said.append(f"  without {', '.join(left)}: rows that need them say so (upkeep: {{extra: [...]}} or --extra)")
    return said, total


def unfinished(landing: Path, part: str) -> int:
    """Return how many results of a part a killed run has left."""
    try:
        text = (landing / "unfinished" / JOURNALS[part]).read_text(encoding="utf-8")
    except (KeyError, OSError):
        return 0
    return sum(line.startswith("{") and not _is_plan(line) for line in text.splitlines())


def _is_plan(line: str) -> bool:
    try:
        content: Mapping = json.loads(line)
    except ValueError:
        return True
    return "plan" in content
