"""Open one hostile file in one documented way and say what came of it; runs in the sandbox only.

``python -m reproductions.upkeep.opening READER PATH`` prints one JSON object. A reader is one entry of :data:`READERS`
and one function; the page that documents the way stands beside it.
"""

from __future__ import annotations

import json
import resource
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from reproductions.upkeep.hostile import ESCAPED, FILES, MARK, SECRET, UNFOLDED

TORCH = "https://docs.pytorch.org/docs/stable"
KERAS = "https://keras.io/api"


@dataclass(frozen=True)
class Reader:
    """One documented way to open a file.

    call        as the documentation writes it
    file        id of the hostile file
    documented  the page that shows this way
    """

    id: str
    call: str
    file: str
    side: str
    documented: str
    open: Callable[[Path], object]


def _torch_load(path: Path) -> object:
    import torch

    return torch.load(path)


def _torch_load_all(path: Path) -> object:
    import torch

    return torch.load(path, weights_only=False)


def _torch_hub(path: Path) -> object:
    import torch

    return torch.hub.load_state_dict_from_url(path.resolve().as_uri(), model_dir="cache/inside")


def _keras_load(path: Path) -> object:
    import keras

    return keras.models.load_model(path)


def _keras_load_unsafe(path: Path) -> object:
    import keras

    return keras.models.load_model(path, safe_mode=False)


def _keras_load_unsafe_called(path: Path) -> object:
    import keras
    import numpy as np

    return keras.models.load_model(path, safe_mode=False)(np.zeros((1, 2), np.float32))


def _keras_get_file(path: Path) -> object:
    import keras

    # A file:// address stands for the web here: the sandbox has no network.
    return keras.utils.get_file(origin=path.resolve().as_uri(), extract=True, cache_dir="cache/inside")


def _keras_weights(path: Path) -> object:
    import keras

    model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2, name="dense")])
    model.load_weights(path)
    return model


def _saved_model(path: Path) -> object:
    import tensorflow as tf

    return tf.saved_model.load(str(path))


def _saved_model_called(path: Path) -> object:
    import tensorflow as tf

    return tf.saved_model.load(str(path))(tf.zeros([2]))


READERS = {
    each.id: each
    for each in (
        Reader("torch_load", "torch.load(path)", "pickle_side_effect", "pytorch",
               f"{TORCH}/generated/torch.load.html", _torch_load),
        Reader("torch_load_all", "torch.load(path, weights_only=False)", "pickle_side_effect", "pytorch",
               f"{TORCH}/notes/serialization.html", _torch_load_all),
        Reader("keras_load", "keras.models.load_model(path)", "keras_lambda", "keras",
               f"{KERAS}/models/model_saving_apis/model_saving_and_loading/", _keras_load),
        Reader("keras_load_unsafe", "load_model(path, safe_mode=False)", "keras_lambda", "keras",
               f"{KERAS}/models/model_saving_apis/model_saving_and_loading/", _keras_load_unsafe),
        Reader("keras_load_unsafe_called", "load_model(path, safe_mode=False)(x)", "keras_lambda", "keras",
               f"{KERAS}/models/model_saving_apis/model_saving_and_loading/", _keras_load_unsafe_called),
        Reader("keras_load_h5", "keras.models.load_model(path)", "keras_lambda_h5", "keras",
               f"{KERAS}/models/model_saving_apis/model_saving_and_loading/", _keras_load),
        Reader("saved_model", "tf.saved_model.load(path)", "graph_writes_file", "tensorflow",
               "https://www.tensorflow.org/guide/saved_model", _saved_model),
        Reader("saved_model_called", "tf.saved_model.load(path)(x)", "graph_writes_file", "tensorflow",
               "https://www.tensorflow.org/guide/saved_model", _saved_model_called),
        Reader("keras_get_file", "keras.utils.get_file(address, extract=True)", "archive_escape_tar", "keras",
               f"{KERAS}/utils/python_utils/", _keras_get_file),
        Reader("torch_hub", "torch.hub.load_state_dict_from_url(address)", "archive_escape_zip", "pytorch",
               f"{TORCH}/hub.html", _torch_hub),
        Reader("torch_hub_pickle", "torch.hub.load_state_dict_from_url(address)", "pickle_side_effect", "pytorch",
               f"{TORCH}/hub.html", _torch_hub),
        Reader("torch_load_large", "torch.load(path)", "oversized_torch", "pytorch",
               f"{TORCH}/generated/torch.load.html", _torch_load),
        Reader("keras_weights_large", "model.load_weights(path)", "oversized_h5", "keras",
               f"{KERAS}/models/model_saving_apis/weights_saving_and_loading/", _keras_weights),
        Reader("keras_weights_linked", "model.load_weights(path)", "external_data", "keras",
               f"{KERAS}/models/model_saving_apis/weights_saving_and_loading/", _keras_weights),
    )
}  # fmt: skip


def main(arguments: list[str]) -> int:
    """Open a file: ``READER PATH``; prints what came of it as JSON."""
    reader, path = READERS[arguments[0]], Path(arguments[1])
    version = _version(reader.side)
    _warm(reader.side)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error, opened = "", None
    with warnings.catch_warnings(record=True) as met:
        warnings.simplefilter("always")
        try:
            opened = reader.open(path)
        except Exception as fault:  # whatever it is, it is the answer
            error = f"{type(fault).__name__}: {fault}"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    found = {
        "version": version,
        "error": error,
        "warnings": [f"{each.category.__name__}: {each.message}" for each in met if _tells(each)],
        "effect": _effect(FILES[reader.file].tells, grown, opened),
    }
    print(json.dumps(found))
    sys.stdout.flush()
    return 0


def _tells(warning: warnings.WarningMessage) -> bool:
    """Return whether a warning is for the person who opens the file and not for the library's own maintainers."""
    return not issubclass(warning.category, DeprecationWarning | PendingDeprecationWarning | ImportWarning)


def _effect(tells: str, grown: int, opened: object) -> bool:
    if tells == "mark":
        return Path(MARK).exists()
    if tells == "escaped":
        found = [path for path in Path.cwd().rglob(f"{ESCAPED}*") if path.name == ESCAPED]
        return any("inside" not in path.relative_to(Path.cwd()).parts for path in found)
    if tells == "memory":
        return grown > 0.9 * UNFOLDED
    weights = [value.tolist() for value in opened.get_weights()] if opened is not None else []
    return str(SECRET) in json.dumps(weights)


def _version(side: str) -> str:
    from importlib.metadata import version

    if side == "pytorch":
        return f"torch {version('torch')}"
    import tensorflow as tf

    return f"keras {version('keras')}" if side == "keras" else f"tensorflow {tf.__version__}"


def _warm(side: str) -> None:
    """Import what the reader imports: the memory that an import takes is not the file's doing."""
    import importlib

    for name in {"pytorch": ("torch",), "keras": ("keras", "h5py"), "tensorflow": ("tensorflow",)}[side]:
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
