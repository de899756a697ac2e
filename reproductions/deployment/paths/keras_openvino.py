"""Keras' own export to OpenVINO."""

from reproductions.deployment.paths import _openvino, _tensorflow
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="keras_openvino",
    title="Keras to OpenVINO",
    framework="tensorflow",
    runtime="openvino",
    requires=(*_tensorflow.KERAS, "scipy", *_openvino.RUNTIME),  # scipy is needed and not declared (Keras 3.15.1)
    deploys=_openvino.RUNTIME,
    imports=("openvino",),
    export_imports=("tensorflow", "keras", "openvino"),
    tool="openvino",
)


def export(model, folder, request):
    """Export for any batch."""
    file = str(folder / "model.xml")
    model.export(file, format="openvino", input_signature=_tensorflow.signature(request), verbose=False)
    return Artefact("model.xml", needs=("model.bin",))


def load(folder, request):
    """Compile for this processor."""
    return _openvino.load({None: folder / "model.xml"}, request)
