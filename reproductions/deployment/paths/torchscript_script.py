"""TorchScript, compiled from the model's source."""

from reproductions.deployment.paths import _torch, torchscript_trace
from reproductions.deployment.spec import Artefact, Expectation, Path

PATH = Path(
    id="torchscript_script",
    title="TorchScript (script)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.TORCH,
    imports=("torch",),
    expected={
        "bert_encoder": Expectation(
            stage="export",
            match="Tensor cannot be used as a tuple",
            reason="the model unpacks one tensor into query, key and value, which is Python but not TorchScript",
        )
    },
    tool="torchscript",
)


def export(model, folder, request):
    """Compile the forward pass from its source."""
    import torch

    torch.jit.script(model).save(str(folder / "model.pt"))
    return Artefact("model.pt")


load = torchscript_trace.load
