"""MobileNetV2 in PyTorch."""

import functools

from torch import nn
from torch.nn import functional

#: Of keras.applications; PyTorch's momentum is one minus Keras'.
EPSILON, MOMENTUM = 1e-3, 0.001
#: Expansion, channels, repeats and stride of each stage: table 2 of Sandler 2018.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _normalisation(channels):
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class InvertedResidual(nn.Module):
    """1x1 expansion, 3x3 depthwise convolution, 1x1 projection; added to its input where the shapes agree."""

    def __init__(self, channels, width, stride, expansion):
        super().__init__()
        hidden = channels * expansion
        self.expanded, self.added = expansion > 1, stride == 1 and channels == width
        if self.expanded:
            self.conv1 = nn.Conv2d(channels, hidden, 1, bias=False)
            self.norm1 = _normalisation(hidden)
        self.depthwise = nn.Conv2d(hidden, hidden, 3, stride, padding=1, groups=hidden, bias=False)
        self.norm2 = _normalisation(hidden)
        self.conv3 = nn.Conv2d(hidden, width, 1, bias=False)
        self.norm3 = _normalisation(width)

    def forward(self, features):
        """Return the block's features (batch, width, height / stride, width / stride)."""
        hidden = features
        if self.expanded:
            hidden = functional.relu6(self.norm1(self.conv1(hidden)), inplace=True)
        hidden = functional.relu6(self.norm2(self.depthwise(hidden)), inplace=True)
        hidden = self.norm3(self.conv3(hidden))
        return features + hidden if self.added else hidden


class MobileNetV2(nn.Module):
    """A 3x3 stem, inverted residuals, a 1x1 convolution, average pooling, dense; takes (batch, 3, side, side)."""

    def __init__(self, sizes):
        super().__init__()
        channels = 32 // sizes["divisor"]
        self.conv = nn.Conv2d(3, channels, 3, 2, padding=1, bias=False)
        self.norm = _normalisation(channels)
        self.stages = sizes["stages"]
        for number, (expansion, width, repeats, stride) in enumerate(STAGES[: self.stages], start=1):
            stage = nn.Sequential()
            for block in range(1, min(repeats, sizes["repeats"]) + 1):
                divided = width // sizes["divisor"]
                residual = InvertedResidual(channels, divided, stride if block == 1 else 1, expansion)
                stage.add_module(f"block{block}", residual)
                channels = divided
            setattr(self, f"stage{number}", stage)
        self.head = nn.Conv2d(channels, sizes["head"], 1, bias=False)
        self.headnorm = _normalisation(sizes["head"])
        self.logits = nn.Linear(sizes["head"], sizes["classes"])

    def forward(self, images):
        """Return logits (batch, classes)."""
        hidden = functional.relu6(self.norm(self.conv(images)), inplace=True)
        for number in range(1, self.stages + 1):
            hidden = getattr(self, f"stage{number}")(hidden)
        hidden = functional.relu6(self.headnorm(self.head(hidden)), inplace=True)
        return self.logits(hidden.mean((2, 3)))


def build(sizes):
    """Return the model with its default initial weights; the harness loads the common ones."""
    return MobileNetV2(sizes)


def layout(images):
    """Turn (batch, height, width, 3) arrays into PyTorch's channel-first layout."""
    return images.transpose(0, 3, 1, 2)


def reference(sizes):
    """Return torchvision's MobileNetV2 without dropout.

    Raise NotImplementedError for a reduced network, which has no counterpart there.
    """
    from torchvision.models import MobileNetV2

    full = {"divisor": 1, "stages": 7, "repeats": 4, "head": 1280}
    if any(sizes[key] != value for key, value in full.items()):
        raise NotImplementedError(f"the reference is of full size, not {dict(sizes)}; use a full preset")
    return MobileNetV2(
        num_classes=sizes["classes"],
        dropout=0.0,
        norm_layer=functools.partial(nn.BatchNorm2d, eps=EPSILON, momentum=MOMENTUM),
    )
