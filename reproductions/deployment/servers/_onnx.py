"""An ONNX file outside the survey's own environment: found, described, loaded. Needs onnxruntime and NumPy alone."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job

#: Names of element types: NumPy's to the inference protocol's, ONNX Runtime's to NumPy's.
PROTOCOL = {"float32": "FP32", "int32": "INT32", "int64": "INT64"}
TYPES = {"tensor(float)": "float32", "tensor(int32)": "int32", "tensor(int64)": "int64"}


def file(job: Job) -> Path:
    """Return the exported file; raises FileNotFoundError unless there is exactly one."""
    found = sorted(Path(job.artefact).rglob("*.onnx"))
    if len(found) != 1:
        raise FileNotFoundError(f"{job.artefact}: {len(found)} files *.onnx, expected one")
    return found[0]


def session(job: Job):
    """Return an inference session with the job's threads."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = job.threads, 1
    return onnxruntime.InferenceSession(str(file(job)), options, providers=["CPUExecutionProvider"])


@functools.lru_cache(maxsize=8)
def described(path: str) -> tuple[str, str]:
    """Return name and NumPy type of the model's input."""
    import onnxruntime

    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0]
    return found.name, TYPES[found.type]


def body(batch: np.ndarray, name: str) -> dict:
    """Return a request of the open inference protocol (KServe version 2)."""
    floats = np.issubdtype(batch.dtype, np.floating)
    flat = [float(str(value)) for value in batch.ravel()] if floats else batch.ravel().tolist()
    tensor = {"name": name, "shape": list(batch.shape), "datatype": PROTOCOL[str(batch.dtype)], "data": flat}
    return {"inputs": [tensor]}


def logits(value: dict) -> np.ndarray:
    """Return logits (rows, classes) from an answer of the open inference protocol."""
    output = value["outputs"][0]
    return np.asarray(output["data"], np.float32).reshape(output["shape"])
