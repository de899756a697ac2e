"""Saved by old releases, opened by the previous ones and by today's: loads with the same outputs, or what it says.

Files of today's releases are made and opened by the usual interpreters; those of old ones need their environments
(group ``old_files`` of environments.yaml), which are made only if asked. A release that cannot be installed is a row
with the installer's words.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np

from reproductions import machine
from reproductions.environments import SCRUBBED
from reproductions.journal import Journal
from reproductions.upkeep import environments
from reproductions.upkeep.environments import OLD_FILES, Environments, NotInstallable
from reproductions.upkeep.old_files import NETWORKS, discover
from reproductions.upkeep.rows import again, write
from reproductions.upkeep.safety import inert

log = logging.getLogger(__name__)
TABLE = "upkeep_old_files.csv"
COLUMNS = (
    *("machine", "date", "kind", "title", "side", "network", "maker", "saved_by", "loader", "loaded_by", "way"),
    *("documented", "outcome", "difference", "message", "way_out", "command", "status", "note"),
)
RUNNER = Path(__file__).with_name("runner.py")
SIDES = ("tensorflow", "pytorch")
#: Outputs are of order one; float32 sums in another order differ by less.
TOLERANCE = 1e-5
TODAY = "today"
#: Kind of the rows of releases that there are not.
ALL = "all"


@dataclass(frozen=True)
class Options:
    """What is run.

    kinds      ids of the kinds of file; empty: all of them
    networks   which networks are saved
    python     interpreter by framework, today's; absent or None is the one that runs this
    flags      options of the command that change what is measured, for the rows' commands
    timeout_s  seconds for one file in one release
    """

    kinds: Sequence[str] = ()
    networks: Sequence[str] = NETWORKS
    python: Mapping[str, str | None] = field(default_factory=dict)
    environments: Environments = field(default_factory=Environments)
    flags: Sequence[str] = ()
    timeout_s: float = 120


@dataclass(frozen=True)
class Release:
    """A release that makes or opens files.

    python  its interpreter; None where there is none
    status  ``ok``, ``not_run`` (not asked for) or ``not_installable``
    """

    id: str
    title: str
    side: str
    age: float
    loads: bool
    legacy: bool = False
    python: str | None = None
    status: str = "ok"
    note: str | None = None


def measure(out: Path, options: Options) -> list[dict]:
    """Save, open and compare; write the table to ``out`` and return its rows. A killed run goes on behind a release."""
    modules = {name: discover()[name] for name in options.kinds or discover()}
    found = releases({module.KIND["side"] for module in modules.values()}, options)
    going = [release for release in found if release.status == "ok"]
    journal, files = _journal(out, modules, options, going)
    saved, opened = _known(journal)
    done = {(row["did"], row["side"], row["release"]) for row in journal.rows if "did" in row}
    for release in going:
        if ("save", release.side, release.id) not in done:
            made = _save(release, modules, options, files)
            journal.add(_entry("save", release, [[*key, value] for key, value in made.items()]))
            saved |= made
            log.info("old files: saved by %s", release.title)
    for release in going:
        if release.loads and ("open", release.side, release.id) not in done:
            answers = _open(release, modules, saved, found, options)
            journal.add(_entry("open", release, answers))
            opened += answers
            log.info("old files: opened by %s", release.title)
    common = {"machine": machine.describe()["machine"], "date": datetime.now(UTC).date().isoformat()}
    rows = [common | row for row in tabulate(modules, found, saved, opened)]
    for row in rows:
        chosen = () if row["kind"] == ALL else (row["kind"],)
        row["command"] = again("old_files", *chosen, flags=options.flags)
    write(out / TABLE, COLUMNS, rows, ("kind", "side"), chosen=bool(options.kinds))
    journal.remove()
    shutil.rmtree(files, ignore_errors=True)
    return rows


def _journal(out: Path, modules: Iterable[str], options: Options, going: Sequence[Release]) -> tuple[Journal, Path]:
    """Return the journal of what is asked, emptied if it belongs to something else, and the folder of its files."""
    journal, files = Journal(out / "unfinished" / "upkeep_old_files.jsonl"), out / "unfinished" / "upkeep_old_files"
    plan = {"kinds": list(modules), "networks": list(options.networks)}
    plan["releases"] = [[release.side, release.id, release.python] for release in going]
    if journal.rows and journal.rows[0].get("plan") != plan:
        journal.remove()
        journal = Journal(journal.path)
    if not journal.rows:
        shutil.rmtree(files, ignore_errors=True)
        journal.add({"plan": plan})
    return journal, files


def _entry(did: str, release: Release, answers: list) -> dict:
    return {"did": did, "side": release.side, "release": release.id, "answers": answers}


def _known(journal: Journal) -> tuple[dict[tuple, dict], list[dict]]:
    """Return what a killed run saved, by key, and what it opened."""
    saved, opened = {}, []
    for row in journal.rows:
        if row.get("did") == "save":
            saved |= {tuple(key): value for *key, value in row["answers"]}
        elif row.get("did") == "open":
            opened += [answer | {"key": tuple(answer["key"])} for answer in row["answers"]]
    return saved, opened


def releases(sides: Iterable[str], options: Options) -> list[Release]:
    """Return the releases of some sides, oldest first, today's last, with their interpreters or why there is none."""
    found = []
    for name, entry in environments.registry().items():
        if entry.get("group") != OLD_FILES or entry["makes"] not in sides:
            continue
        about = {key: entry[key] for key in ("title", "age")} | {"legacy": entry.get("legacy", False)}
        about |= {"id": name, "side": entry["makes"], "loads": entry.get("loads", False)}
        if not options.environments.wants(name):
            found.append(Release(**about, status="not_run", note=environments.offer(name)))
            continue
        try:
            found.append(Release(**about, python=options.environments.python(name)))
        except NotInstallable as error:
            found.append(Release(**about, status="not_installable", note=str(error)))
    for side in SIDES:
        if side in sides:
            python = options.python.get(side) or sys.executable
            found.append(Release(TODAY, "today's", side, float("inf"), loads=True, python=python))
    return sorted(found, key=lambda release: (SIDES.index(release.side), release.age))


