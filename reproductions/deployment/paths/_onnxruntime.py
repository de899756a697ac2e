"""ONNX Runtime on the CPU, and its quantiser."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from reproductions.deployment import models
from reproductions.deployment.spec import Request

RUNTIME = ("onnxruntime",)
TYPES = {"tensor(float)": np.float32, "tensor(int64)": np.int64, "tensor(int32)": np.int32}


def load(files: dict[int | None, pathlib.Path], request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of a file for any batch (key None), or of a file a batch size."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    asked = {}
    for rows, file in files.items():
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        (entry,) = session.get_inputs()
        asked[rows] = (session, entry.name, TYPES[entry.type])

    def predict(batch: np.ndarray) -> np.ndarray:
        session, name, kind = asked[None] if None in asked else asked[exported_for(asked, len(batch))]
        return session.run(None, {name: batch.astype(kind, copy=False)})[0]

    return predict


def exported_for(files: dict, rows: int) -> int:
    """Return ``rows`` if something was exported for it; ValueError otherwise."""
    if rows not in files:
        raise ValueError(f"exported for batches of {sorted(files)}, not of {rows}")
    return rows


class Rows:
    """Real training rows, one batch at a time, as ONNX Runtime's quantiser reads them."""

    def __init__(self, request: Request, name: str, batch: int = 32):
        rows = models.rows(request, "x_calibration")
        self._batches = iter([{name: rows[start : start + batch]} for start in range(0, len(rows), batch)])

    def get_next(self) -> dict | None:
        """Return the next batch by input name, or None after the last."""
        return next(self._batches, None)


def without_shapes(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copy an ONNX file without the shapes it states of what lies between its operators.

    The quantiser infers shapes itself; those that PyTorch's newer exporter writes stop it: "Inferred shape and existing
    shape differ in dimension 0" (onnxruntime 1.31.1).
    """
    import onnx

    model = onnx.load(str(source))
    del model.graph.value_info[:]
    onnx.save(model, str(target))
