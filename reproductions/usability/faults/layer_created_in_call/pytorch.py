"""A dense classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(64, 32)
        # FAULT: the second layer is made in forward
        # CORRECT: self.scores = nn.Linear(32, 10)

    def forward(self, images):
        hidden = torch.relu(self.hidden(images))
        return nn.Linear(32, 10)(hidden)  # FAULT
        # CORRECT: return self.scores(hidden)


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    model = Classifier()
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
    predicted = compiled(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
