"""TorchServe, archived by its makers in 2025, with a TorchScript file in its archive format."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job, Server, plain

SERVER = Server(
    id="torchserve",
    title="TorchServe",
    framework="pytorch",
    runtime="torchscript",
    path="torchscript_trace",
    distributions=("torchserve", "torch-model-archiver", "torch"),
    commands=("java",),
    extra="torchserve",
    get="its own environment and Java 11 or newer: --extra torchserve",
    start_s=180,
    tool="torchserve",
)
HANDLER = Path(__file__).with_name("_torchserve_handler.py")


def prepare(job: Job) -> None:
    """Write the archive and the settings."""
    (model,) = sorted(Path(job.artefact).rglob("*.pt"))
    store = Path(job.scratch, "store")
    store.mkdir(parents=True, exist_ok=True)
    archiver = Path(job.python).with_name("torch-model-archiver")
    options = {
        "--model-name": "classifier",
        "--version": "1.0",
        "--serialized-file": str(model),
        "--handler": str(HANDLER),
        "--export-path": str(store),
    }
    command = [str(archiver), "--force", *(part for pair in options.items() for part in pair)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    inference, management, metrics, grpc, grpc_management = job.ports[:5]
    lines = [
        f"inference_address=http://127.0.0.1:{inference}",
        f"management_address=http://127.0.0.1:{management}",
        f"metrics_address=http://127.0.0.1:{metrics}",
        "grpc_inference_address=127.0.0.1",
        "grpc_management_address=127.0.0.1",
        f"grpc_inference_port={grpc}",
        f"grpc_management_port={grpc_management}",
        "default_workers_per_model=1",
        "disable_token_authorization=true",
        "number_of_gpu=0",
    ]
    Path(job.scratch, "config.properties").write_text("\n".join(lines) + "\n", encoding="utf-8")


def command(job: Job) -> list[str]:
    """Return the command line of its launcher, which stays in the foreground."""
    return [
        str(Path(job.python).with_name("torchserve")),
        "--start",
        "--foreground",
        "--ncs",
        "--disable-token-auth",
        "--model-store",
        f"{job.scratch}/store",
        "--models",
        "classifier=classifier.mar",
        "--ts-config",
        f"{job.scratch}/config.properties",
    ]


def environment(job: Job) -> dict[str, str]:
    """Return what makes its Java side start the right Python and keep its files together."""
    path = f"{Path(job.python).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {"PATH": path, "TEMP": job.scratch, "LOG_LOCATION": job.scratch, "METRICS_LOCATION": job.scratch}


def request(job: Job, row: np.ndarray) -> tuple[str, dict]:
    """Return route and body."""
    return "/predictions/classifier", {"inputs": [plain(row)]}
