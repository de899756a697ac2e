"""TensorFlow to LiteRT with weights stored in float16."""

from reproductions.deployment.paths import _litert, _tensorflow, tf_litert
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_litert_float16",
    title="TensorFlow to LiteRT, float16 weights",
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
    """Convert for any batch; the runtime widens the weights when it loads them."""
    import tensorflow as tf

    settings = {"optimizations": [tf.lite.Optimize.DEFAULT], "target_spec.supported_types": [tf.float16]}
    _tensorflow.to_litert(model, folder / "model.tflite", request, settings)
    return Artefact("model.tflite")


load = tf_litert.load
