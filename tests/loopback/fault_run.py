"""The fault run: every failure on record at random positions, kills at random moments, a disk that fills.

``python -m tests.loopback.fault_run [--seeds 200] [--kills 50] [--out docs/reliability]`` writes ``reliability.md`` and
``.csv``, and exits with 1 if a table was ever wrong, a message unclear or a finished page asked again.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import numpy as np

from tests.loopback import faults, survey
from tests.loopback.faults import Faulty, Storm

CORE = ("arxiv_query", "arxiv_oai", "pwc_archive")
SLOW = ("transformers_wheels",)  # asks through pip, ten seconds a refresh; it has tests of its own
REMEDY = re.compile(r"; .*\b(run|check|raise|remove|fetch|free|look|choose|decide|set|report)\b", re.S)
UNPLANNED = "report this with the lines above"  # what a run says of an exception that nobody foresaw
SPACE = "no space left"


@dataclass
class Result:
    """What one seed, kill or full disk has shown.

    injected  how many answers each kind has spoilt
    right     sources that ended with the right table at once; ``refused`` those that ended with a clear message
    hit       the kinds that each source met
    problems  what must never happen, in words
    """

    name: str
    injected: Counter = field(default_factory=Counter)
    right: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)
    hit: dict[str, set[str]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder, in memory where that is possible: many small files are written and synchronised."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None, prefix="faults-") as name:
        yield Path(name)


def run_seed(seed: int, sources: Sequence[str] = CORE) -> Result:
    """Refresh every source under the storm of a seed, then once more without faults in the same folder."""
    result = Result(f"seed {seed}")
    storm = faults.storm(seed, sources)
    with scratch() as folder, Faulty(survey.serve(seed, sources), storm) as server:
        for source in sources:
            # A folder each: what one source gives must not hang on how another one fared.
            _under_faults(result, storm, server, folder / source, source, seed)
        storm.faults.clear()
        for source in sources:
            outcome = survey.refresh(server, folder / source, source, seed=seed)
            if not outcome.good:
                result.problems.append(f"{source}: fails without faults: {outcome.message}")
            result.problems += _wrong(folder / source, source, seed)
        result.problems += asked_again(storm, sources)
        result.problems += _keys_in_files(folder)
    return result


def _keys_in_files(folder: Path) -> list[str]:
    written = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    return [
        f"{source}: its key stands in a file"
        for source, key in survey.secrets().items()
        if any(form.encode() in content for form in (key, quote(key, safe="")) for content in written)
    ]


def further() -> list[str]:
    """Return the other sources that have a service with known tables."""
    return [name for name in survey.modules() if name not in CORE + SLOW]


def _under_faults(result: Result, storm: Storm, server: Faulty, folder: Path, source: str, seed: int) -> None:
    before = len(storm.injected)
    outcome = survey.refresh(server, folder, source, seed=seed)
    injected = storm.injected[before:]
    result.injected += faults.counted(injected)
    result.hit[source] = {kind for _, kind, _ in injected}
    if outcome.good:
        result.right.add(source)
        result.problems += _wrong(folder, source, seed)
        return
    result.refused.add(source)
    result.problems += unclear(outcome.message, source, server.base(source))
    if survey.landed(folder, source) is not None:
        result.problems.append(f"{source}: a snapshot landed although the refresh failed")
    if not injected:
        result.problems.append(f"{source}: failed without a fault: {outcome.message}")


def _wrong(folder: Path, source: str, seed: int) -> list[str]:
    version = survey.landed(folder, source)
    if version is None:
        return [f"{source}: no snapshot landed"]
    truth = survey.modules()[source].truth(seed)
    return [f"{source}: wrong table: {what}" for what in survey.differences(version, truth)]


def unclear(message: str, source: str, base: str) -> list[str]:
    """Return what a message of failure lacks: the source, the page or the remedy."""
    found = []
    if UNPLANNED in message:
        found.append("an exception that nobody foresaw")
    if not message.startswith(f"{source}: "):
        found.append("no source")
    if base not in message and "pwc-archive/" not in message:
        found.append("no page")
    if not REMEDY.search(message):
        found.append("no remedy")
    return [f"{source}: the message has {what}: {message}" for what in found]


def asked_again(storm: Storm, sources: Sequence[str], allowed: int = 0) -> list[str]:
    """Return the addresses that were asked again although a good answer had come.

    A list that a fault of the kind ``rereads`` has hit may be read again from its start; no other.
    allowed  how many answers a kill may have cost: the one that was under way
    """
    modules = survey.modules()
    groups = {source: getattr(modules[source], "group", lambda address: address) for source in sources}
    free = {source: getattr(modules[source], "freely", lambda address: False) for source in sources}
    kinds = {kind.name for kind in faults.KINDS if kind.rereads}
    moved = {(source, groups[source](address)) for source, kind, address in storm.injected if kind in kinds}
    again = []
    for (source, address), count in Counter(storm.given).items():
        if (source, groups[source](address)) not in moved and not free[source](address):
            again += [f"{source}: asked {count} times although it had come: {address}"] * (count - 1)
    return again if len(again) > allowed else []


# --- kills


@dataclass(frozen=True)
class Undisturbed:
    """What a refresh gives when nobody disturbs it: the seconds it takes and the files it lands."""

    seconds: float
    files: dict[str, bytes]


def undisturbed(source: str, seed: int) -> Undisturbed:
    """Refresh a source by command line."""
    with scratch() as folder, Faulty(survey.serve(seed, [source])) as server:
        file = survey.write(survey.configuration(server, folder, [source], seed, pace_s=0.02), folder)
        started = time.monotonic()
        process = survey.start(file, folder, source)
        if process.wait(timeout=120):
            raise RuntimeError((folder / "said.txt").read_text())
        return Undisturbed(time.monotonic() - started, _tables(folder, source))


def _tables(folder: Path, source: str) -> dict[str, bytes]:
    version = survey.landed(folder, source)
    return {path.name: path.read_bytes() for path in version.folder.glob("*.csv")} if version else {}


def run_kill(number: int, source: str, seed: int, whole: Undisturbed) -> Result:
    """Kill a refresh at a random moment and let the next one go on."""
    result = Result(f"kill {number} of {source}")
    rng = np.random.default_rng([number, 5])
    storm = Storm(seed, [])
    with scratch() as folder, Faulty(survey.serve(seed, [source]), storm) as server:
        configured = survey.configuration(server, folder, [source], seed, pace_s=0.02)
        process = survey.start(survey.write(configured, folder), folder, source)
        # The start of the interpreter is the least interesting part of it.
        time.sleep(whole.seconds * (0.25 + 0.8 * rng.random()))
        process.send_signal(signal.SIGKILL)
        process.wait()
        outcome = survey.refresh(server, folder, source, configured=configured)
        if not outcome.good:
            result.problems.append(f"{source}: fails after a kill: {outcome.message}")
        if _tables(folder, source) != whole.files:
            result.problems.append(f"{source}: the files after a kill differ from those of an undisturbed refresh")
        result.problems += asked_again(storm, [source], allowed=1)
        left = list((folder / "snapshots").rglob(".landing-*"))
        if len(left) > 1:
            result.problems.append(f"{source}: unfinished snapshots are left: {left}")
    return result


# --- a full disk


@contextmanager
def small_disk(size_kib: int) -> Iterator[Path | None]:
    """Mount a small file system, or give None where this system does not allow it."""
    with tempfile.TemporaryDirectory(prefix="disk-") as name:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_kib}k", "tmpfs", name]
        if subprocess.run(mount, capture_output=True, check=False).returncode:
            yield None
            return
        try:
            yield Path(name)
        finally:
            subprocess.run(["umount", name], check=True)


def run_full_disk(number: int, source: str, seed: int) -> Result | None:
    """Let the disk be full after so many KiB, then free it and go on; None where no disk can be mounted."""
    result = Result(f"full disk {number} of {source}")
    rng = np.random.default_rng([number, 6])
    room_kib = int(rng.integers(4, 60 if source == "pwc_archive" else 420))
    storm = Storm(seed, [])
    with small_disk(16_384) as disk, Faulty(survey.serve(seed, [source]), storm) as server:
        if disk is None:
            return None
        filler = disk / "filler"
        filler.write_bytes(b"x" * (16_384 - room_kib) * 1024)
        outcome = survey.refresh(server, disk, source, seed=seed)
        full = not outcome.good
        if full:
            result.refused.add(source)
            if SPACE not in outcome.message or UNPLANNED in outcome.message:
                result.problems.append(f"{source}: the message does not say that the disk is full: {outcome.message}")
            if survey.landed(disk, source) is not None:
                result.problems.append(f"{source}: a snapshot landed although the disk was full")
        filler.unlink()
        outcome = survey.refresh(server, disk, source, seed=seed)
        if not outcome.good:
            result.problems.append(f"{source}: fails after space was freed: {outcome.message}")
        result.problems += _wrong(disk, source, seed)
        # The answer that found no room was not kept; those before it were.
        result.problems += asked_again(storm, [source], allowed=1)
    return result


# --- the whole run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run everything, say how it goes, write the report; 1 if anything happened that must not."""
    parser = argparse.ArgumentParser(prog="python -m tests.loopback.fault_run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--disks", type=int, default=24)
    parser.add_argument("--sources", nargs="+", default=list(CORE), help="whom every seed, kill and full disk is for")
    parser.add_argument("--further", nargs="*", default=further(), help="whom a quarter of the seeds is for as well")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, help="write OUT.md and OUT.csv")
    options = parser.parse_args(arguments)
    started = time.monotonic()
    with ProcessPoolExecutor(options.workers) as pool:
        seeds = range(options.first, options.first + options.seeds)
        whom = [options.sources + (options.further if seed % 4 == 0 else []) for seed in seeds]
        stormy = _collect("seeds", pool.map(run_seed, seeds, whom), len(seeds))
        kills = _collect("kills", pool.map(*_kills(options)), options.kills)
    disks = [run_full_disk(n, options.sources[n % len(options.sources)], seed=n) for n in range(options.disks)]
    disks = _collect("full disks", (result for result in disks if result), len(disks))
    seconds = time.monotonic() - started
    rows = table(stormy)
    problems = [f"{r.name}: {p}" for r in (*stormy, *kills, *disks) for p in r.problems]
    sys.stdout.write(_text(rows) + "\n" + _totals(stormy, kills, disks, seconds) + "\n")
    for problem in problems:
        sys.stdout.write(f"PROBLEM {problem}\n")
    if options.out:
        write_report(options.out, rows, _totals(stormy, kills, disks, seconds), problems, options)
    return 1 if problems else 0


