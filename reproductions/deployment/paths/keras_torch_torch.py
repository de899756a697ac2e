"""Keras on the PyTorch back end to PyTorch's exported program; Keras is not needed to run it."""

from reproductions.deployment.paths import _keras_torch, _torch
from reproductions.deployment.paths._onnxruntime import exported_for
from reproductions.deployment.spec import Path

PATH = Path(
    id="keras_torch_torch",
    title="Keras (PyTorch back end) to torch.export",
    framework="keras_torch",
    runtime="torch",
    requires=_keras_torch.KERAS,
    deploys=_torch.TORCH,
    imports=("torch", "torch.export"),
    export_imports=("torch.export", "keras"),
    tool="keras_export",
)


def export(model, folder, request):
    """Export once a batch size."""
    return _keras_torch.per_batch(model, folder, request, "torch", "pt2")


def load(folder, request):
    """Read a program a batch size."""
    import torch

    files = _keras_torch.files(folder, request, "pt2")
    modules = {rows: torch.export.load(file).module() for rows, file in files.items()}
    calls = {rows: _torch.predictor(module, request) for rows, module in modules.items()}
    return lambda batch: calls[exported_for(calls, len(batch))](batch)
