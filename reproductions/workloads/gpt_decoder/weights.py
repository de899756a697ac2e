"""Initial parameters of the decoder and their layout in each framework. NumPy only.

Canonical layout: Keras' (kernels (in, out), query, key and value side by side in one kernel). PyTorch stores (out, in).
"""

import re

import numpy as np

EMBEDDINGS = ("tokens", "positions")


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``.

    Uniform kernels; biases, scales and shifts a little off 0 and 1, so that two of them exchanged would show. Positions
    of deviation 0.1, not GPT-2's 0.02, so that the untrained network does not say the same token for ever.
    """
    width = sizes["width"]

    def normal(*shape, deviation=0.02):
        return (deviation * rng.standard_normal(shape)).astype(np.float32)

    def dense(name, rows, columns):
        limit = np.sqrt(6 / (rows + columns))
        kernel = rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)
        return {f"{name}/kernel": kernel, f"{name}/bias": normal(columns)}

    def norm(name):
        return {f"{name}/gamma": 1 + normal(width), f"{name}/beta": normal(width)}

    parameters = {
        "tokens/embeddings": normal(sizes["vocabulary"], width),
        "positions/embeddings": normal(sizes["positions"], width, deviation=0.1),
    }
    for block in range(sizes["blocks"]):
        name = f"block{block}"
        parameters |= norm(f"{name}/attention_norm")
        parameters |= dense(f"{name}/qkv", width, 3 * width) | dense(f"{name}/attended", width, width)
        parameters |= norm(f"{name}/inner_norm")
        parameters |= dense(f"{name}/expand", width, sizes["inner"]) | dense(f"{name}/contract", sizes["inner"], width)
    return parameters | norm("final_norm")


def to_tensorflow(parameters, sizes):
    """Return the arrays under Keras' names, which are the canonical ones."""
    return dict(parameters)


def from_tensorflow(arrays, sizes):
    """Undo :func:`to_tensorflow`; gradients take the same way."""
    return dict(arrays)


def to_pytorch(parameters, sizes):
    """Return the arrays under PyTorch's names."""
    arrays = {}
    for name, value in parameters.items():
        layer, kind = name.rsplit("/", 1)
        layer = re.sub(r"^block(\d+)/", r"blocks.\1.", layer)
        arrays[f"{layer}.{'bias' if kind in ('bias', 'beta') else 'weight'}"] = value.T if kind == "kernel" else value
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    parameters = {}
    for name, value in arrays.items():
        layer, kind = name.rsplit(".", 1)
        layer = re.sub(r"^blocks\.(\d+)\.", r"block\1/", layer)
        if layer.endswith("norm"):
            parameters[f"{layer}/{'gamma' if kind == 'weight' else 'beta'}"] = value
        elif kind == "bias":
            parameters[f"{layer}/bias"] = value
        elif layer in EMBEDDINGS:
            parameters[f"{layer}/embeddings"] = value
        else:
            parameters[f"{layer}/kernel"] = value.T
    return parameters
