"""TensorFlow to LiteRT (TensorFlow Lite's format) in float32, run by LiteRT."""

from reproductions.deployment.paths import _litert, _tensorflow
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_litert",
    title="TensorFlow to LiteRT",
    framework="tensorflow",
    runtime="litert",
    requires=(*_tensorflow.KERAS, *_litert.RUNTIME),
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("tensorflow", "keras"),
    tool="litert",
)


def export(model, folder, request):
    """Convert for any batch."""
    _tensorflow.to_litert(model, folder / "model.tflite", request)
    return Artefact("model.tflite")


def load(folder, request):
    """Prepare an interpreter a batch size, when it is first asked."""
    return _litert.load({None: folder / "model.tflite"}, request)