# -- processes ---------------------------------------------------------------------------------------------------------
def _save(release: Release, modules: Mapping[str, ModuleType], options: Options, files: Path) -> dict[tuple, dict]:
    tasks = {}
    for name, module in modules.items():
        if module.KIND["side"] != release.side:
            continue
        for network in options.networks:
            folder = files.resolve() / release.side / release.id / name / network
            shutil.rmtree(folder, ignore_errors=True)  # half-saved by a killed run
            folder.mkdir(parents=True)
            key = (release.side, release.id, name, network)
            tasks[key] = {"do": "save", "kind": module.__file__, "network": network, "folder": str(folder)}
    answers = _ask(release, list(tasks.values()), options)
    return {key: answer | {"folder": tasks[key]["folder"]} for key, answer in zip(tasks, answers, strict=True)}


def _open(
    release: Release,
    modules: Mapping[str, ModuleType],
    saved: Mapping[tuple, Mapping],
    found: Sequence[Release],
    options: Options,
) -> list[dict]:
    """Return what came of every file that this release may be expected to open: its own and older ones."""
    ages = {(each.side, each.id): each.age for each in found}
    tasks = []
    for (side, maker, name, network), made in saved.items():
        if side != release.side or ages[side, maker] > release.age or "outputs" not in made:
            continue
        for way in modules[name].KIND["ways"]:
            tasks.append(
                {
                    "do": "load",
                    "kind": modules[name].__file__,
                    "way": way,
                    "network": network,
                    "folder": made["folder"],
                    "key": [side, maker, name, network],
                }
            )
    answers = _ask(release, tasks, options)
    return [
        {"key": tuple(task["key"]), "way": task["way"], "loader": release.id} | answer
        for task, answer in zip(tasks, answers, strict=True)
    ]


