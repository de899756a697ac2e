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
    model = nn.Sequential(nn.Linear(64, 64), nn.BatchNorm1d(64), nn.Linear(64, 10))
    compiled = wrap(model)
    size = 1  # FAULT
    # CORRECT: size = 10
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for start in range(0, 300, size):
        stage("step")
        optimizer.zero_grad()
        scores = compiled(images[start : start + size])
        loss = functional.cross_entropy(scores, labels[start : start + size])
        loss.backward()
        optimizer.step()
    stage("after")
    predicted = compiled(images[:300]).argmax(1)
    return (predicted == labels[:300]).float().mean()
