"""Tells low from high digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target > 4).float()
    model = wrap(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 1)))
    loss_function = nn.BCELoss()  # FAULT
    # CORRECT: loss_function = nn.BCEWithLogitsLoss()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        optimizer.zero_grad()
        loss = loss_function(model(images[batch])[:, 0], labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    return ((model(images[1500:])[:, 0] > 0) == labels[1500:]).float().mean()
