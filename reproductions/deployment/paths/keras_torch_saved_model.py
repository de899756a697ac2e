"""Keras on the PyTorch back end to SavedModel."""

from reproductions.deployment.paths import _keras_torch, _tensorflow, tf_saved_model
from reproductions.deployment.spec import MODELS, Artefact, Expectation, Path

PATH = Path(
    id="keras_torch_saved_model",
    title="Keras (PyTorch back end) to SavedModel",
    framework="keras_torch",
    runtime="tensorflow",
    artefact="folder",
    requires=(*_keras_torch.KERAS, *_tensorflow.TENSORFLOW),
    deploys=_tensorflow.TENSORFLOW,
    imports=("tensorflow",),
    export_imports=("torch", "keras", "tensorflow"),
    expected=dict.fromkeys(
        MODELS,
        Expectation(
            stage="export",
            match="UserError: Detected mismatch between the structure of `inputs` and `dynamic_shapes`",
            reason="Keras tells torch.export an open batch in a form that does not fit its own model",
            report="https://github.com/keras-team/keras/pull/22041",
        ),
    ),
    tool="keras_export",
)


def export(model, folder, request):
    """Export as Keras does."""
    _tensorflow.saved_model(model, folder / "saved_model", request)
    return Artefact("saved_model")


load = tf_saved_model.load
