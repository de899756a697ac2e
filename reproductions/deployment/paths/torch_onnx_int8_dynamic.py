"""ONNX with int8 weights and ranges taken at each answer, by ONNX Runtime's quantiser."""

import pathlib
import tempfile

from reproductions.deployment.paths import _onnxruntime, _torch, torch_onnx_dynamo
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_onnx_int8_dynamic",
    title="PyTorch to ONNX, int8 dynamic, ONNX Runtime",
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
    """Quantise the weights; unsigned, because the CPU's integer convolution takes no others."""
    from onnxruntime import quantization

    with tempfile.TemporaryDirectory() as scratch:
        exported, ready = (pathlib.Path(scratch, name) for name in ("exported.onnx", "ready.onnx"))
        _torch.to_onnx(model, exported, request)
        _onnxruntime.without_shapes(exported, ready)
        quantization.quantize_dynamic(str(ready), str(folder / "model.onnx"), weight_type=quantization.QuantType.QUInt8)
    return Artefact("model.onnx")


load = torch_onnx_dynamo.load
