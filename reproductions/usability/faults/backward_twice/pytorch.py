"""A regression with a second loss that keeps the predictions small."""

import torch
from torch import nn


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = wrap(nn.Sequential(nn.Linear(5, 16), nn.Tanh(), nn.Linear(16, 1)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(40):
        stage("step")
        optimizer.zero_grad()
        predictions = model(inputs)
        error = ((predictions - targets) ** 2).mean()
        size = 0.001 * (predictions**2).mean()
        error.backward()  # FAULT
        # CORRECT: (error + size).backward()
        size.backward()  # FAULT
        # CORRECT:
        optimizer.step()
    stage("after")
    with torch.no_grad():
        return ((model(inputs) - targets) ** 2).mean()
