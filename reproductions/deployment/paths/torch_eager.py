"""PyTorch as it is: the model's source and a file of weights."""

from reproductions.deployment.paths import _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_eager",
    title="PyTorch eager (weights and source)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.TORCH,
    imports=("torch",),
    tool="pytorch",
)


def export(model, folder, request):
    """Write the weights."""
    return Artefact(_torch.save_weights(model, folder), note="needs the model's Python source as well")


def load(folder, request):
    """Build the model and read the weights."""
    return _torch.predictor(_torch.with_weights(folder, request), request)
