"""What the paths out of PyTorch share."""

from __future__ import annotations

import contextlib
import pathlib
from collections.abc import Callable, Iterator

import numpy as np

from reproductions.deployment import models
from reproductions.deployment.spec import Request

TORCH = ("torch",)
#: Compiling needs a C++ compiler where it runs.
COMPILED = ("torch", "command:g++")
INPUT, OUTPUT = "input", "logits"


def sample(request: Request, count: int = max(models.spec.BATCHES)):
    """Return real training rows as the tensor that exporters trace with; more than one, or 1 becomes a constant."""
    import torch

    return torch.from_numpy(models.sample(request, count))


def dynamic() -> tuple:
    """Return ``dynamic_shapes`` of ``torch.export``: the batch may be of any size."""
    import torch

    return ({0: torch.export.Dim("batch")},)


def program(model, request: Request, *, fixed: int | None = None):
    """Return the ``ExportedProgram`` of a model, for any batch or for ``fixed`` rows."""
    import torch

    shapes = None if fixed else dynamic()
    return torch.export.export(model, (sample(request, fixed or max(request.batches)),), dynamic_shapes=shapes)


def predictor(call: Callable, request: Request) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of something that takes and gives one tensor, in the request's number of threads."""
    import torch

    models.prepare_torch(request.threads)

    def predict(batch: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return call(torch.from_numpy(batch)).numpy()

    return predict


def save_weights(model, folder: pathlib.Path) -> str:
    """Write the parameters; return the file's name."""
    import torch

    torch.save(model.state_dict(), folder / "model.pt")
    return "model.pt"


def with_weights(folder: pathlib.Path, request: Request):
    """Return the model, built from its source with the parameters of ``model.pt``."""
    import torch

    model = models.build(request)
    model.load_state_dict(torch.load(folder / "model.pt", weights_only=True))
    return model.eval().requires_grad_(False)


def to_onnx(model, file: pathlib.Path, request: Request) -> None:
    """Write ONNX by the exporter that is the default since PyTorch 2.9, weights inside the file."""
    import torch

    torch.onnx.export(
        model,
        (sample(request),),
        str(file),
        dynamo=True,
        dynamic_shapes=dynamic(),
        input_names=[INPUT],
        output_names=[OUTPUT],
        external_data=False,
        verbose=False,
    )


@contextlib.contextmanager
def all_threads() -> Iterator[None]:
    """Let a conversion use every core; its time is stated, its threads are not an option of a path."""
    import os

    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
