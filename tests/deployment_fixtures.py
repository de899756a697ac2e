"""Made-up results in the shape of data/measurements/<machine>/deployment, for tests that run no framework.

The paths, the servers and the failures that are expected are the registries' own; the numbers are invented.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from reproductions.deployment import runner, servers, serving, spec
from reproductions.files import write_csv, write_json
from tests.measured_fixtures import CARD

HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>"
#: Machines that have landed something, by id.
MACHINES = ("example-cpu-2c-abc123", "other-cpu-8c-def456")
DAY = "2026-11-26"
THREADS = (1, 2)
RESTARTS = {1: 3, 2: 2}
ROUNDS = 4
#: Milliseconds of one row through each runtime; everything else takes the last.
BASE = {"torch": 0.6, "tensorflow": 5.0, "onnxruntime": 0.15, "litert": 0.13, "openvino": 0.3, "": 0.9}
#: How much slower TensorFlow's models are through the same runtime.
TENSORFLOW = 1.04
#: Paths that end in another way than their registry entry says, with the model.
ENDS = {
    ("torch_aotinductor", "bert_encoder"): ("timeout", "export", "no artefact in 300 s"),
    ("tf_litert_int8", "bert_encoder"): ("wrong", "numbers", "accuracy falls by 7.1 points, more than 2"),
    ("keras_torch_openvino", "cnn_mnist"): ("failed", "export", f"ValueError: {HOSTILE}"),
    ("torch_onnx_int8_dynamic", "cnn_mnist"): ("oom", "run", "killed at 4,096 MiB"),
    ("executorch_xnnpack_int8", "bert_encoder"): ("unsupported", "export", "no int8 of this operator in 1.5.1"),
}
#: A path that was expected to fail and did not.
SURPRISE = ("keras_torch_saved_model", "cnn_mnist")
REJECTED_FROM = 400.0


def write_deployment(folder: Path, machines: tuple[str, ...] = MACHINES, few: tuple[str, ...] = ()) -> Path:
    """Write what machines would have left below ``folder``; return it.

    few  ids of the paths that every machine but the first has tried; empty: all of them
    """
    for number, name in enumerate(machines):
        rng = np.random.default_rng(number)
        chosen = [path for path in spec.discover().values() if number == 0 or not few or path.id in few]
        own = folder / name / "deployment"
        rows = matrix_rows(name, chosen, rng)
        write_csv(own / runner.TABLE, runner.COLUMNS, rows)
        write_csv(own / runner.ROUNDS, runner.ROUND_COLUMNS, round_rows(rows, rng))
        if number == 0:
            write_csv(own / serving.TABLE, serving.COLUMNS, serving_rows(name, rng))
        write_json(own / runner.ENVIRONMENT, about(name))
        write_json(folder / name / "machine.json", CARD | {"machine": name})
    return folder


def about(machine: str) -> dict:
    """Return environment.json."""
    recipe = {"name": "full", "preset": "quick", "epochs": {}, "examples": 0, "tests": 0, "calibration": 256}
    settings = {"threads": list(THREADS), "restarts": {str(t): RESTARTS[t] for t in THREADS}, "rounds": ROUNDS}
    return {
        **{"machine": machine, "date": DAY, "python": "3.11.7", "profile": "as_shipped", "pressure_s": 1.5},
        "versions": {"torch": "2.13.0", "onnxruntime": "1.31.1"},
        "packages": ["torch==2.13.0", "onnxruntime==1.31.1"],
        "settings": {**settings, "seconds": 0.2, "models": list(spec.MODELS), "recipe": recipe},
        "environments": {"web": {"mib": 1084, "seconds": 28.0, "packages": []}},
    }


def end(path: spec.Path, model: str) -> tuple[str, str, str, str]:
    """Return status, stage, note and report of a path with a model."""
    if (path.id, model) in ENDS:
        return *ENDS[path.id, model], ""
    if path.extra and path.extra != "web":
        return "skipped", "install", f"missing: the environment {path.extra} (get it: --extra {path.extra})", ""
    if (path.id, model) == SURPRISE or model not in path.expected:
        note = "expected to fail at export, did not" if (path.id, model) == SURPRISE else ""
        return "ok", "measure", note, ""
    known = path.expected[model]
    return "expected_failure", known.stage, f"{known.reason} (RuntimeError: seen again)", known.report


def matrix_rows(machine: str, paths: list[spec.Path], rng: np.random.Generator) -> list[dict]:
    """Return a row a path, model and number of threads."""
    return [
        _matrix_row(machine, path, model, threads, rng)
        for model in spec.MODELS
        for path in paths
        if model in path.models
        for threads in THREADS
    ]


def _matrix_row(machine: str, path: spec.Path, model: str, threads: int, rng: np.random.Generator) -> dict:
    status, stage, note, report = end(path, model)
    row = {
        **{"machine": machine, "path": path.id, "framework": path.framework, "runtime": path.runtime, "model": model},
        **{"data": spec.MODELS[model], "threads": threads, "status": status, "stage": stage, "note": note},
        **{"report_url": report, "quantized": _word(path.quantized), "environment": path.extra or "core", "date": DAY},
        "installs": _word(stage != "install"),
    }
    if stage == "install":
        return row
    row |= {"exports": _word(stage != "export"), "install_bytes": 900_000_000, "versions": "torch 2.13.0"}
    if stage == "export":
        return row
    row |= {"export_s": 2.5, "artefact_bytes": int(rng.integers(3e5, 4e6)), "import_ms": 800.0}
    row["runs"] = _word(stage not in ("load", "run"))
    if stage in ("load", "run"):
        return row
    source = 0.96 if model == "cnn_mnist" else 0.93
    lost = 0.071 if status == "wrong" else 0.002 if path.quantized else 0.0
    row |= {
        **{"load_ms": 12.0, "first_answer_ms": 30.0, "peak_memory_mib": 420.0, "test_rows": 1000},
        **{"max_logit_difference": 0.3 if path.quantized else 2.9e-6, "argmax_agreement": 1 - lost},
        **{"accuracy": source - lost, "accuracy_source": source, "accuracy_change": -lost},
        **{"accuracy_change_low": -lost - 0.004, "accuracy_change_high": -lost + 0.004},
    }
    if status != "ok":
        return row
    p50 = milliseconds(path, model, 1) / threads**0.3
    rate = 32e3 / milliseconds(path, model, 32) * threads**0.6
    return row | {
        **{"latency_p50_ms": p50, "latency_p50_low_ms": 0.97 * p50, "latency_p50_high_ms": 1.04 * p50},
        **{"latency_p95_ms": 1.3 * p50, "latency_p99_ms": "" if p50 > 3 else 1.9 * p50},
        **{"throughput_b32_per_s": rate, "throughput_b32_low": 0.96 * rate, "throughput_b32_high": 1.03 * rate},
        **{"dynamic_batch": _word(path.runtime not in ("executorch", "litert")), "clock": clock(path, threads)},
        **{"rounds": RESTARTS[threads] * ROUNDS, "restarts": RESTARTS[threads], "flags": "contention 1/24"},
    }


def milliseconds(path: spec.Path, model: str, batch: int) -> float:
    """Return the milliseconds of a call on one thread."""
    base = BASE.get(path.runtime, BASE[""]) * (1.6 if model == "bert_encoder" else 1) * batch**0.8
    eager = 3.0 if path.id in ("keras_eager", "torch_eager") else 1.0
    return base * eager * (TENSORFLOW if path.framework == "tensorflow" else 1) * (0.8 if path.quantized else 1)


def clock(path: spec.Path, threads: int) -> str:
    """Return the clock of a path's rounds."""
    return "cpu" if threads == 1 and path.in_process else "wall"


