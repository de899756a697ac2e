"""What the paths out of Keras on the PyTorch back end share."""

from __future__ import annotations

import pathlib

from reproductions.deployment.paths._tensorflow import signature
from reproductions.deployment.spec import Artefact, Request

KERAS = ("keras", "torch")


def per_batch(model, folder: pathlib.Path, request: Request, kind: str, suffix: str) -> Artefact:
    """Export once a batch size: on this back end Keras turns every open dimension into 1."""
    for rows in request.batches:
        file = folder / f"model_b{rows}.{suffix}"
        model.export(str(file), format=kind, input_signature=signature(request, rows), verbose=False)
    return Artefact(f"model_b{request.batches[0]}.{suffix}", batches=request.batches)


def files(folder: pathlib.Path, request: Request, suffix: str) -> dict[int, pathlib.Path]:
    """Return the file of each batch size."""
    return {rows: folder / f"model_b{rows}.{suffix}" for rows in request.batches}
