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


def to_pytorch(parameters, sizes):
    """Return the arrays under PyTorch's names."""
    input_bias, recurrent_bias = _swap(parameters["gru/bias"])
    return {
        "embedding.weight": parameters["embedding/embeddings"],
        "gru.weight_ih_l0": _swap(parameters["gru/kernel"]).T,
        "gru.weight_hh_l0": _swap(parameters["gru/recurrent_kernel"]).T,
        "gru.bias_ih_l0": input_bias,
        "gru.bias_hh_l0": recurrent_bias,
        "logits.weight": parameters["logits/kernel"].T,
        "logits.bias": parameters["logits/bias"],
    }


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    return {
        "embedding/embeddings": arrays["embedding.weight"],
        "gru/kernel": _swap(arrays["gru.weight_ih_l0"].T),
        "gru/recurrent_kernel": _swap(arrays["gru.weight_hh_l0"].T),
        "gru/bias": _swap(np.stack([arrays["gru.bias_ih_l0"], arrays["gru.bias_hh_l0"]])),
        "logits/kernel": arrays["logits.weight"].T,
        "logits/bias": arrays["logits.bias"],
    }