def round_rows(matrix: list[dict], rng: np.random.Generator) -> list[dict]:
    """Return the blocks of every path that is ok; disturbances of a round meet all of its paths alike."""
    known = spec.discover()
    shared = rng.normal(0, 0.05, (max(RESTARTS.values()), ROUNDS))
    rows = []
    for row in matrix:
        if row["status"] != "ok":
            continue
        for batch in spec.BATCHES:
            for restart in range(RESTARTS[row["threads"]]):
                for number in range(ROUNDS):
                    noise = np.exp(shared[restart, number] + rng.normal(0, 0.004))
                    ms = milliseconds(known[row["path"]], row["model"], batch) * noise
                    place = {name: row[name] for name in ("machine", "path", "model", "threads")}
                    place |= {"batch_size": batch, "restart": restart, "round": number}
                    rows.append(place | {"clock_ms": round(ms, 6), "wall_ms": round(1.02 * ms, 6)})
    return rows


def serving_rows(machine: str, rng: np.random.Generator) -> list[dict]:
    """Return rows of load up to saturation; servers that need an engine or an environment are skipped, one fails."""
    rows = []
    for module in servers.discover().values():
        server = module.SERVER
        for model in spec.MODELS:
            common = {
                **{"machine": machine, "server": server.id, "framework": server.framework, "runtime": server.runtime},
                **{"model": model, "threads": 1, "date": DAY, "report_url": ""},
            }
            if server.extra or server.commands or hasattr(module, "missing"):
                note = f"missing: it (get it: {server.get})"
                rows.append(common | {"status": "skipped", "stage": "install", "note": note})
            elif server.id == "ray_serve_onnx" and model == "bert_encoder":
                rows.append(common | {"status": "failed", "stage": "start", "note": HOSTILE})
            else:
                rows += [common | row for row in _load(float(rng.uniform(3, 9)))]
    return rows


def _load(service_ms: float) -> list[dict]:
    found = []
    for rate in (25.0, 50.0, 100.0, 200.0, 400.0):
        over = rate >= REJECTED_FROM
        p50 = service_ms * (1 + rate / 300)
        sent, lost = int(3 * rate), int(1.2 * rate) if over else 0
        found.append(
            {
                **{"rate_per_s": rate, "sent": sent, "answered": sent - lost, "errors": lost, "rejected": 0},
                **{"duration_s": 6.0, "achieved_per_s": 0.6 * rate if over else rate, "restarts": 2},
                **{"latency_p50_ms": p50, "latency_p50_low_ms": 0.9 * p50, "latency_p50_high_ms": 1.2 * p50},
                **{"latency_p95_ms": "" if over else 2 * p50, "latency_p99_ms": "" if over else 3 * p50},
                **{"latency_p99_low_ms": "" if over else 2.5 * p50, "latency_p99_high_ms": "" if over else 3.5 * p50},
                **{"send_lag_p99_ms": 0.4, "saturated": _word(over), "status": "ok", "stage": "load"},
                **{"note": "240 unanswered within the limit" if over else "", "start_s": 4.2},
                "versions": "litserve 0.2.19; torch 2.13.0",
            }
        )
    return found


def _word(value: bool) -> str:
    return "true" if value else "false"
