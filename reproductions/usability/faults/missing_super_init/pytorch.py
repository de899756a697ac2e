"""A linear classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


class Classifier(nn.Module):
    def __init__(self):
        # FAULT: the base class is not initialised
        # CORRECT: super().__init__()
        self.scores = nn.Linear(64, 10)

    def forward(self, images):
        return self.scores(images)


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = wrap(Classifier())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    predicted = model(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
