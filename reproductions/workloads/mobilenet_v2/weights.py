"""Initial parameters of MobileNetV2 and their layout in each framework. NumPy only.

Canonical names and layout are Keras': ``stage1_block1_conv3/kernel`` (height, width, in, out), depthwise kernels
(height, width, in, 1), dense kernels (in, out). PyTorch's name is the same path with dots.
"""

import numpy as np

#: Expansion, channels and repeats of each stage: table 2 of Sandler 2018.
STAGES = ((1, 16, 1), (6, 24, 2), (6, 32, 3), (6, 64, 4), (6, 96, 3), (6, 160, 3), (6, 320, 1))
_NORM = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_KERNEL = {"kernel": "weight", "bias": "bias"}


def _convolutions(sizes):
    """Yield ``(name, name of its normalisation, kernel's shape)`` in the order of the forward pass."""
    channels = 32 // sizes["divisor"]
    yield "conv", "norm", (3, 3, 3, channels)
    for number, (expansion, width, repeats) in enumerate(STAGES[: sizes["stages"]], start=1):
        for index in range(1, min(repeats, sizes["repeats"]) + 1):
            block, hidden, divided = f"stage{number}_block{index}", channels * expansion, width // sizes["divisor"]
            if expansion > 1:
                yield f"{block}_conv1", f"{block}_norm1", (1, 1, channels, hidden)
            yield f"{block}_depthwise", f"{block}_norm2", (3, 3, hidden, 1)
            yield f"{block}_conv3", f"{block}_norm3", (1, 1, hidden, divided)
            channels = divided
    yield "head", "headnorm", (1, 1, channels, sizes["head"])


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: He-normal kernels, running statistics near 0 and 1.

    The last scale of a block starts near 0.25, the others near 1 (README, "Initial values").
    """
    parameters = {}
    for name, norm, shape in _convolutions(sizes):
        depthwise = name.endswith("depthwise")
        spread = np.sqrt(2 / np.prod(shape[:2] if depthwise else shape[:3]))
        parameters[f"{name}/kernel"] = rng.standard_normal(shape, np.float32) * np.float32(spread)
        width, scale = shape[2] if depthwise else shape[3], 0.25 if name.endswith("conv3") else 1.0
        parameters[f"{norm}/gamma"] = (scale * rng.uniform(0.8, 1.2, width)).astype(np.float32)
        parameters[f"{norm}/beta"] = rng.uniform(-0.05, 0.05, width).astype(np.float32)
        parameters[f"{norm}/moving_mean"] = rng.uniform(-0.1, 0.1, width).astype(np.float32)
        parameters[f"{norm}/moving_variance"] = rng.uniform(0.8, 1.2, width).astype(np.float32)
    limit = np.sqrt(6 / (sizes["head"] + sizes["classes"]))
    parameters["logits/kernel"] = rng.uniform(-limit, limit, (sizes["head"], sizes["classes"])).astype(np.float32)
    parameters["logits/bias"] = rng.uniform(-0.05, 0.05, sizes["classes"]).astype(np.float32)
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
    """Return the arrays under PyTorch's names: OIHW convolutions (depthwise: O1HW), (out, in) dense kernels."""
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.split("/")
        axes = {4: (3, 2, 0, 1), 2: (1, 0), 1: (0,)}[value.ndim]
        if layer.endswith("depthwise"):
            axes = (2, 3, 0, 1)
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
        if layer.endswith("depthwise"):
            axes = (2, 3, 0, 1)
        parameters[f"{layer}/{kinds[kind]}"] = value.transpose(axes)
    return parameters
