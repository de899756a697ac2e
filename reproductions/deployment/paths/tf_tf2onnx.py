"""TensorFlow to ONNX by tf2onnx, run by ONNX Runtime."""

from reproductions.deployment.paths import _erfc, _onnxruntime, _tensorflow
from reproductions.deployment.spec import Artefact, Path

OPSET = 17
PATH = Path(
    id="tf_tf2onnx",
    title="TensorFlow to ONNX (tf2onnx), ONNX Runtime",
    framework="tensorflow",
    runtime="onnxruntime",
    requires=(*_tensorflow.KERAS, "tf2onnx", "onnx", *_onnxruntime.RUNTIME),
    deploys=_onnxruntime.RUNTIME,
    imports=("onnxruntime",),
    export_imports=("tensorflow", "keras", "tf2onnx"),
    expected=_erfc.ONNX,
    tool="tf2onnx",
)


def export(model, folder, request):
    """Convert for any batch."""
    import tf2onnx

    tf2onnx.convert.from_function(
        _tensorflow.function(model, request),
        input_signature=_tensorflow.specification(request),
        opset=OPSET,
        output_path=str(folder / "model.onnx"),
    )
    return Artefact("model.onnx")


def load(folder, request):
    """Open a session."""
    return _onnxruntime.load({None: folder / "model.onnx"}, request)
