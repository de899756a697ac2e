"""What the harness adds to what it measures: its block loop beside a bare one, on LeNet with batch size 1.

The smallest model that the survey has, one example a step: the worst case, for a step takes about a millisecond.
Both loops take turns in the same process, one process a framework; the bare loop runs twice a round, so that the
difference between two runs of the same thing is seen beside the difference between the loops.
"""

from __future__ import annotations

import csv
import io
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from benchmarks.harvest import Goal, goal_line
from reproductions import flags, machine, registry
from reproductions.environments import worker_environment
from reproductions.files import write_text
from reproductions.journal import Journal
from reproductions.process import Child

MODES = {"pytorch": "eager", "tensorflow": "function"}
#: What a row of the table begins with; then a column for each thing measured, with its unit.
KEYS = ("framework", "version", "round")
ENVIRONMENT, PRESET = "tuned", "quick"


@dataclass(frozen=True)
class Size:
    """How much is measured.

    rounds  paired rounds; in each our loop runs one block of ``steps`` steps and the bare one as many, twice from
            weights set anew as in ours, once going on with those it has
    blocks  of ``steps`` steps in a round of the whole protocol
    steps   of a block; 0: as many as a block of the workload's preset has
    whole   paired rounds of the whole protocol (requests, answers, journal) against bare steps
    """

    rounds: int
    blocks: int
    steps: int
    whole: int


# Many short rounds instead of few long ones: what the machine does besides changes within seconds, and a difference of
# half a percent is seen only between neighbours. A block is as long as in a measurement, for what it costs once is
# shared by its steps.
FULL = Size(1200, 10, 0, 60)
QUICK = Size(8, 2, 5, 2)
#: Williams's square for four (E. J. Williams, Australian Journal of Scientific Research A 2, 1949, 149-168): each loop
#: stands at each place, and follows each other one, equally often; what it leaves in the caches falls to all alike.
ORDERS = ((0, 1, 3, 2), (1, 2, 0, 3), (2, 3, 1, 0), (3, 0, 2, 1))
#: Resamples of the bootstrap.
RESAMPLES = 2000


class Bound(Goal):
    """A goal that is met, or missed, where the whole interval says so."""

    @property
    def met(self) -> str:
        """``yes``, ``no``, or ``undecided`` where the bound lies inside the interval."""
        _, low, high = self.measured
        return "yes" if high <= self.bound else "no" if low > self.bound else "undecided"


def run(out: Path, quick: bool, say: Callable[[str], None], workload: str = "lenet5", data: Path | None = None) -> list:
    """Measure both frameworks and write ``overhead.md`` and ``overhead.csv`` to ``out``; return the goals.

    data  the ``arrays.npz`` of the workload's data set; None fetches it into the project's cache
    """
    size, load, begun = QUICK if quick else FULL, os.getloadavg()[0], datetime.now(UTC)
    waited, started = machine.pressure(), time.monotonic()
    found = registry.find(workload)
    size = replace(size, steps=size.steps or found.preset(PRESET).steps["train"])
    data = data or _fetched(found)
    rows: list[dict] = []
    with tempfile.TemporaryDirectory(prefix="overhead-") as scratch:
        for framework, mode in MODES.items():
            job = _job(found, framework, mode, data)
            rows += _framework(job, Path(scratch), size, say)
    seconds = time.monotonic() - started
    share = None if waited is None else (machine.pressure() - waited) / seconds
    conditions = {
        "Date": begun.date().isoformat(),
        "Size": "quick: too small for conclusions" if quick else "full",
        "Model": f"{workload}, batch size 1, training, one thread, environment profile {ENVIRONMENT}",
        "Time": f"{seconds / 60:.1f} min",
        "Load before": f"{load:.2f} (1 min average)",
        "Some process waited for a CPU": "not recorded" if share is None else f"{share:.0%} of the time",
    }
    goals = _goals(rows)
    write_text(out / "overhead.md", _document(rows, goals, conditions, size))
    write_text(out / "overhead.csv", _table(rows))
    return goals


def _fetched(workload) -> Path:
    from reproductions import datasets

    root = Path(__file__).resolve().parents[1]
    return datasets.fetch(workload.datasets[0], root / "data/downloads") / "arrays.npz"


