"""Usability: from what was measured on each machine (``data/measurements/<machine>/``) to the tables of the page.

Every row keeps the machine and the day it was measured on. Nothing here runs a framework, and nothing is blended into a
score: each table answers one question.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.adoption_data import read_rows
from analysis.intervals import wilson
from reproductions.errors import SurveyError
from reproductions.files import read_yaml
from reproductions.usability import summary, tasks
from reproductions.usability.faults import catalogue
from reproductions.usability.faults import summary as fault_summary
from reproductions.validation import check

COMMAND = "snakemake --cores 8 usability"
RESAMPLES = 10_000
FEWEST = 5  # below so many values a median gets no interval
MOST_FAULTS = 20  # faults of a table that are written out
#: Names of the modes of the planted faults, in their order.
MODES = {
    "pytorch-eager": "PyTorch eager",
    "pytorch-compile": "torch.compile",
    "tensorflow-eager": "TensorFlow eager",
    "tensorflow-function": "tf.function",
    "tensorflow-xla": "XLA",
    "keras-fit": "Keras fit",
}
SIDES = {"pytorch": "PyTorch", "tensorflow": "TensorFlow core", "keras": "Keras"}
STAGES = ("definition", "build", "first step", "later", "never")
#: What a message may say, by the column that says it.
SAYS = {
    "line_in_traceback": "shows the faulty line",
    "names_shape": "names the shapes",
    "names_object": "names the layer or operation",
    "names_remedy": "names the remedy",
}
#: Numbers of a message, by column, with their units.
NUMBERS = {
    "frames_below": "frames below the faulty line",
    "user_frames": "frames of the user's program",
    "frames": "frames in all",
    "message_chars": "characters of the message",
    "seconds": "seconds until it is noticed",
}
FOUND_BY_TOOLS = ("noticed", "warned", "shown")
#: Metrics of a paired program that stand in a column of their own.
TEXT_METRICS = (
    "logical_lines",
    "tokens",
    "halstead_volume",
    "cyclomatic_complexity",
    "framework_names",
    "framework_only_lines",
)
RUN_METRICS = ("wall_s", "cpu_s", "import_wall_s", "main_wall_s", "peak_mib", "warnings", "deprecations", "log_lines")

#: Columns of the pairs, and the ends of a column that has an interval.
PAIR_COLUMNS = {"pytorch/keras": "of_keras", "pytorch/tensorflow": "of_tensorflow"}
ENDS = ("", "_low", "_high")

#: The tables and their columns: a table without a row still says what it would hold.
COLUMNS: dict[str, tuple[str, ...]] = {
    "usability_tasks": (
        *("machine", "date", "size", "task", "title", "shows", "note", "program", "program_title", "framework_version"),
        *TEXT_METRICS,
        *(name for metric in RUN_METRICS for name in (metric, f"{metric}_low", f"{metric}_high")),
        *("runs", "distance", "status", "warnings_met", "text"),
    ),
    "usability_medians": (
        *("machine", "date", "size", "compared", "metric", "statistic", "value", "low", "high", "tasks", "note"),
    ),
    "usability_compared": (
        *("machine", "date", "size", "metric", "statistic", "tasks"),
        *(f"{name}{end}" for name in ("pytorch", "tensorflow", "keras", *PAIR_COLUMNS.values()) for end in ENDS),
    ),
    "usability_ratios": ("machine", "date", "size", "pair", "metric", "task", "value"),
    "usability_rates": (
        *("machine", "date", "mode", "mode_title", "kind", "n", "noticed", "warned", "silent", "harmless"),
        *("share_noticed", "share_noticed_low", "share_noticed_high"),
        *("share_told", "share_told_low", "share_told_high"),
    ),
    "usability_kinds": (
        *("machine", "date", "mode", "mode_title", "kind", "n", "noticed", "warned", "silent", "harmless"),
        *("share_noticed", "share_noticed_low", "share_noticed_high"),
        *("share_told", "share_told_low", "share_told_high"),
    ),
    "usability_stages": ("machine", "date", "mode", "mode_title", "stage", "faults", "n", "share", "low", "high"),
    "usability_messages": ("machine", "date", "mode", "mode_title", "says", "faults", "n", "share", "low", "high"),
    "usability_numbers": ("machine", "date", "mode", "mode_title", "what", "median", "low", "high", "n"),
    "usability_tools": (
        *("machine", "date", "mode", "mode_title", "n", "noticed", "warned", "shown", "silent", "unusable"),
        *("share", "low", "high"),
    ),
    "usability_pairs": (
        *("machine", "date", "first", "second", "faults", "both", "only_first", "only_second", "neither", "p"),
    ),
    "usability_outcomes": ("machine", "date", "fault", "title", "kind", *MODES),
    "usability_faults": (
        *("machine", "date", "fault", "title", "kind", "framework", "mode", "mode_title", "version", "status"),
        *("noticed", "stage", "exception", "line_in_traceback", "frames_below", "user_frames", "frames"),
        *("message_chars", "message_lines", "names_shape", "names_object", "names_remedy", "tools"),
        *("noticed_by_tools", "seconds", "harm", "message", "places", "tools_message", "note", "text"),
    ),
    "usability_contact": (
        *("machine", "date", "subject", "subject_title", "version", "metric", "value", "unit", "low", "high", "runs"),
        *("status", "note", "origin"),
    ),
    "usability_listings": ("machine", "date", "task", "title", "program", "text"),
}


@dataclass
class Measured:
    """What lies in one machine's folder: rows by table, and the measured texts, ``{task: {program: text}}``."""

    machine: str
    programs: list[dict] = field(default_factory=list)
    faults: list[dict] = field(default_factory=list)
    contact: list[dict] = field(default_factory=list)
    listings: dict[str, dict[str, str]] = field(default_factory=dict)


