"""MobileNetV2 from Keras layers."""

import keras
from keras import layers

#: Of keras.applications; Keras' momentum is one minus PyTorch's.
EPSILON, MOMENTUM = 1e-3, 0.999
#: Expansion, channels, repeats and stride of each stage: table 2 of Sandler 2018.
STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _normalisation(name):
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)


def _pad(features, stride):
    """Pad by one on every side where the stride is 2: there padding="same" would pad one side only."""
    return (layers.ZeroPadding2D(1)(features), "valid") if stride == 2 else (features, "same")


def _inverted_residual(features, width, stride, expansion, name):
    """1x1 expansion, 3x3 depthwise convolution, 1x1 projection; added to its input where the shapes agree."""
    channels, hidden = features.shape[-1], features
    if expansion > 1:
        hidden = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_conv1")(hidden)
        hidden = layers.ReLU(6)(_normalisation(f"{name}_norm1")(hidden))
    hidden, padding = _pad(hidden, stride)
    depthwise = layers.DepthwiseConv2D(3, stride, padding=padding, use_bias=False, name=f"{name}_depthwise")
    hidden = layers.ReLU(6)(_normalisation(f"{name}_norm2")(depthwise(hidden)))
    hidden = layers.Conv2D(width, 1, use_bias=False, name=f"{name}_conv3")(hidden)
    hidden = _normalisation(f"{name}_norm3")(hidden)
    return layers.Add()([features, hidden]) if stride == 1 and channels == width else hidden


def build(sizes):
    """Return the model; takes (batch, side, side, 3), returns logits (batch, classes)."""
    images = keras.Input((sizes["side"], sizes["side"], 3))
    hidden, padding = _pad(images, 2)
    hidden = layers.Conv2D(32 // sizes["divisor"], 3, 2, padding=padding, use_bias=False, name="conv")(hidden)
    hidden = layers.ReLU(6)(_normalisation("norm")(hidden))
    for number, (expansion, width, repeats, stride) in enumerate(STAGES[: sizes["stages"]], start=1):
        for block in range(1, min(repeats, sizes["repeats"]) + 1):
            name = f"stage{number}_block{block}"
            hidden = _inverted_residual(hidden, width // sizes["divisor"], stride if block == 1 else 1, expansion, name)
    hidden = layers.Conv2D(sizes["head"], 1, use_bias=False, name="head")(hidden)
    hidden = layers.ReLU(6)(_normalisation("headnorm")(hidden))
    hidden = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(images, layers.Dense(sizes["classes"], name="logits")(hidden))


def reference(sizes):
    """Return the MobileNetV2 of keras.applications without its softmax.

    Raise NotImplementedError for a reduced network, which has no counterpart there.
    """
    full = {"divisor": 1, "stages": 7, "repeats": 4, "head": 1280}
    if any(sizes[key] != value for key, value in full.items()):
        raise NotImplementedError(f"the reference is of full size, not {dict(sizes)}; use a full preset")
    return keras.applications.MobileNetV2(
        weights=None,
        input_shape=(sizes["side"], sizes["side"], 3),
        classes=sizes["classes"],
        classifier_activation=None,
    )