def _kills(options: argparse.Namespace) -> tuple:
    wholes = {source: undisturbed(source, 1) for source in options.sources} if options.kills else {}
    sources = [options.sources[n % len(options.sources)] for n in range(options.kills)]
    return run_kill, range(options.kills), sources, [1] * options.kills, [wholes[source] for source in sources]


def _collect(what: str, results: Iterator[Result], number: int) -> list[Result]:
    found = []
    started = time.monotonic()
    for result in results:
        found.append(result)
        if len(found) % 10 == 0 or len(found) == number or result.problems:
            wrong = sum(bool(r.problems) for r in found)
            each_s = (time.monotonic() - started) / len(found)
            left = f"{each_s * (number - len(found)):.0f} s left"
            sys.stdout.write(f"{what}: {len(found)} of {number}, {wrong} with problems, {left}\n")
            sys.stdout.flush()
    return found


def table(results: Sequence[Result]) -> list[dict]:
    """Return a row a kind of fault: answers spoilt, refreshes that met it, and how those ended."""
    rows = []
    for kind in faults.KINDS:
        met = [(r, source) for r in results for source, names in r.hit.items() if kind.name in names]
        rows.append(
            {
                "fault": kind.name,
                "answers_spoilt": sum(r.injected[kind.name] for r in results),
                "refreshes": len(met),
                "right_table": sum(source in r.right for r, source in met),
                "refused": sum(source in r.refused for r, source in met),
                "wrong_table": sum(any("wrong table" in p and source in p for p in r.problems) for r, source in met),
            }
        )
    return rows


