"""From measured rows to the tables of the page: ratios with intervals, cells, parity, accuracy, machine.

The estimator of a ratio is the median of paired block ratios: within one round, PyTorch's and TensorFlow's blocks of
the same phase ran right after one another, so what disturbed one disturbed the other. The interval is a percentile
bootstrap in two stages: restarts of the processes are drawn first, then rounds inside each. Above 1, PyTorch is
faster.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.intervals import wilson
from analysis.style import interval_words
from reproductions.spec import MODES, Workload

REPLICATES = 2000
#: A bootstrap over fewer restarts than this would pretend to know how restarts differ.
MIN_RESTARTS = 2
BUSY = 0.10  # share of a block in which some process waited for a CPU


def summarise(results: Path, workloads: Mapping[str, Workload], references_csv: Path) -> dict[str, pd.DataFrame]:
    """Return the tables ``{name: DataFrame}`` made from what the reproductions left in ``results``.

    results         holds ``measurements/<id>.csv``, ``parity/<id>.json``, ``accuracy/<id>.csv``, ``datasets/<id>.json``
                    and ``machine.json``
    workloads       the registry, for titles
    references_csv  published accuracies, ``data/reference_accuracies.csv``
    """
    rows = pd.concat(
        [
            pd.read_csv(results / "measurements" / f"{name}.csv", keep_default_na=False, na_values=[""])
            for name in workloads
        ],
        ignore_index=True,
    )
    provenance = {
        name: json.loads(path.read_text(encoding="utf-8"))
        for name in workloads
        for path in [results / "datasets" / f"{name}.json"]
    }
    return {
        "performance_ratios": ratios(rows, workloads),
        "performance_cells": cells(rows, workloads),
        "parity": parity(results, rows, workloads),
        "accuracy": accuracy([results / "accuracy" / f"{name}.csv" for name in workloads], references_csv),
        "datasets": datasets(provenance),
        "machine": machine(json.loads((results / "machine.json").read_text(encoding="utf-8")), rows),
    }


def write(tables: Mapping[str, pd.DataFrame], out: Path) -> None:
    """Write each table as CSV, atomically, floats with six significant digits."""
    from reproductions.files import write_text

    for name, table in tables.items():
        write_text(out / f"{name}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))


# -- ratios ------------------------------------------------------------------------------------------------------------
def ratios(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return one row a workload, phase, environment, pair of modes and clock; plan order, failures included."""
    found = []
    for workload in workloads.values():
        own = rows[rows["workload"] == workload.id]
        pairs = [
            (a, b)
            for a in workload.modes
            for b in workload.modes
            if (a.framework, b.framework) == ("pytorch", "tensorflow")
        ]
        for phase in workload.phases:
            for ours, theirs in pairs:
                for environment in pd.unique(own["environment"]):
                    chosen = own[own["environment"] == environment]
                    sides = [
                        chosen[(chosen["framework"] == cell.framework) & (chosen["mode"] == cell.mode)]
                        for cell in (ours, theirs)
                    ]
                    about = {
                        "workload": workload.id,
                        "workload_title": workload.title,
                        "phase": phase,
                        "batch_size": workload.batch_size[phase],
                        "environment": environment,
                        "pytorch_mode": ours.mode,
                        "tensorflow_mode": theirs.mode,
                    }
                    found += [about | _ratio(*sides, phase, metric) for metric in ("cpu", "wall")]
    table = pd.DataFrame(found)
    return _note_sides(table)


