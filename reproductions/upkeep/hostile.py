"""Hostile model files: harmless, but each leaves a mark where it had its way.

A mark is an empty file named ``MARK`` in the folder in which the file is opened, a file named ``ESCAPED`` beside the
folder that it should have stayed in, the number of a file that it had no business to read, or memory taken. A file is
one entry of :data:`FILES` and one function that makes it; ``python -m reproductions.upkeep.hostile ID FOLDER`` runs
that function in the sandbox.
"""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MARK, ESCAPED, SECRET = "MARK", "ESCAPED", 1234.5
UNFOLDED = 256 << 20  # bytes that the oversized files unfold to


@dataclass(frozen=True)
class Hostile:
    """A hostile file.

    name   its file name in the folder it is made in
    tells  how its effect is seen: mark, escaped, secret or memory
    needs  package that makes it
    """

    id: str
    title: str
    name: str
    tells: str
    needs: str


FILES = {
    each.id: each
    for each in (
        Hostile("pickle_side_effect", "Pickle that runs a call", "model.pt", "mark", "torch"),
        Hostile("keras_lambda", "Lambda layer with code, .keras", "model.keras", "mark", "keras"),
        Hostile("keras_lambda_h5", "Lambda layer with code, .h5", "model.h5", "mark", "keras"),
        Hostile("graph_writes_file", "SavedModel whose graph writes a file", "saved", "mark", "tensorflow"),
        Hostile("archive_escape_tar", "Archive with a path that leads out, .tar.gz", "data.tar.gz", "escaped", "keras"),
        Hostile("archive_escape_zip", "Archive with a path that leads out, .zip", "weights.zip", "escaped", "torch"),
        Hostile("oversized_torch", "Small checkpoint that unfolds to 256 MiB", "large.pt", "memory", "torch"),
        Hostile("oversized_h5", "Small weights file that unfolds to 256 MiB", "large.weights.h5", "memory", "keras"),
        Hostile("external_data", "Weights that point into another file", "linked.weights.h5", "secret", "keras"),
    )
}


class _Call:
    """Pickles as a call of ``open`` that makes an empty file."""

    def __reduce__(self):
        return (io.open, (MARK, "w"))


def _pickle_side_effect(path: Path) -> None:
    import torch

    torch.save({"weight": torch.zeros(2), "more": _Call()}, path)


def _lambda_model():
    import keras

    # The code itself is kept in the file; opening a file needs no import in it.
    layer = keras.layers.Lambda(lambda x: (open("MARK", "w").close(), x)[1], output_shape=(2,))  # noqa: PTH123
    return keras.Sequential([keras.layers.Input((2,)), layer])


def _keras_lambda(path: Path) -> None:
    _lambda_model().save(path)


def _graph_writes_file(path: Path) -> None:
    import tensorflow as tf

    class Writer(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([2], tf.float32)])
        def __call__(self, x):
            with tf.control_dependencies([tf.io.write_file(MARK, "")]):
                return tf.identity(x)

    tf.saved_model.save(Writer(), str(path))


def _archive_escape_tar(path: Path) -> None:
    import tarfile

    with tarfile.open(path, "w:gz") as archive:
        for name in ("inside.txt", f"../../../{ESCAPED}"):
            archive.addfile(tarfile.TarInfo(name))


def _archive_escape_zip(path: Path) -> None:
    import torch

    buffer = io.BytesIO()
    torch.save({"weight": torch.zeros(2)}, buffer)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"../{ESCAPED}", buffer.getvalue())


def _oversized_torch(path: Path) -> None:
    import torch

    whole = path.with_suffix(".whole")
    torch.save({"weight": torch.zeros(UNFOLDED // 4)}, whole)
    with zipfile.ZipFile(whole) as given, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member in given.infolist():
            made.writestr(member.filename, given.read(member))
    whole.unlink()


def _weights_model():
    import keras

    return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, name="dense")])


def _oversized_h5(path: Path) -> None:
    import h5py

    _weights_model().save_weights(path)
    with h5py.File(path, "a") as file:
        name = _kernel(file)
        del file[name]
        # No chunk is ever written: the file stays small whatever shape it declares.
        file.create_dataset(name, shape=(UNFOLDED // 4,), dtype="float32", chunks=(1 << 16,))


def _external_data(path: Path) -> None:
    import h5py
    import numpy as np

    with h5py.File(path.with_name("secret.h5"), "w") as secret:
        secret["kept"] = np.full((4, 2), SECRET, np.float32)
    _weights_model().save_weights(path)
    with h5py.File(path, "a") as file:
        name = _kernel(file)
        del file[name]
        file[name] = h5py.ExternalLink("secret.h5", "/kept")


def _kernel(file) -> str:
    """Return the place of the largest matrix in a weights file."""
    found: list[str] = []
    file.visititems(lambda name, item: found.append(name) if getattr(item, "shape", ()) == (4, 2) else None)
    return found[0]


MAKERS: dict[str, Callable[[Path], None]] = {
    "pickle_side_effect": _pickle_side_effect,
    "keras_lambda": _keras_lambda,
    "keras_lambda_h5": _keras_lambda,
    "graph_writes_file": _graph_writes_file,
    "archive_escape_tar": _archive_escape_tar,
    "archive_escape_zip": _archive_escape_zip,
    "oversized_torch": _oversized_torch,
    "oversized_h5": _oversized_h5,
    "external_data": _external_data,
}


def main(arguments: list[str]) -> int:
    """Make one file: ``ID FOLDER``."""
    name, folder = arguments
    path = Path(folder) / FILES[name].name
    MAKERS[name](path)
    size = path.stat().st_size if path.is_file() else None
    print(json.dumps({"made": path.name, "bytes": size}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
