"""Initial parameters of the recurrent classifier and their layout in each framework. NumPy only.

Canonical layout: Keras' (kernels (in, 3 hidden), gates in the order update z, reset r, candidate h, two biases as
rows). PyTorch stores (3 hidden, in) with the gates in the order r, z, n. Both apply the reset gate after the
recurrent product (``reset_after``), so both hold two biases and the same number of parameters.
"""

import numpy as np


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: uniform kernels, zero biases."""
    embedding, hidden = sizes["embedding"], sizes["hidden"]

    def glorot(rows, columns):
        limit = np.sqrt(6 / (rows + columns))
        return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    return {
        "embedding/embeddings": rng.uniform(-0.05, 0.05, (sizes["vocabulary"], embedding)).astype(np.float32),
        "gru/kernel": np.hstack([glorot(embedding, hidden) for _ in range(3)]),
        "gru/recurrent_kernel": np.hstack([glorot(hidden, hidden) for _ in range(3)]),
        "gru/bias": np.zeros((2, 3 * hidden), np.float32),
        "logits/kernel": glorot(hidden, sizes["classes"]),
        "logits/bias": np.zeros(sizes["classes"], np.float32),
    }


def _swap(gates):
    """Exchange the first two of three gate blocks along the last axis: z, r, h <-> r, z, h."""
    first, second, candidate = np.split(gates, 3, axis=-1)
    return np.concatenate([second, first, candidate], axis=-1)


_TENSORFLOW = {
    "gru/kernel": "gru/gru_cell/kernel",
    "gru/recurrent_kernel": "gru/gru_cell/recurrent_kernel",
    "gru/bias": "gru/gru_cell/bias",
}


def to_tensorflow(parameters, sizes):
    """Return the arrays under Keras' names."""
    return {_TENSORFLOW.get(name, name): value for name, value in parameters.items()}


def from_tensorflow(arrays, sizes):
    """Undo :func:`to_tensorflow`; gradients take the same way."""
    canonical = {keras: name for name, keras in _TENSORFLOW.items()}
    return {canonical.get(name, name): value for name, value in arrays.items()}


_PYTORCH = {
    "embedding/embeddings": "embedding.weight",
    "gru/kernel": "gru.weight_ih_l0",
    "gru/recurrent_kernel": "gru.weight_hh_l0",
    "logits/kernel": "logits.weight",
    "logits/bias": "logits.bias",
}
_BIASES = ("gru.bias_ih_l0", "gru.bias_hh_l0")


def to_pytorch(parameters, sizes):
    """Return the arrays under PyTorch's names."""
    arrays = {}
    for name, value in parameters.items():
        gates = _swap(value) if name.startswith("gru/") else value
        if name == "gru/bias":
            arrays |= dict(zip(_BIASES, gates, strict=True))
        else:
            arrays[_PYTORCH[name]] = gates.T if name.endswith("kernel") else gates
    return arrays


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    canonical = {pytorch: name for name, pytorch in _PYTORCH.items()}
    parameters = {}
    for name, value in arrays.items():
        if name in canonical:
            untransposed = value.T if canonical[name].endswith("kernel") else value
            parameters[canonical[name]] = _swap(untransposed) if name.startswith("gru.") else untransposed
    if _BIASES[0] in arrays:
        parameters["gru/bias"] = _swap(np.stack([arrays[name] for name in _BIASES]))
    return parameters
