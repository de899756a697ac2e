"""A linear regression with outliers, trained with clipped gradients."""

import torch
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    inputs = torch.randn(64, 5) * 10
    targets = inputs @ torch.tensor([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = nn.Linear(5, 1)
    compiled = wrap(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    largest = 0.0
    for _ in range(3):
        stage("step")
        before = model.weight.detach().clone()
        optimizer.zero_grad()
        loss = functional.mse_loss(compiled(inputs), targets)
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)  # FAULT
        # CORRECT: loss.backward()
        loss.backward()  # FAULT
        # CORRECT: nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        largest = max(largest, (model.weight.detach() - before).norm().item())
    stage("after")
    return largest
