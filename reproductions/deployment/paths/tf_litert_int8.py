"""TensorFlow to LiteRT in int8 throughout, ranges from real training rows; inputs and logits stay as they are."""

from reproductions.deployment.paths import _litert, _tensorflow, tf_litert
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_litert_int8",
    title="TensorFlow to LiteRT, int8 full",
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
    """Convert for any batch; an operator that has no int8 form is an error, not a fallback."""
    import tensorflow as tf

    settings = {
        "optimizations": [tf.lite.Optimize.DEFAULT],
        "representative_dataset": _tensorflow.calibration(request),
        "target_spec.supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8],
    }
    _tensorflow.to_litert(model, folder / "model.tflite", request, settings)
    return Artefact("model.tflite")


load = tf_litert.load
