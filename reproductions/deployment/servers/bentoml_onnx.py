"""BentoML before ONNX Runtime, with the model that PyTorch exported."""

from __future__ import annotations

import numpy as np

from reproductions.deployment.servers import Job, Server

SERVER = Server(
    id="bentoml_onnx",
    title="BentoML, ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    path="torch_onnx_dynamo",
    distributions=("bentoml", "onnxruntime"),
    get="pip install bentoml onnxruntime (extra deploy)",
    tool="bentoml",
)


def command(job: Job) -> list[str]:
    """Return the command line of BentoML's own server."""
    service = "reproductions.deployment.servers._bentoml:Classifier"
    return [job.python, "-m", "bentoml", "serve", service, "--host", "127.0.0.1", "--port", str(job.port)]


def environment(job: Job) -> dict[str, str]:
    """Return where the service finds its job; BentoML keeps its files in the scratch folder and tells nobody."""
    return {"SURVEY_JOB": str(job.save()), "BENTOML_HOME": f"{job.scratch}/home", "BENTOML_DO_NOT_TRACK": "True"}


def answer(job: Job, value: object) -> np.ndarray:
    """Return logits (1, classes): the array is the whole answer."""
    return np.asarray(value, np.float32)
