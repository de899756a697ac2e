"""A classifier of handwritten digits that flattens the images itself."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.scores = nn.Linear(64, 10)

    def forward(self, images):
        flat = images.reshape(100, 64)  # FAULT
        # CORRECT: flat = images.reshape(-1, 64)
        return self.scores(flat)


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.images / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = wrap(Classifier())
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for start in range(0, len(images), 100):
        stage("step")
        optimizer.zero_grad()
        scores = model(images[start : start + 100])
        loss = functional.cross_entropy(scores, labels[start : start + 100])
        loss.backward()
        optimizer.step()
    stage("after")
    predicted = model(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
