"""Clip the gradients' common norm in each training step in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build():
    return nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 1))


def main(model, data):
    train = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
    loader = DataLoader(train, batch_size=32)
    loss_fn = nn.MSELoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    norms = []
    model.train()
    for _ in range(3):
        for x, y in loader:
            loss = loss_fn(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=0.5)
            optimizer.step()
        norms.append(norm.item())

    model.eval()
    with torch.no_grad():
        predicted = model(torch.from_numpy(data["x_test"]))
    return {"predicted": predicted.numpy(), "last_norms": norms}
