"""The two small networks in PyTorch: a module of its own, since a pickled model names the place of its class."""

import torch
from models import filled, inputs
from torch import nn


class Dense(nn.Module):
    """Two dense layers with batch normalisation."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.second = nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 3)

    def forward(self, rows):
        """Return three numbers a row."""
        return self.second(self.norm(torch.relu(self.first(rows))))


class Recurrent(nn.Module):
    """An LSTM and a dense layer on its last state."""

    def __init__(self):
        super().__init__()
        self.lstm, self.dense = nn.LSTM(4, 5, batch_first=True), nn.Linear(5, 3)

    def forward(self, rows):
        """Return three numbers a row."""
        states, _ = self.lstm(rows)
        return self.dense(states[:, -1])


def empty(network):
    """Return a network as made, ready to be asked."""
    return (Recurrent() if network == "recurrent" else Dense()).eval()


def model(network):
    """Return a network with its weights."""
    made = empty(network)
    values = {}
    for name, value in made.state_dict().items():
        values[name] = torch.from_numpy(filled(tuple(value.shape))) if value.is_floating_point() else value
    made.load_state_dict(values)
    return made


def outputs(made, network):
    """Return a network's outputs as lists."""
    with torch.no_grad():
        return made(torch.from_numpy(inputs(network))).tolist()
