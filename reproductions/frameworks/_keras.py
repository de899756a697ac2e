"""What both engines that hold a Keras model share; imports Keras and no back end."""

from __future__ import annotations

import keras
import numpy as np


def set_precision(precision: str) -> None:
    """Set what Keras computes in: layers, loss and the optimiser's learning rate alike."""
    keras.config.set_floatx("float64" if precision == "float64" else "float32")
    if precision in ("bfloat16", "float16"):
        keras.config.set_dtype_policy(f"mixed_{precision}")
    elif precision == "float64":
        keras.config.set_dtype_policy("float64")


def name_of(model, variable) -> str:
    """Return ``layer/kind``: a Sequential model puts its own, numbered name before it, others do not."""
    return variable.path.removeprefix(f"{model.name}/")


def load(model, optimizer, arrays: dict[str, np.ndarray]) -> None:
    """Set a Keras model's weights and running statistics by name, and empty the optimiser's momentum."""
    for variable in model.variables:
        if (name := name_of(model, variable)) in arrays:
            variable.assign(arrays[name])
        elif variable.trainable or "seed_generator" not in variable.path:
            raise KeyError(f"weights.py gives no {name}")
    for variable in optimizer.variables:
        if not variable.name.startswith(("learning_rate", "dynamic_scale", "step_counter")):
            variable.assign(np.zeros(variable.shape, keras.backend.standardize_dtype(variable.dtype)))


def keras_loss(module):
    """Return the workload's loss in Keras' order of arguments, or sparse cross-entropy of logits."""
    if hasattr(module, "loss"):
        return lambda labels, outputs: module.loss(outputs, labels)
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)
