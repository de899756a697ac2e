"""OpenVINO on the CPU."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from reproductions.deployment.paths._onnxruntime import exported_for
from reproductions.deployment.spec import Request

RUNTIME = ("openvino",)


def load(files: dict[int | None, pathlib.Path], request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of an IR file for any batch (key None), or of a file a batch size; computes in float32."""
    import openvino

    core = openvino.Core()
    settings = {
        "INFERENCE_NUM_THREADS": request.threads,
        "PERFORMANCE_HINT": "LATENCY",
        # On processors with bfloat16 instructions the default is bfloat16, which would be another row.
        "INFERENCE_PRECISION_HINT": "f32",
    }
    ready = {rows: core.compile_model(str(file), "CPU", settings) for rows, file in files.items()}
    kinds = {rows: compiled.input(0).element_type.to_dtype() for rows, compiled in ready.items()}

    def predict(batch: np.ndarray) -> np.ndarray:
        key = None if None in ready else exported_for(ready, len(batch))
        return np.array(ready[key](batch.astype(kinds[key], copy=False))[0])

    return predict