def _job(workload, framework: str, mode: str, data: Path) -> dict:
    """Return what a worker of the workload's preset is told."""
    return {
        "workload": str(workload.folder.resolve()),
        "framework": framework,
        "source": framework,
        "mode": mode,
        "sizes": dict(workload.preset(PRESET).sizes),
        "optimizer": dict(workload.optimizer),
        "threads": 1,
        "device": "cpu",
        "precision": "float32",
        "data": str(data.resolve()),
        "memory_limit_mib": None,
    }


def _framework(job: dict, scratch: Path, size: Size, say) -> list[dict]:
    framework = job["framework"]
    say(f"{framework}: starting")
    child = Child(
        [sys.executable, "-m", "benchmarks.tasks.overhead"],
        environment=worker_environment(ENVIRONMENT, 1, scratch.resolve()),
        folder=scratch,
        log=scratch / f"{framework}.log",
        timeout_s=600,
    )
    with child:
        version = child.ask("start", job=job)["facts"]["version"]
        child.ask("prepare", seed=1, batch_size=1, batches=8)
        measured = [*_alternate(child, framework, size, say), *_whole(child, framework, scratch, size, say)]
        empty = child.ask("empty", steps=size.steps, blocks=20 * size.blocks)
    for where, values in empty.items():
        measured += [(number, f"a block of empty steps, {where}", value, "us") for number, value in enumerate(values)]
    return [
        {"framework": framework, "version": version, "round": number, "what": what, "value": value, "unit": unit}
        for number, what, value, unit in measured
    ]


def _alternate(child: Child, framework: str, size: Size, say) -> list[tuple]:
    found = []
    asks = {
        "bare": lambda: child.ask("bare", steps=size.steps),
        "ours": lambda: child.ask("ours", blocks=1, steps=size.steps),
        "bare again": lambda: child.ask("bare", steps=size.steps),
        "bare going on": lambda: child.ask("bare", steps=size.steps, anew=False),
    }
    for number in range(size.rounds):
        if number % 200 == 0:
            say(f"{framework}: round {number + 1} of {size.rounds}")
        names = list(asks)
        for name in (names[place] for place in ORDERS[number % len(ORDERS)]):
            told = asks[name]()
            found += [(number, f"{name}, {clock}", told[f"{clock}_ns"] / 1e3, "us/step") for clock in ("cpu", "wall")]
    return found


def _whole(child: Child, framework: str, scratch: Path, size: Size, say) -> list[tuple]:
    """Time the protocol from outside: observe, ask, answer, write to the journal; against one request of bare steps."""
    found, journal, sampler = [], Journal(scratch / f"{framework}.jsonl"), flags.Sampler()
    for number in range(size.whole):
        if number % 20 == 0:
            say(f"{framework}: whole run, round {number + 1} of {size.whole}")

        def ours() -> None:
            for _ in range(size.blocks):
                before = sampler.observe()
                told = child.ask("block", steps=size.steps)
                journal.add(told | {"observed": [before, sampler.observe()]})

        def bare() -> None:
            child.ask("bare", steps=size.steps * size.blocks)

        for name, act in (("ours", ours), ("bare", bare))[:: 1 if number % 2 == 0 else -1]:
            begun = time.perf_counter()
            act()
            found.append((number, f"whole run, {name}", time.perf_counter() - begun, "s"))
    sampler.close()
    return found


# -- what follows ----------------------------------------------------------------------------------------------------
def ratios(rows: list[dict], framework: str, above: str, *below: str) -> list[float]:
    """Return the ratio of a measured thing to the mean of others, paired by round."""
    values = {
        what: {row["round"]: row["value"] for row in rows if (row["framework"], row["what"]) == (framework, what)}
        for what in (above, *below)
    }
    return [
        values[above][number] / statistics.fmean(values[what][number] for what in below)
        for number in sorted(values[above])
    ]


def _spread(values: list[float]) -> tuple[float, float, float]:
    """Return the median and its 95 % interval, a percentile bootstrap over rounds."""
    rounds = np.asarray(values)
    picks = np.random.default_rng(0).integers(len(rounds), size=(RESAMPLES, len(rounds)))
    low, high = np.percentile(np.median(rounds[picks], axis=1), [2.5, 97.5])
    return float(np.median(rounds)), float(low), float(high)


