"""Train a new head on a frozen trunk, then fine-tune both, in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(
            nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU()
        )
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.trunk(x))


def train(model, loader, learning_rate, epochs):
    loss_fn = nn.CrossEntropyLoss()
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(trainable, lr=learning_rate)
    model.train()
    for _ in range(epochs):
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


@torch.no_grad()
def predict(model, x):
    model.eval()
    return model(torch.from_numpy(x)).numpy()


def build():
    return Classifier()


def main(model, data):
    dataset = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
    loader = DataLoader(dataset, batch_size=32)

    model.trunk.requires_grad_(False)
    train(model, loader, learning_rate=0.1, epochs=2)
    frozen = predict(model, data["x_test"])

    model.trunk.requires_grad_(True)
    train(model, loader, learning_rate=0.01, epochs=2)
    return {"frozen": frozen, "tuned": predict(model, data["x_test"])}
