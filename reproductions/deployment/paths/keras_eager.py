"""Keras on TensorFlow as it is called: the model's source and a file of weights."""

from reproductions.deployment.paths import _tensorflow
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="keras_eager",
    title="TensorFlow eager (Keras weights and source)",
    framework="tensorflow",
    runtime="tensorflow",
    requires=_tensorflow.KERAS,
    imports=("tensorflow", "keras"),
    tool="tensorflow",
)


def export(model, folder, request):
    """Write the weights."""
    model.save_weights(folder / _tensorflow.WEIGHTS)
    return Artefact(_tensorflow.WEIGHTS, note="needs the model's Python source as well")


def load(folder, request):
    """Build the model and read the weights."""
    model = _tensorflow.with_weights(folder, request)
    return _tensorflow.predictor(lambda batch: model(batch, training=False))
