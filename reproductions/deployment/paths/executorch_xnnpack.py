"""ExecuTorch with XNNPACK: what PyTorch offers for phones, run here by its Python runtime."""

from reproductions.deployment.paths import _executorch
from reproductions.deployment.spec import Path

PATH = Path(
    id="executorch_xnnpack",
    title="ExecuTorch XNNPACK",
    framework="pytorch",
    runtime="executorch",
    requires=("torch", "executorch"),
    deploys=_executorch.RUNTIME,
    imports=("torch", "executorch.runtime"),
    export_imports=("torch.export", "executorch.exir", "executorch.backends.xnnpack.partition.xnnpack_partitioner"),
    tool="executorch",
)


def export(model, folder, request):
    """Lower the exported program, once a batch size."""
    return _executorch.lower(model, folder, request)


load = _executorch.load
