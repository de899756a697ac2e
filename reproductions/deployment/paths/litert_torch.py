"""PyTorch to LiteRT, Google's runtime for phones, by litert-torch."""

from reproductions.deployment.paths import _litert, _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="litert_torch",
    title="PyTorch to LiteRT (litert-torch)",
    framework="pytorch",
    runtime="litert",
    requires=("torch", "litert-torch", *_litert.RUNTIME),
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("litert_torch",),
    tool="litert",
)


def export(model, folder, request):
    """Convert once a batch size: shapes are fixed."""
    import litert_torch

    for rows in request.batches:
        litert_torch.convert(model, (_torch.sample(request, rows),)).export(str(folder / f"model_b{rows}.tflite"))
    return Artefact(f"model_b{request.batches[0]}.tflite", batches=request.batches)


def load(folder, request):
    """Prepare an interpreter a batch size."""
    return _litert.load({rows: folder / f"model_b{rows}.tflite" for rows in request.batches}, request)