def _text(rows: Sequence[dict]) -> str:
    lines = ["| " + " | ".join(rows[0]).replace("_", " ") + " |", "|---" + "|---:" * (len(rows[0]) - 1) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(map(str, row.values())) + " |" for row in rows)])


def _totals(stormy: Sequence[Result], kills: Sequence[Result], disks: Sequence[Result], seconds: float) -> str:
    right, refused = sum(len(r.right) for r in stormy), sum(len(r.refused) for r in stormy)
    wrong = sum("wrong table" in p for r in (*stormy, *kills, *disks) for p in r.problems)
    filled = sum(len(r.refused) for r in disks)
    met = {source for r in stormy for source in r.hit}
    spoilt = sum(sum(r.injected.values()) for r in stormy)
    resumed, whole = (sum(not r.problems for r in results) for results in (kills, disks))
    return (
        f"{len(stormy)} seeds over {len(met)} sources: {right} refreshes ended with the right table, {refused} were "
        f"refused with source, page and remedy, {spoilt} answers were spoilt. {len(kills)} kills: {resumed} resumed to "
        f"the same files with no finished page asked again. {len(disks)} small disks: {filled} filled up, {whole} lost "
        f"nothing. Wrong tables: {wrong}. {seconds / 60:.1f} minutes."
    )


