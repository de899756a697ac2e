"""The convolutional classifier in PyTorch."""

import torch
from torch import nn
from torch.nn import functional


class ConvolutionalClassifier(nn.Module):
    """Two convolutions, max-pooling, two dense layers; takes (batch, 1, side, side), returns logits."""

    def __init__(self, sizes):
        super().__init__()
        pooled = (sizes["side"] - 4) // 2
        self.conv1 = nn.Conv2d(1, sizes["conv1"], 3)
        self.conv2 = nn.Conv2d(sizes["conv1"], sizes["conv2"], 3)
        self.dense = nn.Linear(pooled * pooled * sizes["conv2"], sizes["dense"])
        self.logits = nn.Linear(sizes["dense"], sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes)."""
        hidden = functional.relu(self.conv1(images))
        hidden = functional.max_pool2d(functional.relu(self.conv2(hidden)), 2)
        hidden = functional.relu(self.dense(torch.flatten(hidden, 1)))
        return self.logits(hidden)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return ConvolutionalClassifier(sizes)


def layout(images):
    """Turn (batch, height, width, 1) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)
