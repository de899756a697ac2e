"""Keras on the PyTorch back end to OpenVINO."""

from reproductions.deployment.paths import _keras_torch, _openvino
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="keras_torch_openvino",
    title="Keras (PyTorch back end) to OpenVINO",
    framework="keras_torch",
    runtime="openvino",
    requires=(*_keras_torch.KERAS, "scipy", *_openvino.RUNTIME),
    deploys=_openvino.RUNTIME,
    imports=("openvino",),
    export_imports=("torch", "keras", "openvino"),
    tool="keras_export",
)


def export(model, folder, request):
    """Export once a batch size."""
    artefact = _keras_torch.per_batch(model, folder, request, "openvino", "xml")
    return Artefact(artefact.main, batches=artefact.batches, needs=(artefact.main.replace(".xml", ".bin"),))


def load(folder, request):
    """Compile for this processor, once a batch size."""
    return _openvino.load(_keras_torch.files(folder, request, "xml"), request)
