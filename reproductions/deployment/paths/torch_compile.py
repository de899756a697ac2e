"""``torch.compile``: the model's source and a file of weights, compiled where it runs, at the first answer."""

from reproductions.deployment.paths import _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_compile",
    title="torch.compile (weights and source)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.COMPILED,
    imports=("torch",),
    tool="torch_compile",
)


def export(model, folder, request):
    """Write the weights."""
    return Artefact(_torch.save_weights(model, folder), note="compiles at the first answer to each batch size")


def load(folder, request):
    """Build the model; each batch size is compiled when it is first asked, as in the suite."""
    import torch

    return _torch.predictor(torch.compile(_torch.with_weights(folder, request), dynamic=False), request)