# -- reading -----------------------------------------------------------------------------------------------------------
def read(measurements: Path, schemas: Path, machine: str = "*") -> list[Measured]:
    """Return what each machine's folder holds, by machine id; no folder gives an empty list.

    measurements  holds ``<machine>/usability_programs.csv``, ``usability_faults.csv``, ``first_contact.csv``,
                  ``usability_listings.json``; each may be absent
    schemas       the folder of the schemas
    machine       read this machine's folder alone
    raises        SurveyError with ``file: row: fault; remedy`` a line, the first 20 faults written out
    """
    found, faults = [], []
    for folder in sorted(path for path in Path(measurements).glob(machine) if path.is_dir()):
        one = Measured(folder.name)
        for name, table in (
            ("programs", "usability_programs"),
            ("faults", "usability_faults"),
            ("contact", "first_contact"),
        ):
            rows, wrong = _table(folder / f"{table}.csv", schemas / f"{table}.schema.yaml", folder.name)
            setattr(one, name, rows)
            faults += wrong
        listings, wrong = _listings(folder / "usability_listings.json", schemas / "usability_listings.schema.yaml")
        one.listings = listings
        faults += wrong
        if one.programs or one.faults or one.contact:
            found.append(one)
    if faults:
        more = [f"... and {len(faults) - MOST_FAULTS} more"] if len(faults) > MOST_FAULTS else []
        raise SurveyError("\n".join([*faults[:MOST_FAULTS], *more]))
    return found


def _table(path: Path, schema: Path, machine: str) -> tuple[list[dict], list[str]]:
    if not path.is_file():
        return [], []
    numbered, faults = read_rows(path, schema)
    faults += [
        f"{path}: row {number}: machine {row['machine']} lies in the folder of {machine}; move the file"
        for number, row in numbered
        if row["machine"] != machine
    ]
    return [row for _, row in numbered], faults


def _listings(path: Path, schema: Path) -> tuple[dict, list[str]]:
    if not path.is_file():
        return {}, []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        check(found, read_yaml(schema), str(path))
    except ValueError as error:
        return {}, [f"{path}: not JSON ({error}); remove the file and measure again: {COMMAND}"]
    except SurveyError as error:
        return {}, str(error).splitlines()
    return found, []


