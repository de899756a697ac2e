"""Repeat a layer until its states have settled, in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Settling(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(16, 16)
        self.output = nn.Linear(16, 1)

    def settle(self, x):
        steps = 0
        while x.abs().mean() > 0.1 and steps < 20:
            x = 0.7 * torch.tanh(self.inner(x))
            steps += 1
        return x, steps

    def forward(self, x):
        x, _ = self.settle(x)
        return self.output(x)


def build():
    return Settling()


def main(model, data):
    train = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
    loader = DataLoader(train, batch_size=32)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)

    model.train()
    for _ in range(2):
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    model.eval()
    with torch.no_grad():
        predicted = [model(x) for x, _ in loader]
        steps = [model.settle(x)[1] for x, _ in loader]
    return {"predicted": torch.cat(predicted).numpy(), "steps": steps}
