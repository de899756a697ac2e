"""AOTInductor: the exported program compiled ahead of time into a shared library."""

from reproductions.deployment.paths import _torch
from reproductions.deployment.spec import Artefact, Path

PATH = Path(
    id="torch_aotinductor",
    title="AOTInductor (.pt2)",
    framework="pytorch",
    runtime="torch",
    requires=_torch.COMPILED,
    imports=("torch", "torch._inductor"),
    export_imports=("torch.export", "torch._inductor"),
    tool="aotinductor",
    export_timeout_s=600,
)


def export(model, folder, request):
    """Compile for any batch.

    Without ``dynamic_threads`` the number of threads of the exporting process would be written into the loops, and one
    artefact would not serve both rows of the table.
    """
    import torch

    with _torch.all_threads():
        torch._inductor.aoti_compile_and_package(
            _torch.program(model, request),
            package_path=str(folder / "model.pt2"),
            inductor_configs={"cpp.dynamic_threads": True},
        )
    return Artefact("model.pt2", note="compiled for the processor it was exported on")


def load(folder, request):
    """Load the library."""
    import torch

    return _torch.predictor(torch._inductor.aoti_load_package(str(folder / "model.pt2")), request)
