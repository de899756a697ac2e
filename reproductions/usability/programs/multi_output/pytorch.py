"""Train a model with a class and a score as outputs in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TwoHeads(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(20, 64), nn.ReLU())
        self.label = nn.Linear(64, 4)
        self.score = nn.Linear(64, 1)

    def forward(self, x):
        features = self.trunk(x)
        return self.label(features), self.score(features)


def build():
    return TwoHeads()


def main(model, data):
    train = TensorDataset(
        torch.from_numpy(data["x"]),
        torch.from_numpy(data["labels"]),
        torch.from_numpy(data["scores"]),
    )
    loader = DataLoader(train, batch_size=32)
    label_loss = nn.CrossEntropyLoss()
    score_loss = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    model.train()
    for _ in range(2):
        for x, labels, scores in loader:
            logits, predicted = model(x)
            loss = label_loss(logits, labels) + 0.2 * score_loss(predicted, scores)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        logits, predicted = model(torch.from_numpy(data["x_test"]))
    return {"label": logits.numpy(), "score": predicted.numpy()}
