"""``tf.function``: the model's source and a file of weights, traced at the first answer to each batch size."""

from reproductions.deployment.paths import _tensorflow, keras_eager
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_function",
    title="tf.function (weights and source)",
    framework="tensorflow",
    runtime="tensorflow",
    requires=_tensorflow.KERAS,
    imports=("tensorflow", "keras"),
    tool="tensorflow",
)


def export(model, folder, request):
    """Write the weights."""
    artefact = keras_eager.export(model, folder, request)
    return Artefact(artefact.main, note="traced at the first answer to each batch size")


def load(folder, request):
    """Build the model and read the weights."""
    import tensorflow as tf

    model = _tensorflow.with_weights(folder, request)
    return _tensorflow.predictor(tf.function(lambda batch: model(batch, training=False)))
