"""Initial parameters of LeNet-5 and their layout in each framework. NumPy only.

Canonical layout: convolutions (height, width, in, out), dense kernels (in, out), the flattened image in
height-width-channel order.
"""

import numpy as np


def _pooled(sizes):
    """Return the side of the feature map that the first dense layer reads."""
    return (sizes["side"] // 2 - 4) // 2


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: Glorot-uniform kernels, small random biases."""
    shapes = {
        "conv1": (5, 5, 1, sizes["conv1"]),
        "conv2": (5, 5, sizes["conv1"], sizes["conv2"]),
        "dense1": (_pooled(sizes) ** 2 * sizes["conv2"], sizes["dense1"]),
        "dense2": (sizes["dense1"], sizes["dense2"]),
        "logits": (sizes["dense2"], sizes["classes"]),
    }
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
    """Return the arrays under PyTorch's names: OIHW convolutions, (out, in) kernels, channel-first flattening."""
    side, channels = _pooled(sizes), sizes["conv2"]
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        if kind == "bias":
            arrays[f"{layer}.bias"] = value
        elif layer.startswith("conv"):
            arrays[f"{layer}.weight"] = value.transpose(3, 2, 0, 1)
        elif layer == "dense1":
            by_pixel = value.reshape(side, side, channels, -1)
            arrays["dense1.weight"] = by_pixel.transpose(3, 2, 0, 1).reshape(by_pixel.shape[-1], -1)
        else:
            arrays[f"{layer}.weight"] = value.T
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    side, channels = _pooled(sizes), sizes["conv2"]
    parameters = {}
    for name, value in arrays.items():
        layer, kind = name.split(".")
        if kind == "bias":
            parameters[f"{layer}/bias"] = value
        elif layer.startswith("conv"):
            parameters[f"{layer}/kernel"] = value.transpose(2, 3, 1, 0)
        elif layer == "dense1":
            by_pixel = value.reshape(-1, channels, side, side)
            parameters["dense1/kernel"] = by_pixel.transpose(2, 3, 1, 0).reshape(-1, value.shape[0])
        else:
            parameters[f"{layer}/kernel"] = value.T
    return parameters
