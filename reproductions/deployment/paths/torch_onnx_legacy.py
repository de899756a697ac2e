"""ONNX by PyTorch's older exporter on TorchScript, run by ONNX Runtime."""

from reproductions.deployment.paths import _onnxruntime, _torch, torch_onnx_dynamo
from reproductions.deployment.spec import Artefact, Path

#: The last that it was completed for.
OPSET = 17
PATH = Path(
    id="torch_onnx_legacy",
    title="PyTorch to ONNX (TorchScript), ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    requires=("torch", "onnx", *_onnxruntime.RUNTIME),
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("torch.onnx",),
    tool="onnx_legacy",
)


def export(model, folder, request):
    """Export for any batch."""
    import torch

    torch.onnx.export(
        model,
        (_torch.sample(request),),
        str(folder / "model.onnx"),
        dynamo=False,
        opset_version=OPSET,
        input_names=[_torch.INPUT],
        output_names=[_torch.OUTPUT],
        dynamic_axes={_torch.INPUT: {0: "batch"}, _torch.OUTPUT: {0: "batch"}},
    )
    return Artefact("model.onnx")


load = torch_onnx_dynamo.load
