"""An ONNX file outside the survey's own environment: found, described, loaded. Needs onnxruntime and NumPy alone."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job

#: Names of element types: ONNX Runtime's, the inference protocol's, NumPy's.
TYPES = {
    "tensor(float)": ("FP32", "float32"),
    "tensor(int32)": ("INT32", "int32"),
    "tensor(int64)": ("INT64", "int64"),
}


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
def described(path: str) -> tuple[str, str, bool]:
    """Return name and type of the model's input, and whether it takes channels first."""
    import onnxruntime

    found = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]).get_inputs()[0]
    return found.name, found.type, channels_first(found.shape)


def channels_first(shape: list) -> bool:
    """Return whether an input of this shape is an image as PyTorch lays it out."""
    return len(shape) == 4 and shape[1] in (1, 3)


def laid_out(batch: np.ndarray, kind: str, first: bool) -> np.ndarray:
    """Return images (rows, height, width, channels) or tokens as the model takes them."""
    batch = batch.transpose(0, 3, 1, 2) if first else batch
    return np.ascontiguousarray(batch, TYPES[kind][1])


def body(batch: np.ndarray, name: str, kind: str) -> dict:
    """Return a request of the open inference protocol (KServe version 2) for a batch that is laid out."""
    flat = [float(str(value)) for value in batch.ravel()] if kind == "tensor(float)" else batch.ravel().tolist()
    tensor = {"name": name, "shape": list(batch.shape), "datatype": TYPES[kind][0], "data": flat}
    return {"inputs": [tensor]}


def logits(value: dict) -> np.ndarray:
    """Return logits (rows, classes) from an answer of the open inference protocol."""
    output = value["outputs"][0]
    return np.asarray(output["data"], np.float32).reshape(output["shape"])
