"""Keras on the PyTorch back end to ONNX, run by ONNX Runtime."""

from reproductions.deployment.paths import _keras_torch, _onnxruntime
from reproductions.deployment.spec import Path

PATH = Path(
    id="keras_torch_onnx",
    title="Keras (PyTorch back end) to ONNX, ONNX Runtime",
    framework="keras_torch",
    runtime="onnxruntime",
    requires=(*_keras_torch.KERAS, "onnx", "onnxscript", *_onnxruntime.RUNTIME),
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("torch.onnx", "keras"),
    tool="keras_export",
)


def export(model, folder, request):
    """Export once a batch size."""
    return _keras_torch.per_batch(model, folder, request, "onnx", "onnx")


def load(folder, request):
    """Open a session a batch size."""
    return _onnxruntime.load(_keras_torch.files(folder, request, "onnx"), request)
