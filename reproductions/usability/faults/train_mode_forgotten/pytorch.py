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
    normalise = nn.BatchNorm1d(64)
    model = nn.Sequential(normalise, nn.Linear(64, 10))
    compiled = wrap(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        if step % 15 == 0:
            model.eval()
            chance = (compiled(images[1500:]).argmax(1) == labels[1500:]).float().mean()
            assert step or chance < 0.5
            # FAULT: the model stays in evaluation mode
            # CORRECT: model.train()

        optimizer.zero_grad()
        loss = functional.cross_entropy(compiled(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    return (normalise.running_mean - images.mean(0)).abs().max()
