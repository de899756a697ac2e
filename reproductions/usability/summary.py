"""Medians over tasks of how the programs compare, with intervals. There is no score over several metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from reproductions.usability.programs import rounded

TABLE = "usability_summary.csv"
COLUMNS = ("machine", "size", "pair", "metric", "statistic", "value", "low", "high", "tasks", "note")
PAIRS = (("pytorch", "keras"), ("pytorch", "tensorflow"))
RATIOS = (
    "logical_lines",
    "tokens",
    "halstead_volume",
    "cyclomatic_complexity",
    "framework_names",
    "wall_s",
    "cpu_s",
    "import_wall_s",
    "import_cpu_s",
    "main_wall_s",
    "main_cpu_s",
    "peak_mib",
)
#: Counts that are often zero, so that a ratio would be undefined.
DIFFERENCES = ("framework_only_lines", "warnings", "warnings_shown", "deprecations", "log_lines")
RESAMPLES = 10_000
FEWEST = 5


def summarise(rows: Iterable[Mapping], seed: int = 1) -> list[dict]:
    """Return the median over tasks of each metric, the first program of a pair against the second.

    rows     of the table of the programs, values as numbers or text; tasks whose programs disagree are left out
    returns  ratios (first / second) or differences (first - second) with a 95 % interval: a percentile bootstrap over
             tasks, none below five tasks
    """
    rows = list(rows)
    found = []
    for card, size in sorted({(row["machine"], row["size"]) for row in rows}):
        chosen = [row for row in rows if (row["machine"], row["size"]) == (card, size)]
        rng = np.random.default_rng(seed)
        for pair in PAIRS:
            for metric in (*RATIOS, *DIFFERENCES):
                values = list(by_task(chosen, pair, metric).values())
                if values:
                    common = {"machine": card, "size": size, "pair": "/".join(pair), "metric": metric}
                    found.append(common | _median(values, metric, rng))
    return found


def by_task(rows: Iterable[Mapping], pair: tuple[str, str], metric: str) -> dict[str, float]:
    """Return ``{task: ratio or difference}`` of one pair, over the tasks whose programs agree and have the value."""
    by = {
        (row["task"], row["program"]): float(row["value"]) for row in rows if row["metric"] == metric and _counts(row)
    }
    agreeing = {(row["task"], row["program"]) for row in rows if row["metric"] == "distance" and row["status"] == "ok"}
    sides = {
        task: (by[task, pair[0]], by[task, pair[1]])
        for task in dict.fromkeys(row["task"] for row in rows)
        if all((task, side) in agreeing & set(by) for side in pair)
    }
    if metric in DIFFERENCES:
        return {task: first - second for task, (first, second) in sides.items()}
    return {task: first / second for task, (first, second) in sides.items() if second}


def _counts(row: Mapping) -> bool:
    return row["status"] == "ok" and row["value"] not in ("", None)


def _median(values: list[float], metric: str, rng: np.random.Generator) -> dict:
    array = np.asarray(values)
    row = {
        "statistic": "median difference" if metric in DIFFERENCES else "median ratio",
        "value": rounded(np.median(array)),
        "tasks": len(array),
    }
    if len(array) < FEWEST:
        return row | {"note": f"no interval below {FEWEST} tasks"}
    drawn = np.median(rng.choice(array, (RESAMPLES, len(array))), axis=1)
    low, high = np.percentile(drawn, (2.5, 97.5))
    return row | {"low": rounded(low), "high": rounded(high)}
