"""A dense classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = [nn.Linear(64, 64) for _ in range(2)]  # FAULT
        # CORRECT: self.hidden = nn.ModuleList(nn.Linear(64, 64) for _ in range(2))
        self.scores = nn.Linear(64, 10)

    def forward(self, images):
        for layer in self.hidden:
            images = torch.relu(layer(images))
        return self.scores(images)


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = Classifier()
    before = model.hidden[1].weight.detach().clone()
    compiled = wrap(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        optimizer.zero_grad()
        loss = functional.cross_entropy(compiled(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    stage("after")
    stage.summary(model)
    return (model.hidden[1].weight.detach() - before).abs().max()