def write_report(
    out: Path, rows: Sequence[dict], totals: str, problems: Sequence[str], options: argparse.Namespace
) -> None:
    """Write the report for people and the table for machines."""
    from reproductions.files import write_csv, write_text
    from reproductions.machine import describe

    card = describe()
    command = f"python -m tests.loopback.fault_run --seeds {options.seeds} --kills {options.kills} --out {out}"
    machine = (
        f"{card['processor']}, {card['cores_allowed']} cores, {card['memory_gib']} GiB, {card['distribution']}, "
        f"Python {card['python']}"
    )
    shown = "\n".join(f"- {problem}" for problem in problems) or "None."
    write_csv(Path(f"{out}.csv"), list(rows[0]), rows)
    write_text(
        Path(f"{out}.md"),
        _REPORT.format(
            day=datetime.now(UTC).date(),
            machine=machine,
            command=command,
            totals=totals,
            table=_text(rows),
            problems=shown,
        ),
    )


_REPORT = """# Reliability of the refresh

{day}, {machine}. Made by `{command}`; do not edit.

A loopback server answers as the services do, from synthetic papers whose right tables are known. Over its answers it
lays every failure on record (`tests/loopback/faults.py`), one to four a source and seed, at random positions; some pass
after a few tries, some stay. arXiv and the archive meet every seed, the other sources a quarter of them, with the
faults of the wire. Each refresh must end with exactly the right table, or say which source, which page and what to do,
and land nothing. Afterwards, without faults and in the same folder, it must come to the right table and ask for nothing
that had come.

{totals}

{table}

A refresh may have met several kinds at once. "Refused" counts those that ended with a message, as they must where a
fault stays.

## What happened that must not

{problems}

## What no client can see

OAI-PMH names neither the size of a list nor of a page. A page that leaves records out, or a list that ends early, in
well-formed XML looks like a good one; such failures are not on record and are not injected. The query API, which does
name its totals, is the check: the two arXiv series stand beside each other. A query whose first and only page is short
and says so in its total is the same case.
"""

if __name__ == "__main__":
    raise SystemExit(main())