def _ratio(ours: pd.DataFrame, theirs: pd.DataFrame, phase: str, metric: str) -> dict:
    """Return what one pair of cells says about one phase by one clock."""
    keys = ["restart", "round", "session"]
    blocks = [
        side[(side["kind"] == "block") & (side["phase"] == phase) & (side["status"] == "ok")] for side in (ours, theirs)
    ]
    paired = blocks[0].merge(blocks[1], on=keys, suffixes=("_p", "_t"))
    value = paired[f"{metric}_ms_t"] / paired[f"{metric}_ms_p"]
    ratio, low, high = interval([group.to_numpy() for _, group in value.groupby(paired["restart"])])
    status, note = _worst_status(ours, theirs)
    checks = [_cell_parity(side, phase) for side in (ours, theirs)]
    notes = [note, *sorted(set(ours.loc[ours["kind"] == "memory", "note"].dropna()))]
    if len(paired) and np.median(np.r_[paired["pressure_p"].fillna(0), paired["pressure_t"].fillna(0)]) > BUSY:
        notes.append("the machine was busy with other work")
    restarts = paired["restart"].nunique()
    if status == "ok" and restarts < MIN_RESTARTS:
        notes.append(f"no interval: {restarts} restart")
    rows = pd.concat([ours, theirs])
    device = "GPU" if rows["device"].dropna().str.startswith("GPU").any() else "CPU"
    threads = int(rows["threads"].max())
    return {
        "metric": metric,
        "primary": metric == ("cpu" if device == "CPU" and threads == 1 else "wall"),
        "ratio": ratio,
        "low": low,
        "high": high,
        "pairs": len(paired),
        "restarts": restarts,
        "wording": interval_words(ratio, low, high) if not np.isnan(low) else "direction not settled",
        "parity": "pass" if checks == ["pass", "pass"] else "fail" if "fail" in checks else "untested",
        "status": status,
        "note": "; ".join(part for part in notes if part),
        "machine": rows["machine"].iloc[0],
        "date": rows["date"].max(),
        "device": device,
        "threads": threads,
    }


def interval(restarts: Sequence[np.ndarray], level: float = 0.95, seed: int = 0) -> tuple[float, float, float]:
    """Return (median, low, high) of paired ratios, one array a restart, by a two-stage percentile bootstrap.

    Low and high are NaN below ``MIN_RESTARTS``. Davison and Hinkley 1997, section 3.8 (hierarchical data).
    """
    restarts = [values for values in restarts if len(values)]
    if not restarts:
        return np.nan, np.nan, np.nan
    centre = float(np.median(np.concatenate(restarts)))
    if len(restarts) < MIN_RESTARTS:
        return centre, np.nan, np.nan
    lengths = np.array([len(restart) for restart in restarts])
    table = np.full((len(restarts), lengths.max()), np.nan)
    for row, restart in zip(table, restarts, strict=True):
        row[: len(restart)] = restart
    rng = np.random.default_rng(seed)
    drawn = rng.integers(len(restarts), size=(REPLICATES, len(restarts)))
    # Inside a drawn restart as many rounds are drawn as it holds; the places beyond that stay empty.
    place = rng.random((*drawn.shape, lengths.max()))
    taken = table[drawn[..., None], (place * lengths[drawn][..., None]).astype(int)]
    taken[np.arange(lengths.max()) >= lengths[drawn][..., None]] = np.nan
    medians = np.nanmedian(taken.reshape(REPLICATES, -1), axis=1)
    low, high = np.quantile(medians, [(1 - level) / 2, (1 + level) / 2])
    return centre, float(min(low, centre)), float(max(high, centre))


def coverage(restarts: int, spread: float, *, rounds: int = 6, repeats: int = 300, seed: int = 1) -> float:
    """Return the share of simulated measurements whose 95 % interval holds the true ratio of 1.

    spread  standard deviation between restarts, in units of the spread between blocks (Student's t, 4 degrees)
    """
    rng = np.random.default_rng(seed)
    held = 0
    for _ in range(repeats):
        logs = [0.05 * (spread * rng.normal() + rng.standard_t(4, rounds)) for _ in range(restarts)]
        _, low, high = interval([np.exp(values) for values in logs])
        held += low <= 1 <= high
    return held / repeats


def _worst_status(*sides: pd.DataFrame) -> tuple[str, str]:
    for side in sides:
        bad = side[side["status"] != "ok"]
        if len(bad):
            return bad["status"].iloc[0], str(bad["note"].iloc[0])
    return ("ok", "") if all(len(side) for side in sides) else ("untested", "not in this run's plan")


def _cell_parity(side: pd.DataFrame, phase: str) -> str:
    checked = side.loc[(side["kind"] == "parity") & (side["phase"] == phase), "parity"]
    return "untested" if checked.empty else "fail" if (checked == "fail").any() else checked.iloc[0]


