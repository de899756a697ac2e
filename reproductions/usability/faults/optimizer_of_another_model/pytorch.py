"""A dense classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


def make():
    return nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = make()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    for run in range(2):
        if run:
            model = make()
            # FAULT: the optimiser is still that of the first model
            # CORRECT: optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
        compiled = wrap(model)
        for step in range(30):
            stage("step")
            batch = slice(step % 15 * 100, step % 15 * 100 + 100)
            optimizer.zero_grad()
            loss = functional.cross_entropy(compiled(images[batch]), labels[batch])
            loss.backward()
            optimizer.step()
    stage("after")
    predicted = model(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
