"""ResNet-50, version 1, in PyTorch."""

import functools
from collections import OrderedDict

from torch import nn
from torch.nn import functional

#: Of keras.applications; PyTorch's momentum is one minus Keras'.
EPSILON, MOMENTUM = 1.001e-5, 0.01


def _normalisation(channels):
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class Bottleneck(nn.Module):
    """1x1, 3x3 and 1x1 convolution beside a shortcut; the first convolution carries the stride."""

    def __init__(self, channels, width, stride, projected):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 1, stride)
        self.norm1 = _normalisation(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.norm2 = _normalisation(width)
        self.conv3 = nn.Conv2d(width, 4 * width, 1)
        self.norm3 = _normalisation(4 * width)
        self.projected = projected
        if projected:
            self.conv0 = nn.Conv2d(channels, 4 * width, 1, stride)
            self.norm0 = _normalisation(4 * width)

    def forward(self, features):
        """Return the block's features (batch, 4 width, height / stride, width / stride)."""
        shortcut = self.norm0(self.conv0(features)) if self.projected else features
        hidden = functional.relu(self.norm1(self.conv1(features)), inplace=True)
        hidden = functional.relu(self.norm2(self.conv2(hidden)), inplace=True)
        return functional.relu(self.norm3(self.conv3(hidden)) + shortcut, inplace=True)


class ResNet50(nn.Module):
    """A 7x7 stem, four stages of bottlenecks, average pooling, one dense layer; takes (batch, 3, side, side)."""

    def __init__(self, sizes):
        super().__init__()
        self.conv = nn.Conv2d(3, sizes["width"], 7, 2, padding=3)
        self.norm = _normalisation(sizes["width"])
        channels = sizes["width"]
        for stage in range(1, 5):
            width = sizes["width"] * 2 ** (stage - 1)
            blocks = OrderedDict()
            for block in range(1, sizes[f"blocks{stage}"] + 1):
                stride = 2 if stage > 1 and block == 1 else 1
                blocks[f"block{block}"] = Bottleneck(channels, width, stride, projected=block == 1)
                channels = 4 * width
            setattr(self, f"stage{stage}", nn.Sequential(blocks))
        self.logits = nn.Linear(channels, sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes)."""
        hidden = functional.relu(self.norm(self.conv(images)), inplace=True)
        hidden = functional.max_pool2d(hidden, 3, 2, padding=1)
        hidden = self.stage4(self.stage3(self.stage2(self.stage1(hidden))))
        return self.logits(hidden.mean((2, 3)))


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return ResNet50(sizes)


def layout(images):
    """Turn (batch, height, width, 3) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)


def reference(sizes):
    """Return torchvision's ResNet-50, turned from version 1.5 into version 1 (README, "Reference").

    Raise NotImplementedError for a reduced width, which torchvision does not offer.
    """
    from torchvision.models import resnet

    if sizes["width"] != 64:
        raise NotImplementedError(f"torchvision's ResNet is 64 channels wide, not {sizes['width']}; use a full preset")

    class FirstStride(resnet.Bottleneck):
        """torchvision's block with the stride on its first convolution, and biases."""

        def __init__(self, *arguments, **named):
            super().__init__(*arguments, **named)
            self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride

    model = resnet.ResNet(
        FirstStride,
        [sizes[f"blocks{stage}"] for stage in range(1, 5)],
        num_classes=sizes["classes"],
        norm_layer=functools.partial(nn.BatchNorm2d, eps=EPSILON, momentum=MOMENTUM),
    )
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.bias = nn.Parameter(module.weight.new_zeros(module.out_channels))
    return model
