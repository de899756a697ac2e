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
    model = wrap(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10)))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        inputs = images[batch].to("meta")  # FAULT
        # CORRECT: inputs = images[batch].to("cpu")
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(inputs), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    predicted = model(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
