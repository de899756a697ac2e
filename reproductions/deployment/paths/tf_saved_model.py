"""SavedModel: TensorFlow's own format, by its serving signature; Keras and the model's source are not needed."""

from reproductions.deployment.paths import _tensorflow
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="tf_saved_model",
    title="SavedModel",
    framework="tensorflow",
    runtime="tensorflow",
    artefact="folder",
    requires=_tensorflow.KERAS,
    deploys=_tensorflow.TENSORFLOW,
    imports=("tensorflow",),
    tool="saved_model",
)


def export(model, folder, request):
    """Export for any batch."""
    _tensorflow.saved_model(model, folder / "saved_model", request)
    return Artefact("saved_model")


def load(folder, request):
    """Read the serving signature."""
    import tensorflow as tf

    from reproductions.deployment.models import prepare_tensorflow

    prepare_tensorflow(request.threads)
    loaded = tf.saved_model.load(str(folder / "saved_model"))
    serve = loaded.signatures["serving_default"]
    (name,) = serve.structured_input_signature[1]

    def predict(batch):
        (logits,) = serve(**{name: tf.constant(batch)}).values()
        return logits.numpy()

    predict.keeps = loaded
    return predict
