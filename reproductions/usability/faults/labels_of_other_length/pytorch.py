"""A linear classifier of handwritten digits."""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    digits = load_digits()
    images = torch.tensor(digits.data / 16, dtype=torch.float32)
    labels = torch.tensor(digits.target)
    dataset = TensorDataset(images[:1500], labels[:1490])  # FAULT
    # CORRECT: dataset = TensorDataset(images[:1500], labels[:1500])
    loader = DataLoader(dataset, batch_size=50, shuffle=True)
    model = wrap(nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(2):
        for inputs, targets in loader:
            stage("step")
            optimizer.zero_grad()
            functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
    stage("after")
    predicted = model(images[1500:]).argmax(1)
    return (predicted == labels[1500:]).float().mean()