def _empty(rows: list[dict], framework: str, where: str) -> list[float]:
    what = f"a block of empty steps, {where}"
    return [row["value"] for row in rows if (row["framework"], row["what"]) == (framework, what)]


def _percent(values: list[float]) -> tuple[float, float, float]:
    return _spread([100 * (value - 1) for value in values])


def _goals(rows: list[dict]) -> list[Goal]:
    goals = []
    for framework in MODES:
        inside = _spread(_empty(rows, framework, "inside"))
        loop = _percent(ratios(rows, framework, "ours, cpu", "bare, cpu", "bare again, cpu"))
        whole = _spread(ratios(rows, framework, "whole run, ours", "whole run, bare"))
        goals += [
            Bound(f"{framework}: our loop's step beyond a bare loop's, CPU time", False, 0.5, loop, "%"),
            Bound(f"{framework}: inside the timed region of a block", False, 10, inside, "us"),
            Bound(f"{framework}: whole run, of bare steps", False, 1.05, whole),
        ]
    return goals


def _document(rows: list[dict], goals: list[Goal], conditions: dict[str, str], size: Size) -> str:
    card = machine.describe()
    versions = {row["framework"]: row["version"] for row in rows}
    told = {
        **conditions,
        "Machine": f"{card['processor']}, {card['cores_online']} cores, {card['memory_gib']} GiB, {card['system']}",
        "Versions": ", ".join([f"Python {card['python']}", *(f"{name} {one}" for name, one in versions.items())]),
    }
    lines = []
    for framework in MODES:
        for clock in ("cpu", "wall"):
            step = statistics.median(
                row["value"] for row in rows if (row["framework"], row["what"]) == (framework, f"bare, {clock}")
            )
            bare, again = f"bare, {clock}", f"bare again, {clock}"
            compared = (
                ratios(rows, framework, f"ours, {clock}", bare, again),
                ratios(rows, framework, again, bare),
                ratios(rows, framework, f"bare going on, {clock}", bare, again),
            )
            cells = ["{:+.2f} [{:+.2f}, {:+.2f}]".format(*_percent(values)) for values in compared]
            lines.append(f"| {framework} | {clock} | {step:,.0f} | {' | '.join(cells)} |")
    around = {framework: statistics.median(_empty(rows, framework, "around")) for framework in MODES}
    return "\n".join(
        [
            "# Harness: our block loop beside a bare one",
            "",
            "Made by `python -m benchmarks overhead`. Training with batch size 1 on the smallest model is the worst "
            "case: everything the harness does is compared with a step of about a millisecond.",
            "",
            *(f"- {name}: {value}" for name, value in told.items()),
            "",
            "## Goals",
            "Medians of paired rounds with their 95 % intervals (bootstrap over rounds). A goal is met or missed "
            "where the whole interval says so, undecided where it holds the bound.",
            "",
            "| what | goal | measured | met |",
            "|---|---|---|---|",
            *map(goal_line, goals),
            "",
            "## Step by step",
            "What a step of our loop takes beyond a bare one, in percent. Bare again is the bare loop against itself, "
            "the noise that remains. Each block begins with weights set anew, untimed, so that numbers neither decay "
            "nor diverge, and its first step finds them outside the processor's caches: the last column is a bare loop "
            f"that goes on with the weights it has. A block has {size.steps} steps, as in a measurement, and each loop "
            "follows each other one equally often (Williams's square).",
            "",
            "| framework | clock | bare, us a step | ours, % | bare again, % | bare going on, % |",
            "|---|---|---|---|---|---|",
            *lines,
            "",
            "Outside the timed region a block takes "
            + ", ".join(f"{value:.0f} us in {framework}" for framework, value in around.items())
            + " more: counters, the machine's state, whether the result is finite. The whole run has also the "
            "requests, the answers, the weights set again before each block, and the journal on disk.",
            "",
        ]
    )


def _table(rows: list[dict]) -> str:
    """Return a CSV with one row a round: what was measured less often leaves its cell empty."""
    lines: dict[tuple, dict[str, str]] = {}
    for row in rows:
        line = lines.setdefault(tuple(row[name] for name in KEYS), {name: row[name] for name in KEYS})
        line[f"{row['what']} ({row['unit']})"] = f"{row['value']:.6g}"
    columns = dict.fromkeys(name for line in lines.values() for name in line)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines.values())
    return buffer.getvalue()