# -- tables ------------------------------------------------------------------------------------------------------------
def tables(measured: Iterable[Measured], seed: int = 1) -> dict[str, pd.DataFrame]:
    """Return the tables of the page by name, each with the columns of :data:`COLUMNS`; the same input, the same tables.

    seed  of the bootstraps
    """
    rows: dict[str, list[dict]] = {name: [] for name in COLUMNS}
    for one in measured:
        _programs(one, rows, seed)
        _faults(one, rows, seed)
        _contact(one, rows)
    return {name: pd.DataFrame(found, columns=list(COLUMNS[name])) for name, found in rows.items()}


def write_tables(measurements: Path, schemas: Path, out: Path) -> dict[str, pd.DataFrame]:
    """Read, tabulate and write ``<name>.csv`` to ``out``; raises SurveyError as :func:`read` does."""
    from analysis.drawing import inert_csv
    from reproductions.files import write_text

    made = tables(read(measurements, schemas))
    for name, frame in made.items():
        write_text(out / f"{name}.csv", inert_csv(frame))
    return made


def _date(rows: Iterable[Mapping]) -> str:
    """Return the day of the rows, or the first and the last."""
    days = sorted({str(row["date"]) for row in rows})
    return "" if not days else days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


# -- paired programs
def _programs(one: Measured, rows: dict[str, list[dict]], seed: int) -> None:
    known = tasks.discover()
    groups: dict[tuple[str, str], list[dict]] = {}
    for row in one.programs:
        groups.setdefault((row["task"], row["program"]), []).append(row)
    for (task, program), group in groups.items():
        rows["usability_tasks"].append(_task_row(one, known.get(task), program, group))
    for task, texts in one.listings.items():
        for program, text in texts.items():
            group = groups.get((task, program), [])
            rows["usability_listings"].append(
                {
                    "machine": one.machine,
                    "date": _date(group),
                    "task": task,
                    "title": known[task].title if task in known else task,
                    "program": program,
                    "text": text,
                }
            )
    for size in sorted({row["size"] for row in one.programs}):
        chosen = [row for row in one.programs if row["size"] == size]
        common = {"machine": one.machine, "date": _date(chosen), "size": size}
        rows["usability_medians"] += [common | row for row in _levels(chosen, seed)]
        for row in summary.summarise(chosen, seed):
            compared = " / ".join(SIDES[side] for side in row["pair"].split("/"))
            rows["usability_medians"].append(row | common | {"compared": compared})
        rows["usability_compared"] += _side_by_side(rows["usability_medians"], common)
        for pair in summary.PAIRS:
            for metric in (*summary.RATIOS, *summary.DIFFERENCES):
                for task, value in summary.by_task(chosen, pair, metric).items():
                    entry = {"pair": "/".join(pair), "metric": metric, "task": task, "value": value}
                    rows["usability_ratios"].append(common | entry)


def _task_row(one: Measured, task: tasks.Task | None, program: str, group: list[dict]) -> dict:
    first = group[0]
    found = {
        row["metric"]: row for row in group if row["metric"] not in ("warning", "log_line") and row["status"] == "ok"
    }
    row = {
        "machine": one.machine,
        "date": first["date"],
        "size": first["size"],
        "task": first["task"],
        "title": task.title if task else first["task"],
        "shows": task.shows if task else "",
        "note": task.note if task else "",
        "program": program,
        "program_title": SIDES[program],
        "framework_version": next((each["framework_version"] for each in group if each["framework_version"]), ""),
        "runs": max((each["runs"] or 0 for each in group), default=0),
        "distance": next((each["value"] for each in group if each["metric"] == "distance"), None),
        "status": next((each["status"] for each in group if each["status"] != "ok"), "ok"),
        "warnings_met": " | ".join(each["note"] for each in group if each["metric"] == "warning" and each["note"]),
        "text": _text_state(first["origin"], tasks.BUILT_IN),
    }
    for metric in TEXT_METRICS:
        row[metric] = found[metric]["value"] if metric in found else None
    for metric in RUN_METRICS:
        for suffix, key in (("", "value"), ("_low", "low"), ("_high", "high")):
            row[metric + suffix] = found[metric][key] if metric in found else None
    return row


