"""The 2D U-Net in PyTorch."""

import torch
from torch import nn
from torch.nn import functional

EPSILON = 1e-5
#: 0.01 as float32 holds it: TensorFlow rounds the slope to float32 also where it computes in float64.
SLOPE = 0.009999999776482582


class Convolutions(nn.Module):
    """Two 3x3 convolutions, each with instance norm and leaky ReLU; the first carries the stride."""

    def __init__(self, channels, width, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, padding=1, bias=False)
        self.norm1 = nn.InstanceNorm2d(width, eps=EPSILON, affine=True)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.InstanceNorm2d(width, eps=EPSILON, affine=True)

    def forward(self, features):
        """Return features (batch, width, height / stride, width / stride)."""
        hidden = functional.leaky_relu(self.norm1(self.conv1(features)), SLOPE, inplace=True)
        return functional.leaky_relu(self.norm2(self.conv2(hidden)), SLOPE, inplace=True)


class UNet(nn.Module):
    """Encoder and decoder with a skip at every level; takes (batch, channels, height, width)."""

    def __init__(self, sizes):
        super().__init__()
        self.levels, channels = sizes["levels"], sizes["channels"]
        widths = [min(sizes["filters"] * 2**level, sizes["most"]) for level in range(self.levels)]
        for level, width in enumerate(widths):
            setattr(self, f"down{level}", Convolutions(channels, width, 2 if level else 1))
            channels = width
        for level in reversed(range(self.levels - 1)):
            setattr(self, f"widen{level}", nn.ConvTranspose2d(channels, widths[level], 2, 2, bias=False))
            setattr(self, f"up{level}", Convolutions(2 * widths[level], widths[level], 1))
            channels = widths[level]
        self.logits = nn.Conv2d(channels, sizes["classes"], 1)

    def forward(self, images):
        """Return logits (batch, height, width, classes): channel-last, as a view."""
        skips, hidden = [], images
        for level in range(self.levels):
            hidden = getattr(self, f"down{level}")(hidden)
            skips.append(hidden)
        for level in reversed(range(self.levels - 1)):
            hidden = torch.cat([skips[level], getattr(self, f"widen{level}")(hidden)], 1)
            hidden = getattr(self, f"up{level}")(hidden)
        return self.logits(hidden).movedim(1, -1)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return UNet(sizes)


def layout(images):
    """Turn (batch, height, width, channels) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)


def loss(outputs, labels):
    """Return the mean cross-entropy of logits (batch, height, width, classes) over all pixels, without copying them."""
    return functional.cross_entropy(outputs.movedim(-1, 1), labels)
