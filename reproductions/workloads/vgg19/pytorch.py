"""VGG-19 in PyTorch."""

import torch
from torch import nn
from torch.nn import functional


def _block(channels, width, convolutions):
    """Return 3x3 convolutions, each with ReLU, closed by max-pooling."""
    block = nn.Sequential()
    for index in range(1, convolutions + 1):
        block.add_module(f"conv{index}", nn.Conv2d(channels, width, 3, padding=1))
        block.add_module(f"relu{index}", nn.ReLU(inplace=True))
        channels = width
    block.add_module("pool", nn.MaxPool2d(2))
    return block


class VGG19(nn.Module):
    """Five blocks of convolutions and three dense layers, without dropout; takes (batch, 3, side, side)."""

    def __init__(self, sizes):
        super().__init__()
        channels = 3
        for number in range(1, 6):
            width = sizes["width"] * 2 ** min(number - 1, 3)
            setattr(self, f"block{number}", _block(channels, width, sizes[f"convs{number}"]))
            channels = width
        self.dense1 = nn.Linear((sizes["side"] // 32) ** 2 * channels, sizes["dense"])
        self.dense2 = nn.Linear(sizes["dense"], sizes["dense"])
        self.logits = nn.Linear(sizes["dense"], sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes)."""
        hidden = self.block5(self.block4(self.block3(self.block2(self.block1(images)))))
        hidden = functional.relu(self.dense1(torch.flatten(hidden, 1)), inplace=True)
        hidden = functional.relu(self.dense2(hidden), inplace=True)
        return self.logits(hidden)


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return VGG19(sizes)


def layout(images):
    """Turn (batch, height, width, 3) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)


def reference(sizes):
    """Return torchvision's VGG-19 without dropout, its first dense layer as large as the image asks for."""
    from torchvision.models import vgg

    plan = []
    for number in range(1, 6):
        plan += [sizes["width"] * 2 ** min(number - 1, 3)] * sizes[f"convs{number}"] + ["M"]
    pixels = (sizes["side"] // 32) ** 2
    model = vgg.VGG(vgg.make_layers(plan), num_classes=sizes["classes"], init_weights=False, dropout=0.0)
    model.avgpool = nn.Identity()  # it would bring every image to 7x7 features
    model.classifier[0] = nn.Linear(pixels * plan[-2], sizes["dense"])
    model.classifier[3] = nn.Linear(sizes["dense"], sizes["dense"])
    model.classifier[6] = nn.Linear(sizes["dense"], sizes["classes"])
    return model
