"""Trains on digits with noise that is drawn anew for every example and epoch."""

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset


class NoisyDigits(Dataset):
    def __init__(self):
        digits = load_digits()
        self.images, self.labels = digits.data[:400] / 16, digits.target[:400]
        self.draw = np.random.default_rng(0)

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, index):
        noise = self.draw.normal(0, 0.1)  # FAULT
        # CORRECT: noise = torch.randn(()).item() * 0.1
        return np.float32(self.images[index] + noise), self.labels[index]


def main(stage, wrap):
    stage("build")
    torch.manual_seed(0)
    loader = DataLoader(NoisyDigits(), batch_size=100, num_workers=2)
    model = wrap(nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    noise = []
    for _ in range(2):
        for images, labels in loader:
            stage("step")
            optimizer.zero_grad()
            functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
            noise += images[:, 0].tolist()  # the corner of a digit is always empty
    stage("after")
    return len(set(noise)) / len(noise)
