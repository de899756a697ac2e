"""Three small networks in PyTorch in which every default of ``each/`` is a setting, and one training of them.

Why PyTorch alone: the parity ladder shows that both frameworks compute the same where everything is set alike, so what
a default does to accuracy is the default's doing, not the framework's. Initial weights are drawn by NumPy from the
seed, so two settings of one seed start as alike as their laws allow, and see the data in the same order.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from reproductions.batches import epochs
from reproductions.upkeep.defaults import laws

#: Data set and sizes of each network.
NETWORKS = {
    "convolutional": {"dataset": "mnist5k", "filters": (16, 32, 32), "dense": 64},
    "recurrent": {"dataset": "reuters_r8", "words": 4000, "tokens": 60, "embedding": 32, "hidden": 48},
    "transformer": {"dataset": "reuters_r8", "words": 4000, "tokens": 60, "width": 48, "inner": 96, "heads": 2},
}
#: Settings that no file of ``each/`` reads, the same on both sides.
SHARED = {"optimizer": "adam", "learning_rate": 1e-3, "decay_rate": None}
BATCH = 32


def inputs(network: str, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the data set as a network takes it: images (n, 1, 28, 28) in 0..1, or token ids (n, tokens)."""
    sizes = NETWORKS[network]
    found = {name: arrays[name] for name in ("y_train", "y_test")}
    for part in ("train", "test"):
        given = arrays[f"x_{part}"]
        if network == "convolutional":
            found[f"x_{part}"] = (given.astype(np.float32) / 255)[:, None]
        else:
            ids = given[:, : sizes["tokens"]].astype(np.int64)
            found[f"x_{part}"] = np.where(ids < sizes["words"], ids, 1)
    return found


def train(network: str, settings: Mapping, data: Mapping[str, np.ndarray], seed: int, epochs_run: int) -> dict:
    """Train from the seed and return how many test examples are right.

    settings  every setting of the network: what was read of the defaults over :data:`SHARED`
    data      of :func:`inputs`
    """
    import torch
    from torch.nn import functional

    torch.manual_seed(seed)  # dropout
    rng = np.random.default_rng(seed)
    settings = SHARED | dict(settings)
    classes = int(data["y_train"].max()) + 1
    model = {"convolutional": _convolutional, "recurrent": _recurrent, "transformer": _transformer}[network](
        NETWORKS[network], settings, classes, rng
    )
    optimizer = _optimizer(model, settings)
    steps = len(data["y_train"]) // BATCH
    order = epochs(rng, len(data["y_train"]), BATCH)
    tensors = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in data.items()}
    rate = settings["learning_rate"]
    model.train()
    for step in range(epochs_run * steps):
        if settings["decay_rate"]:
            passed = step // steps if settings["decay"] == "falls once an epoch" else step / steps
            for group in optimizer.param_groups:
                group["lr"] = rate * settings["decay_rate"] ** passed
        rows = torch.from_numpy(next(order))
        outputs = model(tensors["x_train"][rows])
        if not settings.get("takes_logits", True):
            outputs = outputs.softmax(-1)  # the softmax that Keras' loss asks for, in front of PyTorch's loss
        loss = functional.cross_entropy(outputs, tensors["y_train"][rows].long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.inference_mode():
        predicted = torch.cat([model(part).argmax(-1) for part in tensors["x_test"].split(256)])
    correct = int((predicted == tensors["y_test"].long()).sum())
    return {"correct": correct, "n_test": len(data["y_test"]), "n_train": len(data["y_train"])}


def _optimizer(model, settings: Mapping):
    import torch

    rate, parameters = settings["learning_rate"], model.parameters()
    if settings["optimizer"] == "sgd":
        return torch.optim.SGD(parameters, lr=rate)
    if settings["optimizer"] == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=settings["weight_decay"])
    return torch.optim.Adam(parameters, lr=rate, eps=settings.get("epsilon", 1e-8))


def _fill(layer, rng: np.random.Generator, kernels: str = laws.FAN_IN, biases: str = laws.FAN_IN) -> None:
    """Draw a dense or convolutional layer's kernel and bias from their laws."""
    import torch

    shape = tuple(layer.weight.shape)
    field = int(np.prod(shape[2:]))
    fan_in, fan_out = shape[1] * field, shape[0] * field
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(laws.draw(kernels, rng, shape, fan_in, fan_out)))
        layer.bias.copy_(torch.from_numpy(laws.draw(biases, rng, shape[:1], fan_in, fan_out)))


