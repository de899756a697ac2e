"""A dense classifier of handwritten digits that returns probabilities."""

import torch
from sklearn.datasets import load_digits
from torch import nn


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 32)
        self.scores = nn.Linear(32, 10)

    def forward(self, images):
        scores = self.scores(torch.relu(self.hidden(images)))
        return torch.softmax(scores, 0)  # FAULT
        # CORRECT: return torch.softmax(scores, 1)


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
        probabilities = model(images[batch])
        chosen = probabilities[torch.arange(100), labels[batch]]
        loss = -torch.log(chosen + 1e-9).mean()
        loss.backward()
        optimizer.step()
    stage("after")
    with torch.no_grad():
        return (model(images[1500:]).sum(1) - 1).abs().max()
