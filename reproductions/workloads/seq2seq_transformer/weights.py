"""Initial parameters of the encoder-decoder and their layout in each framework. NumPy only.

Canonical layout: Keras' (kernels (in, out); query, key and value of self-attention side by side in one kernel, key and
value of the source in another). PyTorch stores (out, in).
"""

import re

import numpy as np

EMBEDDINGS = ("tokens", "positions")


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``.

    Uniform kernels; biases, scales and shifts a little off 0 and 1, so that two of them exchanged would show. The token
    table is multiplied by the root of the width where it is read, and starts smaller by as much.
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
        "tokens/embeddings": normal(sizes["vocabulary"], width, deviation=width**-0.5),
        "positions/embeddings": normal(sizes["positions"], width, deviation=0.5),
    }
    for kind in ("encoder", "decoder"):
        for number in range(sizes["blocks"]):
            name = f"{kind}{number}"
            parameters |= dense(f"{name}/qkv", width, 3 * width) | dense(f"{name}/attended", width, width)
            parameters |= norm(f"{name}/attention_norm")
            if kind == "decoder":
                parameters |= dense(f"{name}/query", width, width) | dense(f"{name}/source", width, 2 * width)
                parameters |= dense(f"{name}/crossed", width, width) | norm(f"{name}/crossing_norm")
            parameters |= dense(f"{name}/expand", width, sizes["inner"])
            parameters |= dense(f"{name}/contract", sizes["inner"], width) | norm(f"{name}/output_norm")
    return parameters


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
        layer = re.sub(r"^(encoder|decoder)(\d+)/", r"\1s.\2.", layer)
        arrays[f"{layer}.{'bias' if kind in ('bias', 'beta') else 'weight'}"] = value.T if kind == "kernel" else value
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    parameters = {}
    for name, value in arrays.items():
        layer, kind = name.rsplit(".", 1)
        layer = re.sub(r"^(encoder|decoder)s\.(\d+)\.", r"\1\2/", layer)
        if layer.endswith("norm"):
            parameters[f"{layer}/{'gamma' if kind == 'weight' else 'beta'}"] = value
        elif kind == "bias":
            parameters[f"{layer}/bias"] = value
        elif layer in EMBEDDINGS:
            parameters[f"{layer}/embeddings"] = value
        else:
            parameters[f"{layer}/kernel"] = value.T
    return parameters
