"""The fully convolutional classifier in PyTorch."""

from torch import nn
from torch.nn import functional


class FullyConvolutional(nn.Module):
    """Four 3x3 convolutions with max-pooling between, average pooling, one dense layer; takes images of any side."""

    def __init__(self, sizes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, sizes["conv1"], 3, padding=1)
        self.conv2 = nn.Conv2d(sizes["conv1"], sizes["conv2"], 3, padding=1)
        self.conv3 = nn.Conv2d(sizes["conv2"], sizes["conv3"], 3, padding=1)
        self.conv4 = nn.Conv2d(sizes["conv3"], sizes["conv4"], 3, padding=1)
        self.logits = nn.Linear(sizes["conv4"], sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes) of images (batch, 3, side, side)."""
        hidden = images
        for conv in (self.conv1, self.conv2, self.conv3):
            hidden = functional.max_pool2d(functional.relu(conv(hidden)), 2)
        hidden = functional.relu(self.conv4(hidden))
        return self.logits(hidden.mean((2, 3)))


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return FullyConvolutional(sizes)


def layout(images):
    """Turn (batch, height, width, 3) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)