def _ask(release: Release, tasks: Sequence[Mapping], options: Options) -> list[dict]:
    """Return an answer a task; a process that dies takes one task along, the others go to a new one."""
    answers: list[dict] = []
    while len(answers) < len(tasks):
        waiting = tasks[len(answers) :]
        lines = "".join(json.dumps({**task, "side": release.side}) + "\n" for task in waiting)
        try:
            done = subprocess.run(
                [release.python, str(RUNNER)],
                input=lines,
                env=_environment(release),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=60 + options.timeout_s * len(waiting),
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            ended = f"{type(error).__name__}: no answer"
            given = getattr(error, "stdout", None) or ""
            said = (given if isinstance(given, str) else given.decode(errors="replace")).splitlines()
        else:
            words = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
            ended, said = f"the process ended: {words[0]}", done.stdout.splitlines()
        whole = [json.loads(line) for line in said]
        answers += whole if len(whole) == len(waiting) else [*whole, {"error": ended}]
    return answers


def _environment(release: Release) -> dict[str, str]:
    """Return a process's environment: nothing of this project in it, no GPU, today's Keras on TensorFlow."""
    found = {key: value for key, value in os.environ.items() if not SCRUBBED.match(key)}
    found |= {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "", "KERAS_BACKEND": "tensorflow"}
    return found | ({"TF_USE_LEGACY_KERAS": "1"} if release.legacy else {})


# -- rows --------------------------------------------------------------------------------------------------------------
def tabulate(
    modules: Mapping[str, ModuleType],
    found: Sequence[Release],
    saved: Mapping[tuple, Mapping],
    opened: Sequence[Mapping],
) -> list[dict]:
    """Return a row a file, opening release and way; what was not made or not installed is a row of its own."""
    rows = []
    for release in found:
        if release.status != "ok":
            about = {"kind": ALL, "title": "all kinds of file", "side": release.side, "maker": release.id}
            rows.append(about | {"saved_by": release.title, "status": release.status, "note": release.note})
            continue
        for name, module in modules.items():
            if module.KIND["side"] != release.side:
                continue
            about = {key: module.KIND[key] for key in ("title", "side", "documented")}
            about |= {"kind": name, "maker": release.id, "saved_by": release.title}
            for key, made in saved.items():
                if key[:3] != (release.side, release.id, name):
                    continue
                own = about | {"network": key[3], "saved_by": made.get("version", release.title)}
                if "outputs" not in made:
                    rows.append(own | {"status": "not_made", "note": inert(made["error"])})
                    continue
                answers = [answer for answer in opened if answer["key"] == key]
                rows += _opened(own, module.KIND["ways"], made, answers)
    return rows


def _opened(own: Mapping, ways: Mapping[str, str], made: Mapping, answers: Sequence[Mapping]) -> list[dict]:
    rows = []
    for answer in answers:
        row = dict(own) | {"status": "ok", "loader": answer["loader"], "way": ways[answer["way"]]}
        row |= {"loaded_by": answer.get("version", "unknown"), "outcome": "fails"}
        if "outputs" in answer:
            difference = _difference(made["outputs"], answer["outputs"])
            row["outcome"] = "same" if difference <= TOLERANCE else "differs"
            row["difference"] = difference if np.isfinite(difference) else None
        else:
            row["message"] = inert(answer["error"])
        rows.append(row)
    for row in rows:
        if row["outcome"] != "same":
            # The same release first: another way in it costs less than another installation.
            out = [each for each in rows if each["outcome"] == "same"]
            out.sort(key=lambda each: each["loader"] != row["loader"])
            row["way_out"] = f"{out[0]['way']} in {out[0]['loaded_by']}" if out else None
    return rows


def _difference(expected: object, found: object) -> float:
    """Return the largest difference of outputs; infinity where they have another shape or are not finite."""
    first, second = np.asarray(expected, np.float64), np.asarray(found, np.float64)
    if first.shape != second.shape or not np.isfinite(second).all():
        return float("inf")
    return float(np.abs(first - second).max())
