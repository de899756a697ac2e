"""Write a layer with weights of its own in PyTorch and train it."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Gate(nn.Module):
    """Let each feature through as far as the others allow."""

    def __init__(self, features):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(features, features))
        self.bias = nn.Parameter(torch.zeros(features))
        nn.init.xavier_uniform_(self.weight)

    def forward(self, x):
        return x * torch.sigmoid(x @ self.weight + self.bias)


def build():
    return nn.Sequential(Gate(20), nn.Linear(20, 1))


def main(model, data):
    train = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
    loader = DataLoader(train, batch_size=32)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02)

    model.train()
    for _ in range(3):
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        predicted = model(torch.from_numpy(data["x_test"]))
    return {"predicted": predicted.numpy()}
