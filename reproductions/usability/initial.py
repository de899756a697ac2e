"""The common initial weights, loaded into a model of any of the three kinds.

Weights come as a list in the order in which a model makes them, in Keras' layout: kernels (inputs, outputs).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np


def built(program: str, build: Callable[[], object], weights: Sequence[np.ndarray]) -> object:
    """Build the model and load the weights, if there are any; ValueError if number or shapes differ.

    program   pytorch, tensorflow (a tf.Module) or keras
    """
    if not weights:
        return build()
    return {"pytorch": _pytorch, "tensorflow": _tensorflow, "keras": _keras}[program](build, list(weights))


def _pytorch(build: Callable[[], object], weights: list[np.ndarray]) -> object:
    import torch
    from torch import nn

    model = build()
    targets = []
    for layer in model.modules():
        across = isinstance(layer, nn.Linear | nn.RNN)  # PyTorch stores these kernels as (outputs, inputs)
        targets += [p.data.T if across and p.ndim == 2 else p.data for p in layer.parameters(recurse=False)]
    _check([tuple(target.shape) for target in targets], weights)
    for target, value in zip(targets, weights, strict=True):
        target.copy_(torch.from_numpy(value))
    return model


def _tensorflow(build: Callable[[], object], weights: list[np.ndarray]) -> object:
    import tensorflow as tf

    made = []  # a tf.Module lists its variables by name; what counts here is the order in which they were made

    def note(create: Callable[..., object], **settings: object) -> object:
        made.append(create(**settings))
        return made[-1]

    with tf.variable_creator_scope(note):
        model = build()
    _check([tuple(variable.shape) for variable in made], weights)
    for variable, value in zip(made, weights, strict=True):
        variable.assign(value)
    return model


def _keras(build: Callable[[], object], weights: list[np.ndarray]) -> object:
    model = build()
    _check([tuple(variable.shape) for variable in model.weights], weights)
    model.set_weights(weights)
    return model


def _check(shapes: list[tuple[int, ...]], weights: list[np.ndarray]) -> None:
    wanted = [value.shape for value in weights]
    if shapes != wanted:
        raise ValueError(f"the model has weights of shapes {shapes}, data.py gives {wanted}; make the two agree")
