"""PyTorch to LiteRT with int8 weights, ranges taken at each answer, by ai-edge-quantizer."""

import pathlib
import tempfile

from reproductions.deployment.paths import _litert, litert_torch
from reproductions.deployment.spec import Path

PATH = Path(
    id="litert_torch_int8_dynamic",
    title="PyTorch to LiteRT, int8 dynamic",
    framework="pytorch",
    runtime="litert",
    requires=(*litert_torch.PATH.requires, "ai-edge-quantizer"),
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("litert_torch", "ai_edge_quantizer"),
    quantized=True,
    tool="litert",
)


def export(model, folder, request):
    """Convert, then quantise the files."""
    from ai_edge_quantizer import quantizer, recipe

    with tempfile.TemporaryDirectory() as scratch:
        artefact = litert_torch.export(model, pathlib.Path(scratch), request)
        for file in sorted(pathlib.Path(scratch).glob("*.tflite")):
            own = quantizer.Quantizer(str(file))
            own.load_quantization_recipe(recipe.dynamic_wi8_afp32())
            own.quantize().export_model(str(folder / file.name))
    return artefact


load = litert_torch.load
