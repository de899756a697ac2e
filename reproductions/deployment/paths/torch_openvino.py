"""PyTorch to OpenVINO, by its own converter."""

from reproductions.deployment.paths import _openvino, _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_openvino",
    title="PyTorch to OpenVINO",
    framework="pytorch",
    runtime="openvino",
    requires=("torch", *_openvino.RUNTIME),
    deploys=_openvino.RUNTIME,
    imports=("openvino",),
    export_imports=("openvino", "openvino.frontend.pytorch"),
    tool="openvino",
)


def export(model, folder, request):
    """Convert for any batch; in float32, its default would store float16."""
    import openvino

    sample = _torch.sample(request)
    converted = openvino.convert_model(model, example_input=sample, input=[[-1, *sample.shape[1:]]])
    openvino.save_model(converted, folder / "model.xml", compress_to_fp16=False)
    return Artefact("model.xml", needs=("model.bin",))


def load(folder, request):
    """Compile for this processor."""
    return _openvino.load({None: folder / "model.xml"}, request)
