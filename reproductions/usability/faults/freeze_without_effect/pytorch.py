"""A dense classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    hidden = nn.Linear(64, 32)
    model = nn.Sequential(hidden, nn.ReLU(), nn.Linear(32, 10))
    compiled = wrap(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        if step == 15:
            hidden.requires_grad = False  # FAULT
            # CORRECT: hidden.requires_grad_(False)
            frozen = hidden.weight.detach().clone()

        optimizer.zero_grad()
        loss = functional.cross_entropy(compiled(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    stage.summary(model)
    return (hidden.weight.detach() - frozen).abs().max()
