"""Does the same training give the same weights, bit for bit, and what do the deterministic switches cost?

Each run is a process of its own. A round runs each cell once, in an order drawn anew for it, so that neither a drift
of the machine nor the neighbour of a run meets one cell alone; the cost is a ratio of medians with a bootstrap over
runs. A row ``unseeded`` in the plainest mode of each side shows that the check can tell runs apart. Most of a run is
starting, importing and compiling, so two run side by side and take turns where steps are timed.
"""

from __future__ import annotations

import json
import logging
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions import machine
from reproductions.journal import Journal
from reproductions.upkeep.rows import again, write
from reproductions.upkeep.safety import inert
from reproductions.upkeep.training import NO_GPU, TURN
from reproductions.usability.programs import environment

log = logging.getLogger(__name__)
TABLE = "upkeep_repeatability.csv"
COLUMNS = (
    *(
        "machine",
        "date",
        "device",
        "side",
        "mode",
        "mode_title",
        "switches",
        "version",
        "runs",
        "distinct",
        "identical",
    ),
    *("step_ms", "low", "high", "cost", "cost_low", "cost_high", "command", "status", "note"),
)
TITLES = {
    ("pytorch", "eager"): "PyTorch eager",
    ("pytorch", "compile"): "torch.compile",
    ("tensorflow", "function"): "tf.function",
    ("tensorflow", "xla"): "XLA",
}
CELLS = (
    *(("pytorch", "eager", switches) for switches in ("unseeded", "seeded", "deterministic")),
    *(("pytorch", "compile", switches) for switches in ("seeded", "deterministic")),
    *(("tensorflow", "function", switches) for switches in ("unseeded", "seeded", "deterministic")),
    *(("tensorflow", "xla", switches) for switches in ("seeded", "deterministic")),
)
RESAMPLES = 2_000
DEVICES = ("cpu", "gpu")


@dataclass(frozen=True)
class Options:
    """What is run.

    runs       processes a cell
    workers    processes at a time
    cells      (side, mode, switches); empty: all of them
    devices    where they are trained, of :data:`DEVICES`
    threads    compute threads of a process
    python     interpreter by framework; absent or None is the one that runs this
    flags      options of the command that change what is measured, for the rows' commands
    timeout_s  seconds after which a process is stopped
    """

    runs: int = 10
    workers: int = 2
    cells: Sequence[tuple[str, str, str]] = ()
    devices: Sequence[str] = ("cpu",)
    threads: int = 2
    python: Mapping[str, str | None] = field(default_factory=dict)
    flags: Sequence[str] = ()
    timeout_s: float = 180


def measure(out: Path, options: Options) -> list[dict]:
    """Run every cell, write the table to ``out`` and return its rows; a killed run is taken up again."""
    cells = list(options.cells) or list(CELLS)
    journal = Journal(out / "unfinished" / "upkeep_repeatability.jsonl")
    plan = {"runs": options.runs, "cells": [list(cell) for cell in cells], "threads": options.threads}
    plan |= {"devices": list(options.devices)}
    if journal.rows and journal.rows[0].get("plan") != plan:
        journal.remove()
        journal = Journal(journal.path)
    if not journal.rows:
        journal.add({"plan": plan})
    known = {(row["device"], *row["cell"], row["run"]): row for row in journal.rows if "cell" in row}
    places = [(device, *cell) for device in options.devices for cell in cells]
    # Always in the same order, a cell would always have the same neighbour, and the second of two seemed slower.
    steps = [
        (places[at], number)
        for number in range(options.runs)
        for at in np.random.default_rng(number).permutation(len(places))
    ]
    todo = [step for step in steps if (*step[0], step[1]) not in known]
    with tempfile.TemporaryDirectory(prefix="upkeep-") as scratch, ThreadPoolExecutor(options.workers) as pool:
        for first in range(0, len(todo), options.workers):
            # What has failed is not run again.
            wave = [
                (place, number)
                for place, number in todo[first : first + options.workers]
                if all(known.get((*place, before), {}).get("status", "ok") == "ok" for before in range(number))
            ]
            ended = pool.map(lambda step: once(step[0][1:], step[0][0], Path(scratch), options), wave)
            for (place, number), result in zip(wave, ended, strict=True):
                known[(*place, number)] = {"device": place[0], "cell": list(place[1:]), "run": number} | result
                journal.add(known[(*place, number)])
                log.info("repeatability: %d of %d: %s", len(known), len(steps), " ".join(place))
    common = {"machine": machine.describe()["machine"], "date": datetime.now(UTC).date().isoformat()}
    rows = []
    for device in options.devices:
        found = {cell: [row for key, row in known.items() if key[:-1] == (device, *cell)] for cell in cells}
        rows += [common | {"device": device} | row for row in summarise(found)]
    for row in rows:
        row["command"] = again("repeatability", f"{row['side']}-{row['mode']}", flags=options.flags)
    write(out / TABLE, COLUMNS, rows, ("device", "side", "mode"), chosen=bool(options.cells))
    journal.remove()
    return rows


