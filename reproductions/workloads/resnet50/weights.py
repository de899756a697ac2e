"""Initial parameters of ResNet-50 and their layout in each framework. NumPy only.

Canonical names and layout are Keras': ``stage1_block1_conv1/kernel`` (height, width, in, out), dense kernels (in, out).
PyTorch's name is the same path with dots: ``stage1.block1.conv1.weight`` (out, in, height, width).
"""

import numpy as np

_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_KERNEL = {"kernel": "weight", "bias": "bias"}


def _convolutions(sizes):
    """Yield ``(name, side, channels in, channels out)`` in the order of the forward pass."""
    channels = sizes["width"]
    yield "conv", 7, 3, channels
    for stage in range(1, 5):
        width = sizes["width"] * 2 ** (stage - 1)
        for block in range(1, sizes[f"blocks{stage}"] + 1):
            name = f"stage{stage}_block{block}_conv"
            if block == 1:
                yield f"{name}0", 1, channels, 4 * width
            yield f"{name}1", 1, channels, width
            yield f"{name}2", 3, width, width
            yield f"{name}3", 1, width, 4 * width
            channels = 4 * width


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: He-normal kernels, small biases, statistics near 0 and 1.

    The last scale of a residual branch starts near 0.25, the others near 1 (README, "Initial values").
    """
    parameters = {}
    for name, side, channels, width in _convolutions(sizes):
        spread = np.sqrt(2 / (side * side * channels))
        kernel = rng.standard_normal((side, side, channels, width), np.float32)
        parameters[f"{name}/kernel"] = kernel * np.float32(spread)
        parameters[f"{name}/bias"] = rng.uniform(-0.05, 0.05, width).astype(np.float32)
        norm, scale = name.replace("conv", "norm"), 0.25 if name.endswith("conv3") else 1.0
        parameters[f"{norm}/gamma"] = (scale * rng.uniform(0.8, 1.2, width)).astype(np.float32)
        parameters[f"{norm}/beta"] = rng.uniform(-0.05, 0.05, width).astype(np.float32)
        parameters[f"{norm}/moving_mean"] = rng.uniform(-0.1, 0.1, width).astype(np.float32)
        parameters[f"{norm}/moving_variance"] = rng.uniform(0.8, 1.2, width).astype(np.float32)
    features, classes = 32 * sizes["width"], sizes["classes"]
    limit = np.sqrt(6 / (features + classes))
    parameters["logits/kernel"] = rng.uniform(-limit, limit, (features, classes)).astype(np.float32)
    parameters["logits/bias"] = rng.uniform(-0.05, 0.05, classes).astype(np.float32)
    return parameters


def trainable(name):
    """Return whether the optimiser moves a parameter: all but the running statistics."""
    return not name.endswith(("/moving_mean", "/moving_variance"))


def to_tensorflow(parameters, sizes):
    """Return the arrays under Keras' names; the canonical layout is Keras' own."""
    return dict(parameters)


def from_tensorflow(arrays, sizes):
    """Undo :func:`to_tensorflow`; gradients take the same way."""
    return dict(arrays)


def _kinds(layer):
    """Return Keras' kinds of a layer's parameters with PyTorch's; only normalisations are called ``norm``."""
    return _NORM if "norm" in layer else _KERNEL


def to_pytorch(parameters, sizes):
    """Return the arrays under PyTorch's names: OIHW convolutions, (out, in) dense kernels."""
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
        arrays[f"{layer.replace('_', '.')}.{_kinds(layer)[kind]}"] = value.transpose(axes)
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    parameters = {}
    for name, value in arrays.items():
        path, _, kind = name.rpartition(".")
        layer = path.replace(".", "_")
        kinds = {theirs: ours for ours, theirs in _kinds(layer).items()}
        axes = {4: (2, 3, 1, 0), 2: (1, 0), 1: (0,)}[value.ndim]
        parameters[f"{layer}/{kinds[kind]}"] = value.transpose(axes)
    return parameters
