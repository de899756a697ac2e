"""``tf.function`` compiled by XLA: source and a file of weights, compiled at the first answer to each batch size."""

from reproductions.deployment.paths import _tensorflow, keras_eager
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_xla",
    title="tf.function with XLA (weights and source)",
    framework="tensorflow",
    runtime="tensorflow",
    requires=_tensorflow.KERAS,
    imports=("tensorflow", "keras"),
    tool="xla",
)


def export(model, folder, request):
    """Write the weights."""
    artefact = keras_eager.export(model, folder, request)
    return Artefact(artefact.main, note="compiled at the first answer to each batch size")


def load(folder, request):
    """Build the model and read the weights."""
    import tensorflow as tf

    model = _tensorflow.with_weights(folder, request)
    return _tensorflow.predictor(tf.function(lambda batch: model(batch, training=False), jit_compile=True))
