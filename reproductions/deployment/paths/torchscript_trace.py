"""TorchScript, recorded from one run."""

from reproductions.deployment.paths import _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torchscript_trace",
    title="TorchScript (trace)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.TORCH,
    imports=("torch",),
    tool="torchscript",
)


def export(model, folder, request):
    """Trace a batch."""
    import torch

    torch.jit.trace(model, _torch.sample(request)).save(str(folder / "model.pt"))
    return Artefact("model.pt")


def load(folder, request):
    """Read the recording; the model's source is not needed."""
    import torch

    return _torch.predictor(torch.jit.load(str(folder / "model.pt")).eval(), request)
