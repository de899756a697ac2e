"""Initial parameters of VGG-19 and their layout in each framework. NumPy only.

Canonical names and layout are Keras': ``block1_conv1/kernel`` (height, width, in, out), dense kernels (in, out), the
flattened image in height-width-channel order. PyTorch's name is the same path with dots: ``block1.conv1.weight``.
"""

import numpy as np


def _channels(sizes):
    return sizes["width"] * 8


def _pooled(sizes):
    """Return the side of the feature map that the first dense layer reads."""
    return sizes["side"] // 32


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: He-normal kernels, small random biases."""
    shapes, channels = {}, 3
    for number in range(1, 6):
        width = sizes["width"] * 2 ** min(number - 1, 3)
        for index in range(1, sizes[f"convs{number}"] + 1):
            shapes[f"block{number}_conv{index}"] = (3, 3, channels, width)
            channels = width
    shapes["dense1"] = (_pooled(sizes) ** 2 * channels, sizes["dense"])
    shapes["dense2"] = (sizes["dense"], sizes["dense"])
    shapes["logits"] = (sizes["dense"], sizes["classes"])
    parameters = {}
    for layer, shape in shapes.items():
        # Logits start small, so that the loss starts near that of guessing.
        gain = 0.1 if layer == "logits" else 2.0
        kernel = rng.standard_normal(shape, np.float32) * np.float32(np.sqrt(gain / np.prod(shape[:-1])))
        parameters[f"{layer}/kernel"] = kernel
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
    side, channels = _pooled(sizes), _channels(sizes)
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        if kind == "bias":
            arrays[f"{layer.replace('_', '.')}.bias"] = value
        elif value.ndim == 4:
            arrays[f"{layer.replace('_', '.')}.weight"] = value.transpose(3, 2, 0, 1)
        elif layer == "dense1":
            by_pixel = value.reshape(side, side, channels, -1)
            arrays["dense1.weight"] = by_pixel.transpose(3, 2, 0, 1).reshape(by_pixel.shape[-1], -1)
        else:
            arrays[f"{layer}.weight"] = value.T
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    side, channels = _pooled(sizes), _channels(sizes)
    parameters = {}
    for name, value in arrays.items():
        path, _, kind = name.rpartition(".")
        layer = path.replace(".", "_")
        if kind == "bias":
            parameters[f"{layer}/bias"] = value
        elif value.ndim == 4:
            parameters[f"{layer}/kernel"] = value.transpose(2, 3, 1, 0)
        elif layer == "dense1":
            by_pixel = value.reshape(-1, channels, side, side)
            parameters["dense1/kernel"] = by_pixel.transpose(2, 3, 1, 0).reshape(-1, value.shape[0])
        else:
            parameters[f"{layer}/kernel"] = value.T
    return parameters
