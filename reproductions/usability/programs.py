"""Running the paired programs: a process a program, its clocks and warnings, and whether the programs agree.

Every program runs in a process of its own that imports one framework. What a run says is kept in a journal at once, so
that a killed measurement goes on where it was; a program that fails is a row with its status.
"""

from __future__ import annotations

import csv
import hashlib
import json
import logging
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from reproductions import machine
from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.files import write_csv, write_json
from reproductions.journal import Journal
from reproductions.usability import metrics
from reproductions.usability.tasks import PROGRAMS, Task

log = logging.getLogger(__name__)
TABLE = "usability_programs.csv"
LISTINGS = "usability_listings.json"
#: Metrics of a run and their units. ``pressure_s``: seconds in which some process of the machine waited for a core.
MEASURED = {
    "wall_s": "s",
    "cpu_s": "s",
    "import_wall_s": "s",
    "import_cpu_s": "s",
    "main_wall_s": "s",
    "main_cpu_s": "s",
    "peak_mib": "MiB",
    "pressure_s": "s",
    "warnings": "texts",
    "warnings_shown": "texts",
    "deprecations": "texts",
    "log_lines": "lines",
}
COLUMNS = (
    "machine",
    "date",
    "size",
    "task",
    "program",
    "framework",
    "framework_version",
    "metric",
    "value",
    "unit",
    "low",
    "high",
    "runs",
    "status",
    "note",
    "origin",
)
SHORT = 200
_PROGRESS = re.compile(r"\x1b\[|━|\r|^\d+/\d+ ")


@dataclass(frozen=True)
class Options:
    """How programs are run.

    size       ``full`` or ``smoke``, a key of a task's sizes
    repeats    runs of each program; the table holds their median
    threads    compute threads of a process
    timeout_s  seconds after which a program is stopped
    python     interpreter by framework; absent or None is the one that runs this
    """

    size: str = "full"
    repeats: int = 1
    threads: int = 1
    timeout_s: float = 180
    python: Mapping[str, str | None] = field(default_factory=dict)


def run(jobs: Sequence[tuple[Task, str]], options: Options) -> list[dict]:
    """Run programs of one framework one after the other in one process; return their answers with ``log``.

    raises WorkerFailed   if a program fails, dies or takes longer than ``options.timeout_s``
    """
    framework = PROGRAMS[jobs[0][1]]
    with tempfile.TemporaryDirectory(prefix="usability-") as scratch:
        lines = []
        for number, (task, program) in enumerate(jobs):
            folder = Path(scratch) / str(number)
            folder.mkdir()
            job = {"folder": str(task.folder.resolve()), "program": program, "sizes": dict(task.sizes[options.size])}
            lines.append(json.dumps({**job, "scratch": str(folder), "started": time.monotonic()}) + "\n")
        done = _finish(
            options.python.get(framework) or sys.executable, "".join(lines), Path(scratch), options, len(jobs)
        )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    for answer in answers:
        if not answer.pop("ok"):
            raise WorkerFailed(answer["status"], answer["message"])
    if len(answers) < len(jobs):
        status = "oom" if done.returncode == -9 else "failed"
        raise WorkerFailed(status, f"the process ended with exit code {done.returncode}; run it alone to see why")
    answers[-1]["log"] = log_lines(done.stderr)
    return answers


def _finish(python: str, lines: str, scratch: Path, options: Options, jobs: int) -> subprocess.CompletedProcess:
    command = [python, "-W", "always", "-m", "reproductions.usability.worker"]
    try:
        return subprocess.run(
            command,
            input=lines,
            cwd=scratch,
            env=environment(options.threads, scratch),
            capture_output=True,
            text=True,
            timeout=options.timeout_s * jobs,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise WorkerFailed("timeout", f"no result within {options.timeout_s:g} s; stopped") from None
    except OSError as error:
        raise WorkerFailed("failed", f"the interpreter cannot be started ({error.strerror})") from error


def environment(threads: int, scratch: Path) -> dict[str, str]:
    """Return a process's environment: as shipped, with the framework's own log lines as a user sees them."""
    variables = worker_environment("as_shipped", threads, scratch)
    variables.pop("TF_CPP_MIN_LOG_LEVEL", None)
    return variables | dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), str(threads))


