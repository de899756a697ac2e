"""Initial parameters of the LSTM classifier and their layout in each framework. NumPy only.

Canonical layout: Keras' (kernels (in, 4 hidden), gates in the order input, forget, candidate, output, one bias).
PyTorch stores (4 hidden, in). Values and canonical names are those of lstm_text.
"""

import numpy as np


def initial(rng, sizes):
    """Return ``{canonical name: float32 array}``: uniform kernels, small biases, the forget gate's around one."""
    embedding, hidden = sizes["embedding"], sizes["hidden"]

    def glorot(rows, columns):
        limit = np.sqrt(6 / (rows + columns))
        return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)

    bias = rng.uniform(-0.05, 0.05, 4 * hidden).astype(np.float32)
    bias[hidden : 2 * hidden] += 1
    return {
        "embedding/embeddings": rng.uniform(-0.05, 0.05, (sizes["vocabulary"], embedding)).astype(np.float32),
        "lstm/kernel": np.hstack([glorot(embedding, hidden) for _ in range(4)]),
        "lstm/recurrent_kernel": np.hstack([glorot(hidden, hidden) for _ in range(4)]),
        "lstm/bias": bias,
        "logits/kernel": glorot(hidden, sizes["classes"]),
        "logits/bias": rng.uniform(-0.05, 0.05, sizes["classes"]).astype(np.float32),
    }


_TENSORFLOW = {f"lstm/{kind}": f"lstm/cell/{kind}" for kind in ("kernel", "recurrent_kernel", "bias")}
_PYTORCH = {
    "embedding/embeddings": "embedding.weight",
    "lstm/kernel": "lstm.inputs.weight",
    "lstm/recurrent_kernel": "lstm.recurrent.weight",
    "lstm/bias": "lstm.inputs.bias",
    "logits/kernel": "logits.weight",
    "logits/bias": "logits.bias",
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
    return {_PYTORCH[name]: value.T if name.endswith("kernel") else value for name, value in parameters.items()}


def from_pytorch(arrays, sizes):
    """Undo :func:`to_pytorch`; gradients take the same way."""
    canonical = {pytorch: name for name, pytorch in _PYTORCH.items()}
    return {canonical[name]: value.T if canonical[name].endswith("kernel") else value for name, value in arrays.items()}