def once(cell: tuple[str, str, str], device: str, scratch: Path, options: Options) -> dict:
    """Return version, digest and time a step of one run, or why there are none."""
    side, mode, switches = cell
    python = options.python.get(side) or sys.executable
    command = [python, "-P", "-m", "reproductions.upkeep.training", side, mode, switches, str(options.threads), device]
    variables = environment(options.threads, scratch) | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    variables[TURN] = str(scratch / "turn")
    # A step is timed by the processor, and an OpenMP thread that spins at a barrier uses it: on a busy machine a step
    # of 15 ms was seen to take 30 to 360. The bits do not depend on how a thread waits.
    variables["OMP_WAIT_POLICY"] = "PASSIVE"
    if device == "gpu" and switches == "deterministic":
        # PyTorch's notes on randomness ask for it: cuBLAS repeats itself only with a workspace of fixed size.
        variables["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    try:
        done = subprocess.run(
            command,
            cwd=scratch,
            env=variables,
            capture_output=True,
            text=True,
            timeout=options.timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"status": "timeout", "note": f"no end within {options.timeout_s:g} s"}
    try:
        return {"status": "ok"} | json.loads(done.stdout.strip().splitlines()[-1])
    except (ValueError, IndexError):
        words = last_error(done.stderr) or f"exit code {done.returncode}"
        missing = "No module named" in words or NO_GPU in words
        return {"status": "not_run" if missing else "failed", "note": inert(words)}


def last_error(text: str) -> str:
    """Return the last line that names an exception, without its module; else the last line.

    TensorFlow's errors go on for several lines, of which the last says how to find out more.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    named = [found for line in lines if (found := re.fullmatch(r"(?:\w+\.)*(\w*(?:Error|Exception): .+)", line))]
    return named[-1][1] if named else "".join(lines[-1:])


def summarise(found: Mapping[tuple[str, str, str], Sequence[Mapping]], seed: int = 1) -> list[dict]:
    """Return a row a cell: how many different results, the step's time, and what the switches cost."""
    rng = np.random.default_rng(seed)
    # A mode that fails has the version of the side's other modes: one interpreter runs them all.
    versions = {cell[0]: run["version"] for cell, runs in found.items() for run in runs if run["status"] == "ok"}
    rows = []
    for (side, mode, switches), runs in found.items():
        ended = [run for run in runs if run["status"] == "ok"]
        wrong = next((run for run in runs if run["status"] != "ok"), None)
        digests = {run["digest"] for run in ended}
        times = [run["step_ms"] for run in ended]
        row = {
            "side": side,
            "mode": mode,
            "mode_title": TITLES[side, mode],
            "switches": switches,
            "version": versions.get(side),
            "runs": len(ended),
            "distinct": len(digests) if ended else None,
            "identical": ("yes" if len(digests) == 1 else "no") if len(ended) > 1 else None,
            "step_ms": statistics.median(times) if times else None,
            "low": min(times, default=None),
            "high": max(times, default=None),
            "status": wrong["status"] if wrong else "ok",
            "note": wrong["note"] if wrong else None,
        }
        base = [run["step_ms"] for run in found.get((side, mode, "seeded"), ()) if run["status"] == "ok"]
        if switches == "deterministic" and base and times:
            row |= cost(times, base, rng)
        rows.append(row)
    return rows


def cost(times: Sequence[float], base: Sequence[float], rng: np.random.Generator) -> dict:
    """Return the ratio of the medians with a 95 % bootstrap interval over runs; fewer than five runs get none."""
    ratio = float(np.median(times) / np.median(base))
    if min(len(times), len(base)) < 5:
        return {"cost": ratio}
    drawn = [np.median(rng.choice(own, (RESAMPLES, len(own))), axis=1) for own in (times, base)]
    low, high = np.quantile(drawn[0] / drawn[1], (0.025, 0.975))
    return {"cost": ratio, "cost_low": float(low), "cost_high": float(high)}