def log_lines(text: str) -> list[str]:
    """Return the distinct lines that a framework logged, without progress bars, clocks, process ids and paths."""
    kept: dict[str, None] = {}
    for line in text.splitlines():
        if not line.strip() or _PROGRESS.search(line):
            continue
        kept[shorten(line)] = None
    return list(kept)


def shorten(text: str) -> str:
    """Return the first line of a message as it reads on every machine, at most 200 characters."""
    line = text.strip().splitlines()[0] if text.strip() else ""
    line = re.sub(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.,]\d+: ?", "", line)
    line = re.sub(r"^([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ ", r"\1 ", line)
    line = re.sub(r"^([IWEF])0000 [\d.:]+ +\d+ ", r"\1 ", line)
    line = re.sub(r"(?<![\w:/.])/(?:[^\s/'\",;:()]+/)+", "", line)
    line = re.sub(r"0x[0-9a-f]{6,}", "0x...", line)
    return line if len(line) <= SHORT else line[: SHORT - 3] + "..."


# -- measuring ---------------------------------------------------------------------------------------------------------
def measure(tasks: Iterable[Task], out: Path, options: Options) -> list[dict]:
    """Run every program of the tasks, write the table and the listings to ``out``; return the rows of these tasks.

    A measurement of the same tasks, texts and options that was killed is taken up again. Rows of other tasks stay.
    """
    tasks = list(tasks)
    journal = _journal(out / "unfinished" / "usability_programs.jsonl", tasks, options)
    known = {(row["task"], row["program"], row["run"]): row for row in journal.rows if "task" in row}
    plan = [(task, program, number) for number in range(options.repeats) for task in tasks for program in PROGRAMS]
    for count, (task, program, number) in enumerate(plan, 1):
        key = (task.id, program, number)
        if key in known or (known.get((task.id, program, 0)) or {}).get("status", "ok") != "ok":
            continue  # what failed once is not tried again in this measurement
        known[key] = _observe(task, program, number, options)
        journal.add(known[key])
        log.info("%d of %d: %s in %s: %s", count, len(plan), task.id, program, _brief(known[key]))
    rows = []
    for task in tasks:
        runs = {name: [known[k] for k in sorted(known) if k[:2] == (task.id, name)] for name in PROGRAMS}
        rows += rows_of(task, runs, options)
    _write(out, tasks, rows)
    journal.remove()
    return rows


def _journal(path: Path, tasks: Sequence[Task], options: Options) -> Journal:
    plan = {
        "texts": {task.id: task.digest() for task in tasks},
        "size": options.size,
        "threads": options.threads,
        "repeats": options.repeats,
    }
    journal = Journal(path)
    if journal.rows and journal.rows[0].get("plan") != plan:
        log.info("an unfinished measurement of other texts or options is dropped")
        journal.remove()
        journal = Journal(path)
    if not journal.rows:
        journal.add({"plan": plan})
    return journal


def _observe(task: Task, program: str, number: int, options: Options) -> dict:
    waited = machine.pressure()
    row = {"task": task.id, "program": program, "run": number}
    row["date"] = datetime.now(UTC).date().isoformat()
    try:
        [answer] = run([(task, program)], options)
    except WorkerFailed as error:
        return row | {"status": error.status, "message": shorten(error.message)}
    answer["pressure_s"] = None if waited is None else machine.pressure() - waited
    return row | {"status": "ok", "answer": answer}


def _brief(row: Mapping) -> str:
    return f"{row['answer']['wall_s']:.1f} s" if row["status"] == "ok" else f"{row['status']}: {row['message']}"


# -- rows --------------------------------------------------------------------------------------------------------------
def rows_of(task: Task, runs: Mapping[str, Sequence[Mapping]], options: Options) -> list[dict]:
    """Return the rows of one task: measures of the texts, of the runs, and whether the programs agree.

    runs   the journal's rows by program, in the order of the runs
    """
    card = machine.describe()["machine"]
    rows = []
    results = {
        name: found[0]["answer"]["results"] for name, found in runs.items() if found and found[0]["status"] == "ok"
    }
    for program, found in runs.items():
        if not found:
            continue
        text = task.text(program)
        common = {
            "machine": card,
            "date": found[0]["date"],
            "size": options.size,
            "task": task.id,
            "program": program,
            "framework": PROGRAMS[program],
            "framework_version": found[0]["answer"]["versions"] if found[0]["status"] == "ok" else "",
            "status": "ok",
            "origin": f"{task.id}/{program}.py sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}",
        }
        for metric, value in metrics.of(text).items():
            rows.append(common | {"metric": metric, "value": rounded(value), "unit": metrics.UNITS[metric]})
        rows += _measured(common, found)
        rows.append(common | _agreement(task, program, results))
    return rows


