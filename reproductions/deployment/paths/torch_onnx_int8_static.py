"""ONNX in int8 with ranges from real training rows, by ONNX Runtime's quantiser."""

import pathlib
import tempfile

from reproductions.deployment.paths import _onnxruntime, _torch, torch_onnx_dynamo
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_onnx_int8_static",
    title="PyTorch to ONNX, int8 static, ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    requires=torch_onnx_dynamo.PATH.requires,
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("torch.export", "torch.onnx", "onnxscript", "onnxruntime.quantization"),
    quantized=True,
    tool="onnxruntime",
)


def export(model, folder, request):
    """Quantise weights by channel, and activations to the ranges that calibration rows give."""
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as scratch:
        exported, ready = (pathlib.Path(scratch, name) for name in ("exported.onnx", "ready.onnx"))
        _torch.to_onnx(model, exported, request)
        _onnxruntime.without_shapes(exported, ready)
        quantization.quantize_static(
            str(ready),
            str(folder / "model.onnx"),
            _onnxruntime.Rows(request, _torch.INPUT),
            quant_format=quantization.QuantFormat.QDQ,
            per_channel=True,
        )
    return Artefact("model.onnx")


load = torch_onnx_dynamo.load