def _text_state(origin: str, folder: Path) -> str:
    """Say whether the text that was measured is the one that lies here: ``<file> sha256:<12 digits>``."""
    import hashlib

    name, _, digest = origin.partition(" sha256:")
    path = folder / name
    if not path.is_file():
        return "no longer here"
    now = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return "as measured" if now == digest else "changed since"


def _levels(rows: list[dict], seed: int) -> list[dict]:
    """Return the median of each metric over the tasks, a row a program, with a bootstrap interval over tasks."""
    rng = np.random.default_rng(seed)
    found = []
    for program, title in SIDES.items():
        for metric in (*summary.RATIOS, *summary.DIFFERENCES):
            values = [
                row["value"]
                for row in rows
                if row["program"] == program
                and row["metric"] == metric
                and row["status"] == "ok"
                and row["value"] is not None
            ]
            if values:
                median, low, high = _median(values, rng)
                entry = {"compared": title, "metric": metric, "statistic": "median", "value": median, "low": low}
                found.append(entry | {"high": high, "tasks": len(values)})
    return found


def _side_by_side(medians: Iterable[Mapping], common: Mapping) -> list[dict]:
    """Return a metric a row: the medians of the programs and of the two pairs beside each other."""
    columns = {title: program for program, title in SIDES.items()}
    columns |= {" / ".join(SIDES[side] for side in pair.split("/")): name for pair, name in PAIR_COLUMNS.items()}
    found: dict[str, dict] = {}
    for row in medians:
        if all(row[key] == value for key, value in common.items()):
            entry = found.setdefault(row["metric"], {**common, "metric": row["metric"]})
            for end, key in zip(ENDS, ("value", "low", "high"), strict=True):
                entry[columns[row["compared"]] + end] = row.get(key)
            if row["statistic"] != "median":
                entry |= {"statistic": row["statistic"].removeprefix("median "), "tasks": row["tasks"]}
    return list(found.values())


