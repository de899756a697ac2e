"""A linear regression with a falling learning rate."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5)
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = wrap(nn.Linear(5, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=20, gamma=0.1)
    for _ in range(20):
        for batch in range(0, 64, 16):
            stage("step")
            optimizer.zero_grad()
            predictions = model(inputs[batch : batch + 16])
            loss = functional.mse_loss(predictions, targets[batch : batch + 16])
            loss.backward()
            optimizer.step()
            schedule.step()  # FAULT
            # CORRECT: if batch == 48: schedule.step()
    stage("after")
    return functional.mse_loss(model(inputs), targets)
