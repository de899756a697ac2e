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
    layers = nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(1)
    model = wrap(nn.Sequential(*layers))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        optimizer.zero_grad()
        probabilities = model(images[batch])
        loss = functional.cross_entropy(probabilities, labels[batch])  # FAULT
        # CORRECT: loss = functional.nll_loss(torch.log(probabilities), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    chosen = model(images[1500:])[torch.arange(297), labels[1500:]]
    return -torch.log(chosen).mean()