def _median(values: Iterable[float], rng: np.random.Generator) -> tuple[float, float, float]:
    """Return the median and its 95 % percentile bootstrap interval; nan as interval below five values."""
    array = np.asarray(list(values), float)
    if len(array) < FEWEST:
        return float(np.median(array)), math.nan, math.nan
    drawn = np.median(rng.choice(array, (RESAMPLES, len(array))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return float(np.median(array)), float(low), float(high)


# -- planted faults
def _faults(one: Measured, rows: dict[str, list[dict]], seed: int) -> None:
    if not one.faults:
        return
    known = catalogue.discover()
    common = {"machine": one.machine, "date": _date(one.faults)}
    for row in one.faults:
        fault = known.get(row["fault"])
        cell = f"{row['framework']}-{row['mode']}"
        kept = {key: value for key, value in row.items() if key in COLUMNS["usability_faults"]}
        extra = {
            "title": fault.title if fault else row["fault"],
            "mode_title": MODES[cell],
            "text": _text_state(row["origin"] or "", catalogue.FOLDER) if row["status"] == "ran" else "",
        }
        rows["usability_faults"].append(kept | extra)
    rows["usability_outcomes"] += [common | row for row in _outcomes(one.faults, known)]
    for by, table in (("mode", "usability_rates"), ("kind", "usability_kinds"), ("both", "usability_kinds")):
        for row in fault_summary.rates(one.faults, by):
            rows[table].append(common | row | {"mode_title": MODES.get(row["mode"], "all modes")})
    for pair in fault_summary.pairs(one.faults):
        named = {side: MODES[pair[side]] for side in ("first", "second")}
        rows["usability_pairs"].append(common | pair | named)
    rng = np.random.default_rng(seed)
    for mode, title in MODES.items():
        counted = [r for r in fault_summary.counted(one.faults) if f"{r['framework']}-{r['mode']}" == mode]
        if counted:
            where = common | {"mode": mode, "mode_title": title}
            rows["usability_stages"] += [where | row for row in _stages(counted)]
            rows["usability_messages"] += [where | row for row in _says(counted)]
            rows["usability_numbers"] += [where | row for row in _numbers(counted, rng)]
            rows["usability_tools"] += [where | row for row in _tools(counted)]


def _outcomes(rows: Iterable[Mapping], known: Mapping[str, catalogue.Fault]) -> list[dict]:
    found: dict[str, dict] = {}
    for row in rows:
        title = known[row["fault"]].title if row["fault"] in known else row["fault"]
        entry = found.setdefault(row["fault"], {"fault": row["fault"], "title": title, "kind": row["kind"]})
        entry[f"{row['framework']}-{row['mode']}"] = outcome_words(row)
    return list(found.values())


def outcome_words(row: Mapping) -> str:
    """Say how a fault ended in a mode: "noticed, first step", "silent", "makes no sense here"."""
    if row["status"] == "not_applicable":
        return "makes no sense here"
    if row["status"] != "ran":
        return "failed to run"
    told = row["noticed"] in fault_summary.NOTICED
    return f"{row['noticed']}, {row['stage']}" if told else str(row["noticed"])


def _share(faults: int, n: int) -> dict:
    low, high = wilson(faults, n)
    return {"faults": faults, "n": n, "share": faults / n if n else math.nan, "low": float(low), "high": float(high)}


def _stages(rows: list[Mapping]) -> list[dict]:
    stages = [row["stage"] if row["noticed"] in fault_summary.NOTICED else "never" for row in rows]
    return [{"stage": stage} | _share(stages.count(stage), len(rows)) for stage in STAGES]


def _says(rows: list[Mapping]) -> list[dict]:
    """Of the faults that were noticed or warned of and where the question makes sense: what the message says."""
    told = [row for row in rows if row["noticed"] in fault_summary.NOTICED]
    found = []
    for column, words in SAYS.items():
        asked = [row[column] for row in told if row[column] in ("yes", "no")]
        if asked:
            found.append({"says": words} | _share(asked.count("yes"), len(asked)))
    return found


def _numbers(rows: list[Mapping], rng: np.random.Generator) -> list[dict]:
    told = [row for row in rows if row["noticed"] in fault_summary.NOTICED]
    found = []
    for column, words in NUMBERS.items():
        values = [float(row[column]) for row in told if row[column] is not None]
        if values:
            median, low, high = _median(values, rng)
            found.append({"what": words, "median": median, "low": low, "high": high, "n": len(values)})
    return found


def _tools(rows: list[Mapping]) -> list[dict]:
    """Of the silent faults that were run again with the framework's own tools on: how many those notice."""
    tried = [row["noticed_by_tools"] for row in rows if row["noticed"] == "silent" and row["noticed_by_tools"]]
    if not tried:
        return []
    counts = {word: tried.count(word) for word in (*FOUND_BY_TOOLS, "silent", "unusable")}
    share = _share(sum(counts[word] for word in FOUND_BY_TOOLS), len(tried))
    return [counts | {key: share[key] for key in ("n", "share", "low", "high")}]


# -- first contact
def _contact(one: Measured, rows: dict[str, list[dict]]) -> None:
    for row in one.contact:
        kept = {key: value for key, value in row.items() if key in COLUMNS["usability_contact"]}
        rows["usability_contact"].append(kept | {"subject_title": _subject(row)})


def _subject(row: Mapping) -> str:
    words = {"torch": "PyTorch (torch)", "pytorch": "PyTorch (torch)", "tensorflow": "TensorFlow", "keras": "Keras"}
    return words.get(row["subject"], row["subject"])
