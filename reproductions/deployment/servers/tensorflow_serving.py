"""TensorFlow Serving itself: its own binary or its image; nothing stands in for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job, Server, _containers, plain

IMAGE = "tensorflow/serving"
SERVER = Server(
    id="tensorflow_serving",
    title="TensorFlow Serving",
    framework="tensorflow",
    runtime="tensorflow_serving",
    path="tf_saved_model",
    get=f"`docker pull {IMAGE}` with a running engine, or tensorflow_model_server from its makers' apt repository",
    start_s=180,
    tool="tensorflow_serving",
)


def missing() -> str | None:
    """Return why it cannot run here."""
    if shutil.which("tensorflow_model_server"):
        return None
    _, image, why = _containers.image(IMAGE)
    return None if image else f"no tensorflow_model_server, and {why}"


def prepare(job: Job) -> None:
    """Lay the SavedModel where its versions are looked for."""
    (model,) = sorted(Path(job.artefact).rglob("saved_model.pb"))
    shutil.copytree(model.parent, Path(job.scratch, "models", "classifier", "1"), dirs_exist_ok=True)


def command(job: Job) -> list[str]:
    """Return the command line of the binary, or of the container around it."""
    threads = [f"--tensorflow_{kind}_op_parallelism={job.threads}" for kind in ("intra", "inter")]
    models = f"{job.scratch}/models/classifier"
    if binary := shutil.which("tensorflow_model_server"):
        ports = [f"--rest_api_port={job.port}", f"--port={job.ports[1]}"]
        return [binary, *ports, "--model_name=classifier", f"--model_base_path={models}", *threads]
    program, image, _ = _containers.image(IMAGE)
    return [
        *(program, "run", "--rm", "--publish", f"127.0.0.1:{job.port}:8501"),
        *("--volume", f"{models}:/models/classifier:ro", "--env", "MODEL_NAME=classifier"),
        *(image, *threads),
    ]


def request(job: Job, row: np.ndarray) -> tuple[str, dict]:
    """Return route and body of its REST interface."""
    return "/v1/models/classifier:predict", {"instances": [plain(row)]}


def answer(job: Job, value: object) -> np.ndarray:
    """Return logits (1, classes)."""
    return np.asarray(value["predictions"], np.float32)
