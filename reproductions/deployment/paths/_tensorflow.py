"""What the paths out of TensorFlow share."""

from __future__ import annotations

import pathlib
import tempfile
from collections.abc import Callable, Mapping

import numpy as np

from reproductions.deployment import models
from reproductions.deployment.spec import Request

TENSORFLOW = ("tensorflow-cpu|tensorflow",)
KERAS = (*TENSORFLOW, "keras")
WEIGHTS = "model.weights.h5"


def signature(request: Request, rows: int | None = None) -> list:
    """Return the model's input for Keras' exporters: any batch, or one of ``rows``; the other sizes are fixed."""
    import keras

    shape, kind = _input(request)
    return [keras.InputSpec(shape=(rows, *shape), dtype=kind, name="input")]


def specification(request: Request) -> list:
    """Return the model's input as ``tf.TensorSpec``, for any batch."""
    import tensorflow as tf

    shape, kind = _input(request)
    return [tf.TensorSpec((None, *shape), kind, name="input")]


def _input(request: Request) -> tuple[tuple[int, ...], str]:
    row = models.sample(request, 1)
    return row.shape[1:], str(row.dtype)


def function(model, request: Request):
    """Return the model's forward pass as a function that is traced for any batch."""
    import tensorflow as tf

    return tf.function(lambda batch: model(batch, training=False), input_signature=specification(request))


def saved_model(model, folder: pathlib.Path, request: Request) -> None:
    """Write a SavedModel the way Keras does."""
    model.export(str(folder), format="tf_saved_model", input_signature=signature(request), verbose=False)


def with_weights(folder: pathlib.Path, request: Request):
    """Return the model, built from its source with the parameters of :data:`WEIGHTS`."""
    models.prepare_tensorflow(request.threads)
    model = models.build(request)
    model.load_weights(folder / WEIGHTS)
    return model


def predictor(call: Callable) -> Callable[[np.ndarray], np.ndarray]:
    """Return ``predict`` of something that takes and gives one tensor."""
    import tensorflow as tf

    return lambda batch: call(tf.constant(batch)).numpy()


def to_litert(model, file: pathlib.Path, request: Request, settings: Mapping[str, object] | None = None) -> None:
    """Write a TensorFlow Lite file of built-in operators alone, through a SavedModel as Keras' own exporter does.

    settings   attributes of the converter; ``target_spec.NAME`` reaches into its target
    """
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        saved_model(model, pathlib.Path(scratch), request)
        converter = tf.lite.TFLiteConverter.from_saved_model(scratch)
        for name, value in (settings or {}).items():
            holder, _, attribute = name.rpartition(".")
            setattr(getattr(converter, holder) if holder else converter, attribute, value)
        file.write_bytes(converter.convert())


def calibration(request: Request) -> Callable:
    """Return a generator function of real training rows, one at a time, as the converter reads them."""
    found = models.rows(request, "x_calibration")

    def rows():
        for start in range(len(found)):
            yield [found[start : start + 1]]

    return rows
