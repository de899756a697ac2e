"""ONNX by PyTorch's exporter on ``torch.export``, run by ONNX Runtime."""

from reproductions.deployment.paths import _onnxruntime, _torch
from reproductions.deployment.spec import Artefact, Path

EXPORTER = ("torch", "onnx", "onnxscript")
PATH = Path(
    id="torch_onnx_dynamo",
    title="PyTorch to ONNX (dynamo), ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    requires=(*EXPORTER, *_onnxruntime.RUNTIME),
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("torch.export", "torch.onnx", "onnxscript"),
    tool="onnx_dynamo",
)


def export(model, folder, request):
    """Export for any batch."""
    _torch.to_onnx(model, folder / "model.onnx", request)
    return Artefact("model.onnx")


def load(folder, request):
    """Open a session."""
    return _onnxruntime.load({None: folder / "model.onnx"}, request)
