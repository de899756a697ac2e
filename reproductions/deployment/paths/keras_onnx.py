"""Keras' own export to ONNX, run by ONNX Runtime."""

from reproductions.deployment.paths import _erfc, _onnxruntime, _tensorflow, tf_tf2onnx
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="keras_onnx",
    title="Keras to ONNX, ONNX Runtime",
    framework="tensorflow",
    runtime="onnxruntime",
    requires=tf_tf2onnx.PATH.requires,
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("tensorflow", "keras", "tf2onnx"),
    expected=_erfc.ONNX,
    tool="keras_export",
)


def export(model, folder, request):
    """Export for any batch."""
    file = str(folder / "model.onnx")
    model.export(file, format="onnx", input_signature=_tensorflow.signature(request), verbose=False)
    return Artefact("model.onnx")


load = tf_tf2onnx.load
