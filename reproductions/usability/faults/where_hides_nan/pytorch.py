"""Fits the square root of the positive part of a linear function."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    linear = inputs @ torch.tensor([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    targets = torch.sqrt(torch.clamp(linear, min=0.0))
    model = nn.Linear(5, 1)

    @wrap
    def predict(inputs):
        score = model(inputs)
        root = torch.sqrt(score)  # FAULT
        # CORRECT: root = torch.sqrt(torch.where(score > 0, score, 1.0))
        return torch.where(score > 0, root, 0.0)

    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(40):
        stage("step")
        optimizer.zero_grad()
        loss = functional.mse_loss(predict(inputs), targets)
        loss.backward()
        optimizer.step()
    stage("after")
    return nn.functional.mse_loss(predict(inputs), targets) + 0 * model.bias.sum()