def _note_sides(table: pd.DataFrame) -> pd.DataFrame:
    """Say in the note where a settled ratio changes side between the environment profiles."""
    if table.empty:
        return table
    side = np.select([table["low"] > 1, table["high"] < 1], [1, -1], 0)
    keys = ["workload", "phase", "pytorch_mode", "tensorflow_mode", "metric"]
    spread = table.assign(side=side).groupby(keys)["side"].transform(lambda values: {1, -1} <= set(values))
    text = "changes side between the environment profiles"
    table.loc[spread, "note"] = table.loc[spread, "note"].map(lambda note: f"{note}; {text}" if note else text)
    return table


# -- cells -------------------------------------------------------------------------------------------------------------
def cells(rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return one row a workload, phase, environment, framework and mode."""
    found = []
    for workload in workloads.values():
        own = rows[rows["workload"] == workload.id]
        for phase in workload.phases:
            for environment in pd.unique(own["environment"]):
                for cell in workload.modes:
                    chosen = own[
                        (own["environment"] == environment)
                        & (own["framework"] == cell.framework)
                        & (own["mode"] == cell.mode)
                    ]
                    found.append(_cell(chosen, workload, phase, environment, cell))
    return pd.DataFrame(found)


def _cell(rows: pd.DataFrame, workload: Workload, phase: str, environment: str, cell) -> dict:
    blocks = rows[(rows["kind"] == "block") & (rows["phase"] == phase)]
    firsts = rows[(rows["kind"] == "first") & (rows["phase"] == phase)]
    compared = rows[(rows["kind"] == "parity") & (rows["phase"] == phase)]
    memory = rows[rows["kind"] == "memory"]
    cold, warm = firsts[firsts["cold"] == 1], firsts[firsts["cold"] != 1]
    step = blocks["wall_ms"].quantile([0.1, 0.5, 0.9]).to_numpy() if len(blocks) else np.full(3, np.nan)
    status, note = _worst_status(rows)
    notes = [note, *sorted(set(memory["note"].dropna()))]
    return {
        "workload": workload.id,
        "workload_title": workload.title,
        "phase": phase,
        "batch_size": workload.batch_size[phase],
        "environment": environment,
        "framework": cell.framework,
        "mode": cell.mode,
        "version": _only(rows["version"]),
        "device": _only(rows["device"]),
        "threads": _only(rows["threads"]),
        "first_step_s": warm["wall_ms"].median() / 1e3,
        "first_step_cpu_s": (warm["cpu_ms"] + warm["children_cpu_ms"]).median() / 1e3,
        "cold_first_step_s": cold["wall_ms"].median() / 1e3,
        "step_ms_p10": step[0],
        "step_ms_p50": step[1],
        "step_ms_p90": step[2],
        "cpu_ms_p50": blocks["cpu_ms"].median(),
        "examples_per_s": workload.batch_size[phase] / step[1] * 1e3,
        "faults_per_step": blocks["minor_faults"].median(),
        "peak_host_mib": memory["peak_host_mib"].max(),
        "peak_device_mib": memory["peak_device_mib"].max(),
        "cpu_pressure_percent": 100 * blocks["pressure"].median(),
        "compiled_graphs": memory["compiled_graphs"].max(),
        "blocks": len(blocks),
        "restarts": blocks["restart"].nunique(),
        "parity": _cell_parity(rows, phase),
        "parity_difference": compared["difference"].max(),
        "parity_tolerance": compared["tolerance"].max(),
        "status": status,
        "note": "; ".join(part for part in notes if part),
    }


def _only(values: pd.Series) -> object:
    found = values.dropna().unique()
    return found[0] if len(found) == 1 else ", ".join(map(str, found)) if len(found) else np.nan


# -- the other tables --------------------------------------------------------------------------------------------------
_CHECKED = {"infer": "logits", "train": "logits and 20 losses"}


def parity(results: Path, rows: pd.DataFrame, workloads: Mapping[str, Workload]) -> pd.DataFrame:
    """Return the rungs of the eager pair and, for every measured cell, the check of its own mode."""
    found = []
    for name in workloads:
        found += json.loads((results / "parity" / f"{name}.json").read_text(encoding="utf-8"))["rows"]
        own = rows[(rows["workload"] == name) & (rows["kind"] == "parity")]
        found += [
            {
                "workload": name,
                "level": "L1" if row.phase == "infer" else "L1, L3",
                "pair": f"pytorch-eager / {row.framework}-{row.mode}",
                "what": f"{_CHECKED[row.phase]} as measured, {row.environment}",
                "largest_difference": row.difference,
                "tolerance": row.tolerance,
                "status": row.parity,
                "note": row.note,
            }
            for row in own.itertuples()
        ]
    return pd.DataFrame(found)


def accuracy(paths: Iterable[Path], references_csv: Path) -> pd.DataFrame:
    """Return accuracy with Wilson intervals; seeds of one side share the test set, so n stays the size of that set.

    A side's accuracy is the mean over its seeds; its interval is Wilson's for that mean and the number of examples.
    """
    raw = pd.concat([pd.read_csv(path) for path in paths], ignore_index=True)
    found = []
    for (workload, dataset, who, kind), own in raw.groupby(["workload", "dataset", "who", "kind"], sort=False):
        done = own[own["status"] == "ok"]
        row = {
            "workload": workload,
            "dataset": dataset,
            "who": who,
            "kind": kind,
            "seeds": len(done),
            "epochs": own["epochs"].iloc[0],
            "status": "ok" if len(done) == len(own) else own["status"].iloc[-1],
            "note": "; ".join(own["note"].dropna().astype(str)),
            "source": "this machine",
        }
        if len(done):
            n, correct = int(done["n_test"].iloc[0]), float(done["correct"].mean())
            low, high = wilson(correct, n)
            row |= {
                "accuracy": correct / n,
                "low": float(low),
                "high": float(high),
                "n_test": n,
                "n_train": int(done["n_train"].iloc[0]),
                "macro_f1": done["macro_f1"].mean(),
                "lowest_seed": (done["correct"] / n).min(),
                "highest_seed": (done["correct"] / n).max(),
            }
        found.append(row)
    published = pd.read_csv(references_csv)
    used = {row["dataset"]: row["workload"] for row in found}
    for row in published[published["dataset"].isin(list(used))].itertuples():
        found.append(
            {
                "workload": used[row.dataset],
                "dataset": row.dataset,
                "who": row.who,
                "kind": "published",
                "accuracy": row.accuracy,
                "macro_f1": row.macro_f1,
                "status": "ok",
                "note": f"evidence: {row.evidence}; no interval: the publication states none used here",
                "source": f"{row.source}, {row.url}",
            }
        )
    order = {name: place for place, name in enumerate(dict.fromkeys(raw["workload"]))}
    columns = [
        "workload",
        "dataset",
        "who",
        "kind",
        "accuracy",
        "low",
        "high",
        "macro_f1",
        "n_test",
        "n_train",
        "seeds",
        "epochs",
        "lowest_seed",
        "highest_seed",
        "status",
        "note",
        "source",
    ]
    table = pd.DataFrame(found).reindex(columns=columns)
    return table.sort_values("workload", key=lambda values: values.map(order), kind="stable", ignore_index=True)


def datasets(provenance: Mapping[str, Mapping]) -> pd.DataFrame:
    """Return what each workload was run on and who served it."""
    return pd.DataFrame(
        [
            {
                "workload": workload,
                "dataset": entry["dataset"],
                "title": entry["title"],
                "licence": entry["licence"],
                "served_by": entry["served_by"],
                "fetched": entry["fetched"],
                "sha256": entry["arrays_sha256"],
                "examples": f"{entry['examples']['train']:,} training, {entry['examples']['test']:,} test",
                "split": entry["split"],
                "citation": entry["citation"],
            }
            for workload, entry in provenance.items()
        ]
    )


def machine(card: Mapping[str, object], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the machine card with the versions and settings that the workers themselves reported."""
    items = {"name": card["machine"], "devices used": ", ".join(sorted(rows["device"].dropna().unique()))}
    for framework in MODES:
        items[f"{framework} version"] = _only(rows.loc[rows["framework"] == framework, "version"])
    items |= {
        "threads a process": _only(rows["threads"]),
        "precision": _only(rows["precision"]),
        "measured": f"{rows['date'].min()} to {rows['date'].max()}",
        "preset": _only(rows["preset"]),
    }
    items |= {key.replace("_", " "): _plain(value) for key, value in card.items() if key != "machine"}
    return pd.DataFrame({"item": list(items), "value": [str(value) for value in items.values()]})


def _plain(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(_plain(part) for part in value) or "none seen"
    if isinstance(value, Mapping):
        return ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not told by the system" if value is None else str(value)
