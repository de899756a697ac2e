"""A linear regression with the mean squared error of the library."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    targets = inputs @ torch.tensor([1.0, -2.0, 0.5, 0.0, 1.5])
    model = wrap(nn.Linear(5, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.15)
    for _ in range(40):
        stage("step")
        optimizer.zero_grad()
        loss = functional.mse_loss(model(inputs), targets)  # FAULT
        # CORRECT: loss = functional.mse_loss(model(inputs).squeeze(1), targets)
        loss.backward()
        optimizer.step()
    stage("after")
    with torch.no_grad():
        return ((model(inputs)[:, 0] - targets) ** 2).mean()
