"""Hostile files, opened as the documentation says: refused by default, warned of, executed, or loaded without effect.

Each file is made and opened in the sandbox (:mod:`reproductions.upkeep.sandbox`): made in one folder, opened in
another, both below a temporary folder that is thrown away. A reader whose library is not installed, and a system that
allows no sandbox, are rows with their reason.
"""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from reproductions import machine
from reproductions.journal import Journal
from reproductions.upkeep import sandbox
from reproductions.upkeep.hostile import FILES
from reproductions.upkeep.opening import READERS, Reader
from reproductions.upkeep.rows import again, write

log = logging.getLogger(__name__)
TABLE = "upkeep_safety.csv"
COLUMNS = (
    *("machine", "date", "file", "title", "side", "reader", "documented", "version", "outcome", "marker", "message"),
    *("command", "status", "note"),
)
LONGEST = 160  # characters of a message


@dataclass(frozen=True)
class Options:
    """What is run.

    readers    ids of the readers; empty: all of them
    workers    files that are opened at a time; nothing is timed here
    python     interpreter by framework; absent or None is the one that runs this
    timeout_s  seconds after which a process is stopped
    """

    readers: Sequence[str] = ()
    workers: int = 2
    python: Mapping[str, str | None] = field(default_factory=dict)
    timeout_s: float = 180


def measure(out: Path, options: Options) -> list[dict]:
    """Open every file, write the table to ``out`` and return its rows; a killed run is taken up again."""
    chosen = [READERS[name] for name in options.readers or READERS]
    journal = Journal(out / "unfinished" / "upkeep_safety.jsonl")
    day = datetime.now(UTC).date().isoformat()
    if journal.rows and journal.rows[0].get("date") != day:
        journal.remove()
        journal = Journal(journal.path)
    known = {row["id"]: row for row in journal.rows}
    todo = [reader for reader in chosen if reader.id not in known]
    with tempfile.TemporaryDirectory(prefix="upkeep-") as scratch, ThreadPoolExecutor(options.workers) as pool:
        for first in range(0, len(todo), options.workers):
            wave = todo[first : first + options.workers]
            ended = pool.map(lambda reader: look(reader, Path(scratch) / reader.id, options), wave)
            for reader, row in zip(wave, ended, strict=True):
                known[reader.id] = {"id": reader.id, "date": day} | row
                journal.add(known[reader.id])
                count = sum(each.id in known for each in chosen)
                log.info("safety: %d of %d: %s, %s: %s", count, len(chosen), reader.file, reader.call, row["outcome"])
    card = {"machine": machine.describe()["machine"]}
    rows = []
    for reader in chosen:
        row = card | known[reader.id] | {"command": again("safety", reader.id)}
        rows.append({name: row.get(name) for name in COLUMNS})
    write(out / TABLE, COLUMNS, rows, ("file", "reader"), chosen=bool(options.readers))
    journal.remove()
    return rows


def look(reader: Reader, folder: Path, options: Options) -> dict:
    """Make the reader's file, open it, and return the row."""
    hostile = FILES[reader.file]
    row = {
        "file": hostile.id,
        "title": hostile.title,
        "side": reader.side,
        "reader": reader.call,
        "documented": reader.documented,
        "status": "ok",
    }
    python = options.python.get("pytorch" if reader.side == "pytorch" else "tensorflow")
    if reason := sandbox.unavailable():
        return row | {"status": "not_run", "note": reason, "outcome": None}
    made, opened = folder / "made", folder / "opened"
    for each in (made, opened):
        each.mkdir(parents=True)
    common = {"python": python, "timeout_s": options.timeout_s}
    first = sandbox.run("reproductions.upkeep.hostile", [hostile.id, "."], made, **common)
    if first.status != "ok":
        missing = "No module named" in first.reason
        status = "not_run" if missing else first.status
        return row | {"status": status, "outcome": None, "note": f"the file could not be made: {inert(first.reason)}"}
    second = sandbox.run("reproductions.upkeep.opening", [reader.id, f"../made/{hostile.name}"], opened, **common)
    if second.status != "ok":
        return row | {"status": second.status, "outcome": None, "note": inert(second.reason)}
    return row | judge(second.said)


def judge(said: Mapping) -> dict:
    """Return outcome, marker, message and version from what the opening process said.

    executed  the effect is there and nothing was said; warned: with a warning or an error beside it
    refused   an error, or a warning that the reader skipped something, and no effect
    loaded    neither effect nor word
    """
    words = [said["error"], *said["warnings"]]
    message = next((inert(text) for text in words if text), None)
    with_effect = "warned" if said["warnings"] else "executed"
    outcome = with_effect if said["effect"] else "refused" if message else "loaded"
    marker = "yes" if said["effect"] else "no"
    return {"outcome": outcome, "marker": marker, "message": message, "version": said["version"]}


def inert(text: str) -> str:
    """Return the first line of a message, and the next after a colon, without folders and control characters."""
    lines = [line for line in text.strip().splitlines() if line.strip()] or [""]
    line = " ".join(lines[:2]) if lines[0].endswith(":") else lines[0]
    line = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", line)
    line = re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", line)
    line = re.sub(r"(?<![\w:/.])/(?:[^\s/'\",;:()]+/)+", "", line)
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."
