"""Save a training, load it into a new model and go on, in PyTorch."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build():
    return nn.Sequential(nn.Linear(20, 32), nn.Tanh(), nn.Linear(32, 1))


def make_optimizer(model):
    return torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)


def train_epoch(model, optimizer, loader):
    loss_fn = nn.MSELoss()
    model.train()
    for x, y in loader:
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.no_grad()
def predict(model, x):
    model.eval()
    return model(torch.from_numpy(x)).numpy()


def main(model, data):
    dataset = TensorDataset(torch.from_numpy(data["x"]), torch.from_numpy(data["y"]))
    loader = DataLoader(dataset, batch_size=32)

    optimizer = make_optimizer(model)
    train_epoch(model, optimizer, loader)
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict()},
        "checkpoint.pt",
    )
    train_epoch(model, optimizer, loader)

    resumed = build()
    optimizer = make_optimizer(resumed)
    checkpoint = torch.load("checkpoint.pt")
    resumed.load_state_dict(checkpoint["model"])
    optimizer.load_state_dict(checkpoint["optimizer"])
    train_epoch(resumed, optimizer, loader)

    return {
        "straight": predict(model, data["x_test"]),
        "resumed": predict(resumed, data["x_test"]),
    }