def _measured(common: Mapping, found: Sequence[Mapping]) -> list[dict]:
    rows = []
    answers = [row["answer"] for row in found if row["status"] == "ok"]
    failed = [row for row in found if row["status"] != "ok"]
    for row in failed:
        rows.append({**common, "metric": "wall_s", "unit": "s", "status": row["status"], "note": row["message"]})
    for metric, unit in MEASURED.items():
        values = [value for answer in answers if (value := _value(answer, metric)) is not None]
        if values:
            measured = {"value": statistics.median(values), "low": min(values), "high": max(values)}
            ends = {key: rounded(value) for key, value in measured.items()}
            rows.append({**common, "metric": metric, "unit": unit, "runs": len(values), **ends})
    if answers:
        for met in answers[0]["warnings"]:
            shown = "" if met["shown"] else " (hidden unless asked for)"
            note = f"{met['category']}{shown}: {shorten(met['text'])}"
            rows.append({**common, "metric": "warning", "value": met["times"], "unit": "times", "note": note})
        for line in answers[0]["log"]:
            rows.append({**common, "metric": "log_line", "value": 1, "unit": "lines", "note": line})
    return rows


def _value(answer: Mapping, metric: str) -> float | None:
    counted = {
        "warnings": lambda: len(answer["warnings"]),
        "warnings_shown": lambda: sum(met["shown"] for met in answer["warnings"]),
        "deprecations": lambda: sum(met["deprecation"] for met in answer["warnings"]),
        "log_lines": lambda: len(answer["log"]),
    }
    return counted[metric]() if metric in counted else answer[metric]


def _agreement(task: Task, program: str, results: Mapping[str, Mapping]) -> dict:
    row = {"metric": "distance", "unit": "tolerances"}
    if program not in results:
        return row | {"status": "untested", "note": "the program gave no result"}
    others = [name for name in results if name != program]
    found = agreement(task, results, program)
    if not others:
        return row | {"status": "untested", "note": "no other program gave a result"}
    worst = max(found, key=found.get)
    status = "ok" if found[worst] <= 1 else "disagrees"
    return row | {
        "value": rounded(found[worst]),
        "status": status,
        "note": f"largest in {worst}; with {', '.join(others)}",
    }


def agreement(task: Task, results: Mapping[str, Mapping], program: str) -> dict[str, float]:
    """Return how far a program's results are from the expected value or from any other program, in tolerances.

    results   by program: results by name, as nested lists
    returns   ``{name: distance}``; at most 1 agrees, inf for a missing or misshapen result
    """
    found = {}
    for name, how in task.compare.items():
        own = results[program].get(name)
        partners = [results[other].get(name) for other in results if other != program]
        references = partners if how.expected is None else [how.expected]
        found[name] = max((_distance(own, reference, how.tolerance) for reference in references), default=0.0)
    return found


def _distance(own: object, reference: object, tolerance: float) -> float:
    if own is None or reference is None or np.shape(own) != np.shape(reference):
        return float("inf")
    difference = np.abs(np.asarray(own, np.float64) - np.asarray(reference, np.float64)).max(initial=0.0)
    if not np.isfinite(difference):
        return float("inf")
    return float(difference / tolerance) if tolerance else (0.0 if difference == 0 else float("inf"))


def rounded(value: float) -> float | int:
    """Return a value with six significant digits, as the tables hold it; whole numbers stay whole."""
    return value if isinstance(value, int) else float(f"{value:.6g}")


# -- the table ---------------------------------------------------------------------------------------------------------
def _write(out: Path, tasks: Sequence[Task], rows: Sequence[Mapping]) -> None:
    measured = {task.id for task in tasks}
    kept = [row for row in read(out / TABLE) if row["task"] not in measured]
    write_csv(out / TABLE, COLUMNS, [*kept, *rows])
    path = out / LISTINGS
    listings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    listings |= {task.id: {program: task.text(program) for program in PROGRAMS} for task in tasks}
    write_json(path, listings)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, as text; none if it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))
