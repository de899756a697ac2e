"""Initial parameters of the fully convolutional classifier and their layout in each framework. NumPy only.

Canonical layout: convolutions (height, width, in, out), dense kernels (in, out). None depends on the images' side.
"""

import numpy as np


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: Glorot-uniform kernels, small random biases."""
    widths = [3] + [sizes[f"conv{index}"] for index in range(1, 5)]
    shapes = {f"conv{index}": (3, 3, widths[index - 1], widths[index]) for index in range(1, 5)}
    shapes["logits"] = (sizes["conv4"], sizes["classes"])
    parameters = {}
    for layer, shape in shapes.items():
        field = int(np.prod(shape[:-2]))
        limit = np.sqrt(6 / (field * (shape[-2] + shape[-1])))
        parameters[f"{layer}/kernel"] = rng.uniform(-limit, limit, shape).astype(np.float32)
        parameters[f"{layer}/bias"] = rng.uniform(-0.05, 0.05, shape[-1]).astype(np.float32)
    return parameters


def to_tensorflow(parameters, sizes):
    """Return the arrays under Keras' names; the canonical layout is Keras' own."""
    return dict(parameters)


def from_tensorflow(arrays, sizes):
    """Undo :func:`to_tensorflow`; gradients take the same way."""
    return dict(arrays)


def to_pytorch(parameters, sizes):
    """Return the arrays under PyTorch's names: OIHW convolutions, (out, in) dense kernels."""
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
        arrays[f"{layer}.{'weight' if kind == 'kernel' else kind}"] = value.transpose(axes)
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    parameters = {}
    for name, value in arrays.items():
        layer, kind = name.split(".")
        axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim]
        parameters[f"{layer}/{'kernel' if kind == 'weight' else kind}"] = value.transpose(axes)
    return parameters
