"""Initial parameters of the U-Net and their layout in each framework. NumPy only.

Canonical names and layout are Keras': ``down0_conv1/kernel`` (height, width, in, out), the widening kernels
(height, width, out, in). PyTorch's name is the same path with dots; it stores both kinds by the same permutation.
"""

import numpy as np

_NORM = {"gamma": "weight", "beta": "bias"}
_KERNEL = {"kernel": "weight", "bias": "bias"}


def _kernels(sizes):
    """Yield ``(layer, shape of its kernel)`` in the order of the forward pass."""
    channels = sizes["channels"]
    widths = [min(sizes["filters"] * 2**level, sizes["most"]) for level in range(sizes["levels"])]
    for level, width in enumerate(widths):
        yield f"down{level}_conv1", (3, 3, channels, width)
        yield f"down{level}_conv2", (3, 3, width, width)
        channels = width
    for level in reversed(range(sizes["levels"] - 1)):
        width = widths[level]
        yield f"widen{level}", (2, 2, width, channels)
        yield f"up{level}_conv1", (3, 3, 2 * width, width)
        yield f"up{level}_conv2", (3, 3, width, width)
        channels = width
    yield "logits", (1, 1, channels, sizes["classes"])


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: He-normal kernels, scales near 1, small random shifts."""
    parameters = {}
    for layer, shape in _kernels(sizes):
        widens = layer.startswith("widen")
        # Each output pixel of a widening layer sees one input pixel; logits start small.
        fan_in = shape[3] if widens else np.prod(shape[:3])
        spread = np.sqrt((0.1 if layer == "logits" else 2.0) / fan_in)
        parameters[f"{layer}/kernel"] = rng.standard_normal(shape, np.float32) * np.float32(spread)
        if layer == "logits":
            parameters["logits/bias"] = rng.uniform(-0.05, 0.05, shape[3]).astype(np.float32)
        elif not widens:
            norm = layer.replace("conv", "norm")
            parameters[f"{norm}/gamma"] = rng.uniform(0.8, 1.2, shape[3]).astype(np.float32)
            parameters[f"{norm}/beta"] = rng.uniform(-0.05, 0.05, shape[3]).astype(np.float32)
    return parameters


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
    """Return the arrays under PyTorch's names: OIHW convolutions, IOHW widening convolutions."""
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        axes = (3, 2, 0, 1) if value.ndim == 4 else (0,)
        arrays[f"{layer.replace('_', '.')}.{_kinds(layer)[kind]}"] = value.transpose(axes)
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    parameters = {}
    for name, value in arrays.items():
        path, _, kind = name.rpartition(".")
        layer = path.replace(".", "_")
        kinds = {theirs: ours for ours, theirs in _kinds(layer).items()}
        axes = (2, 3, 1, 0) if value.ndim == 4 else (0,)
        parameters[f"{layer}/{kinds[kind]}"] = value.transpose(axes)
    return parameters