def _convolutional(sizes: Mapping, settings: Mapping, classes: int, rng: np.random.Generator):
    """Three convolutions with batch normalisation, the second and third with stride 2, and two dense layers."""
    from torch import nn

    one, two, three = sizes["filters"]
    norm = {"eps": settings["batch_norm_epsilon"], "momentum": settings["batch_norm_momentum"]}
    before, behind = settings["padding"]
    model = nn.Sequential(
        nn.Conv2d(1, one, 3, padding=1), nn.BatchNorm2d(one, **norm), nn.ReLU(),
        nn.ZeroPad2d((before, behind, before, behind)),
        nn.Conv2d(one, two, 3, stride=2), nn.BatchNorm2d(two, **norm), nn.ReLU(),
        nn.ZeroPad2d((before, behind, before, behind)),
        nn.Conv2d(two, three, 3, stride=2), nn.BatchNorm2d(three, **norm), nn.ReLU(),
        nn.Flatten(), nn.Linear(7 * 7 * three, sizes["dense"]), nn.ReLU(), nn.Linear(sizes["dense"], classes),
    )  # fmt: skip
    for layer in model:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            _fill(layer, rng, **settings["initialisers"])
    return model


def _recurrent(sizes: Mapping, settings: Mapping, classes: int, rng: np.random.Generator):
    """Embedding, LSTM, mean of the states over the document, dense."""
    import torch
    from torch import nn

    hidden, width = sizes["hidden"], sizes["embedding"]

    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = nn.Embedding(sizes["words"], width)
            self.lstm = nn.LSTM(width, hidden, batch_first=True)
            self.logits = nn.Linear(hidden, classes)

        def forward(self, tokens):
            states, _ = self.lstm(self.embedding(tokens))
            present = (tokens != 0).unsqueeze(-1)
            return self.logits((states * present).sum(1) / present.sum(1))

    model = Recurrent()
    lstm = model.lstm
    biases = settings["recurrent_biases"]
    with torch.no_grad():
        table = laws.draw(settings["embedding"], rng, (sizes["words"], width), sizes["words"], width)
        model.embedding.weight.copy_(torch.from_numpy(table))
        kernel = laws.draw(laws.FAN_IN, rng, (4 * hidden, width), hidden, 4 * hidden)
        lstm.weight_ih_l0.copy_(torch.from_numpy(kernel))
        kernel = laws.draw(settings["recurrent_kernel"], rng, (4 * hidden, hidden), hidden, 4 * hidden)
        lstm.weight_hh_l0.copy_(torch.from_numpy(kernel))
        for number, bias in enumerate((lstm.bias_ih_l0, lstm.bias_hh_l0)):
            parts = [
                laws.draw(biases["forget gate" if gate == 1 else "other gates"], rng, (hidden,), hidden, 4 * hidden)
                for gate in range(4)
            ]
            bias.copy_(torch.from_numpy(np.concatenate(parts) * (number < biases["biases"])))
    lstm.bias_hh_l0.requires_grad_(biases["biases"] > 1)
    _fill(model.logits, rng)
    return model


def _transformer(sizes: Mapping, settings: Mapping, classes: int, rng: np.random.Generator):
    """Embedding and positions, one post-LN block as both documentations draw it, mean over the document, dense."""
    import torch
    from torch import nn
    from torch.nn import functional

    width, heads = sizes["width"], sizes["heads"]
    epsilon, share = settings["layer_norm_epsilon"], settings["dropout"]

    class Transformer(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.positions = nn.Embedding(sizes["words"], width), nn.Embedding(sizes["tokens"], width)
            self.qkv, self.attended = nn.Linear(width, 3 * width), nn.Linear(width, width)
            self.expand, self.contract = nn.Linear(width, sizes["inner"]), nn.Linear(sizes["inner"], width)
            self.first, self.second = nn.LayerNorm(width, eps=epsilon), nn.LayerNorm(width, eps=epsilon)
            self.dropout, self.logits = nn.Dropout(share), nn.Linear(width, classes)

        def forward(self, tokens):
            states = self.tokens(tokens) + self.positions.weight
            rows, length, _ = states.shape
            query, key, value = self.qkv(states).view(rows, length, 3, heads, -1).permute(2, 0, 3, 1, 4)
            found = functional.scaled_dot_product_attention(
                query, key, value, dropout_p=share if self.training else 0.0
            )
            found = self.attended(found.transpose(1, 2).reshape(rows, length, width))
            states = self.first(states + self.dropout(found))
            found = self.contract(self.dropout(functional.relu(self.expand(states))))
            states = self.second(states + self.dropout(found))
            present = (tokens != 0).unsqueeze(-1)
            return self.logits((states * present).sum(1) / present.sum(1))

    model = Transformer()
    with torch.no_grad():
        for table in (model.tokens, model.positions):
            shape = tuple(table.weight.shape)
            table.weight.copy_(torch.from_numpy((0.05 * rng.standard_normal(shape)).astype(np.float32)))
    for layer in (model.qkv, model.attended, model.expand, model.contract, model.logits):
        _fill(layer, rng)
    return model
