"""ExecuTorch with XNNPACK in int8, ranges from real training rows (PT2E)."""

from reproductions.deployment import models
from reproductions.deployment.paths import _executorch, _torch, executorch_xnnpack
from reproductions.deployment.spec import Path

PATH = Path(
    id="executorch_xnnpack_int8",
    title="ExecuTorch XNNPACK, int8 static",
    framework="pytorch",
    runtime="executorch",
    requires=("torch", "executorch", "torchao"),
    deploys=_executorch.RUNTIME,
    imports=("torch", "executorch.runtime"),
    export_imports=(
        *executorch_xnnpack.PATH.export_imports,
        "executorch.backends.xnnpack.quantizer.xnnpack_quantizer",
        "torchao.quantization.pt2e.quantize_pt2e",
    ),
    quantized=True,
    tool="executorch",
)


def export(model, folder, request):
    """Quantise symmetrically, weights by channel, then lower."""
    import torch
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    prepared = prepare_pt2e(_torch.program(model, request).module(), quantizer)
    rows, batch = models.rows(request, "x_calibration"), max(request.batches)
    for start in range(0, len(rows) - batch + 1, batch):
        prepared(torch.from_numpy(rows[start : start + batch]))
    return _executorch.lower(convert_pt2e(prepared), folder, request)


load = _executorch.load
