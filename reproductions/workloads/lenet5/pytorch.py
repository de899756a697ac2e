"""LeNet-5 in PyTorch."""

import torch
from torch import nn
from torch.nn import functional


class LeNet5(nn.Module):
    """Two 5x5 convolutions with average pooling, three dense layers; takes (batch, 1, 28, 28), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        pooled = (sizes["side"] // 2 - 4) // 2
        self.conv1 = nn.Conv2d(1, sizes["conv1"], 5, padding=2)
        self.conv2 = nn.Conv2d(sizes["conv1"], sizes["conv2"], 5)
        self.dense1 = nn.Linear(pooled * pooled * sizes["conv2"], sizes["dense1"])
        self.dense2 = nn.Linear(sizes["dense1"], sizes["dense2"])
        self.logits = nn.Linear(sizes["dense2"], sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes)."""
        hidden = functional.avg_pool2d(torch.tanh(self.conv1(images)), 2)
        hidden = functional.avg_pool2d(torch.tanh(self.conv2(hidden)), 2)
        hidden = torch.tanh(self.dense1(torch.flatten(hidden, 1)))
        return self.logits(torch.tanh(self.dense2(hidden)))


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return LeNet5(sizes)


def layout(images):
    """Turn (batch, height, width, 1) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)
