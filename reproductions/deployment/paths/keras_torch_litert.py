"""Keras on the PyTorch back end to LiteRT."""

from reproductions.deployment.paths import _keras_torch, _litert
from reproductions.deployment.spec import Expectation, Path

PATH = Path(
    id="keras_torch_litert",
    title="Keras (PyTorch back end) to LiteRT",
    framework="keras_torch",
    runtime="litert",
    requires=(*_keras_torch.KERAS, "litert-torch", *_litert.RUNTIME),
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("torch", "keras", "litert_torch"),
    expected={
        "bert_encoder": Expectation(
            stage="export",
            match=r"'func\.call' op operand type mismatch.*xi32.*xi64",
            reason="Keras computes with token ids in int64 where the converter has promised int32",
            report="https://github.com/keras-team/keras-hub/issues/2883",
        )
    },
    tool="keras_export",
)


def export(model, folder, request):
    """Export once a batch size."""
    return _keras_torch.per_batch(model, folder, request, "litert", "tflite")


def load(folder, request):
    """Prepare an interpreter a batch size."""
    return _litert.load(_keras_torch.files(folder, request, "tflite"), request)
