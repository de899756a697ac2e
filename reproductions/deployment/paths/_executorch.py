"""ExecuTorch with XNNPACK: lowering, and its runtime for Python."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import numpy as np

from reproductions.deployment.paths._onnxruntime import exported_for
from reproductions.deployment.spec import Artefact, Request

#: Its Python runtime takes and gives PyTorch's tensors.
RUNTIME = ("executorch", "torch")


def lower(model, folder: pathlib.Path, request: Request) -> Artefact:
    """Write one program a batch size: shapes are fixed when memory is planned."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    from reproductions.deployment.paths._torch import sample

    for rows in request.batches:
        exported = torch.export.export(model, (sample(request, rows),))
        lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()]).to_executorch()
        (folder / f"model_b{rows}.pte").write_bytes(lowered.buffer)
    return Artefact(f"model_b{request.batches[0]}.pte", batches=request.batches)


def load(folder: pathlib.Path, request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of the programs in a folder."""
    import torch
    from executorch.extension.pybindings import portable_lib
    from executorch.runtime import Runtime

    from reproductions.deployment.models import prepare_torch

    prepare_torch(request.threads)
    portable_lib._unsafe_reset_threadpool(request.threads)  # its only way to set threads from Python
    runtime = Runtime.get()
    programs = {rows: runtime.load_program(folder / f"model_b{rows}.pte") for rows in request.batches}
    methods = {rows: program.load_method("forward") for rows, program in programs.items()}

    def predict(batch: np.ndarray) -> np.ndarray:
        method = methods[exported_for(methods, len(batch))]
        (logits,) = method.execute([torch.from_numpy(batch)])
        return logits.numpy().copy()  # it lies in memory that the next answer overwrites

    predict.keeps = programs
    return predict
