"""TensorFlow to LiteRT with int8 weights, ranges taken at each answer."""

from reproductions.deployment.paths import _litert, _tensorflow, tf_litert
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_litert_dynamic",
    title="TensorFlow to LiteRT, int8 dynamic",
    framework="tensorflow",
    runtime="litert",
    requires=tf_litert.PATH.requires,
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("tensorflow", "keras"),
    quantized=True,
    tool="litert",
)


def export(model, folder, request):
    """Convert for any batch."""
    import tensorflow as tf

    _tensorflow.to_litert(model, folder / "model.tflite", request, {"optimizations": [tf.lite.Optimize.DEFAULT]})
    return Artefact("model.tflite")


load = tf_litert.load
