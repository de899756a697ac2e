"""``torch.export``: a graph of ATen operators, run by PyTorch."""

from reproductions.deployment.paths import _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_export",
    title="torch.export (.pt2)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.TORCH,
    imports=("torch", "torch.export"),
    export_imports=("torch.export",),
    tool="torch_export",
)


def export(model, folder, request):
    """Export for any batch."""
    import torch

    torch.export.save(_torch.program(model, request), folder / "model.pt2")
    return Artefact("model.pt2")


def load(folder, request):
    """Read the program as a module."""
    import torch

    return _torch.predictor(torch.export.load(folder / "model.pt2").module(), request)
