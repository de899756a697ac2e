"""Triton Inference Server itself with its ONNX Runtime backend: its own binary or its image."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job, Server, _containers, _onnx

IMAGE = "tritonserver"
SERVER = Server(
    id="triton_onnx",
    title="Triton, ONNX Runtime backend",
    framework="pytorch",
    runtime="onnxruntime",
    path="torch_onnx_dynamo",
    get="NVIDIA's image tritonserver, pulled with a running container engine (about 15 GB)",
    start_s=180,
    tool="triton",
)
#: Inputs and outputs are taken from the file; what is set is the number of threads.
CONFIGURATION = """\
backend: "onnxruntime"
max_batch_size: 0
parameters {{ key: "intra_op_thread_count" value: {{ string_value: "{threads}" }} }}
"""


def missing() -> str | None:
    """Return why it cannot run here."""
    if shutil.which("tritonserver"):
        return None
    _, image, why = _containers.image(IMAGE)
    return None if image else f"no tritonserver, and {why}"


def prepare(job: Job) -> None:
    """Write its model repository."""
    model = _onnx.file(job)
    folder = Path(job.scratch, "repository", "classifier")
    (folder / "1").mkdir(parents=True, exist_ok=True)
    shutil.copy(model, folder / "1" / "model.onnx")
    # Weights beside the file are found by the name that the file holds.
    for beside in model.parent.glob(f"{model.name}.data"):
        shutil.copy(beside, folder / "1" / beside.name)
    (folder / "config.pbtxt").write_text(CONFIGURATION.format(threads=job.threads), encoding="utf-8")


def command(job: Job) -> list[str]:
    """Return the command line of the binary, or of the container around it."""
    repository = f"{job.scratch}/repository"
    if binary := shutil.which("tritonserver"):
        http, grpc, metrics = job.ports[:3]
        ports = [f"--http-port={http}", f"--grpc-port={grpc}", f"--metrics-port={metrics}"]
        return [binary, f"--model-repository={repository}", "--http-address=127.0.0.1", *ports]
    program, image, _ = _containers.image(IMAGE)
    return [
        *(program, "run", "--rm", "--publish", f"127.0.0.1:{job.port}:8000"),
        *("--volume", f"{repository}:/models:ro", image, "tritonserver", "--model-repository=/models"),
    ]


def request(job: Job, row: np.ndarray) -> tuple[str, dict]:
    """Return route and body in the open inference protocol."""
    name, kind = _onnx.described(str(_onnx.file(job)))
    return "/v2/models/classifier/infer", _onnx.body(row[np.newaxis].astype(kind), name)


def answer(job: Job, value: object) -> np.ndarray:
    """Return logits (1, classes)."""
    return _onnx.logits(value)
