"""LiteRT's interpreter, the successor of TensorFlow Lite's."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from reproductions.deployment.paths._onnxruntime import exported_for
from reproductions.deployment.spec import Request

RUNTIME = ("ai-edge-litert",)
MODULE = "ai_edge_litert.interpreter"


def load(files: dict[int | None, pathlib.Path], request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of a file for any batch (key None), or of a file a batch size.

    A batch size is prepared once and keeps its own interpreter, so that changing sizes costs no new allocation.
    """
    from ai_edge_litert.interpreter import Interpreter

    ready: dict[int, tuple] = {}

    def prepare(rows: int, shape: tuple[int, ...] | None) -> tuple:
        file = files[None] if None in files else files[exported_for(files, rows)]
        interpreter = Interpreter(model_path=str(file), num_threads=request.threads)
        (entry,) = interpreter.get_input_details()
        if None in files and shape is not None:
            if entry["shape_signature"][0] != -1 and rows != entry["shape"][0]:
                raise ValueError(f"exported for batches of {entry['shape'][0]}, not of {rows}")
            interpreter.resize_tensor_input(entry["index"], (rows, *shape), strict=True)
        interpreter.allocate_tensors()
        (exit_,) = interpreter.get_output_details()
        return interpreter, entry["index"], entry["dtype"], exit_["index"]

    if None not in files:
        ready |= {rows: prepare(rows, None) for rows in files}
    else:
        prepare(1, None)  # a file that cannot be read says so here, not at the first answer

    def predict(batch: np.ndarray) -> np.ndarray:
        rows = len(batch)
        if rows not in ready:
            ready[rows] = prepare(rows, batch.shape[1:])
        interpreter, entry, kind, exit_ = ready[rows]
        interpreter.set_tensor(entry, batch.astype(kind, copy=False))
        interpreter.invoke()
        return interpreter.get_tensor(exit_)

    return predict
