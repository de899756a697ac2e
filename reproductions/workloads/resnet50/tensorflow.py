"""ResNet-50, version 1, from Keras layers."""

import keras
from keras import layers

#: Of keras.applications; Keras' momentum is one minus PyTorch's.
EPSILON, MOMENTUM = 1.001e-5, 0.99


def _normalisation(name):
    return layers.BatchNormalization(epsilon=EPSILON, momentum=MOMENTUM, name=name)


def _bottleneck(features, width, stride, projected, name):
    """1x1, 3x3 and 1x1 convolution beside a shortcut; the first convolution carries the stride."""
    shortcut = features
    if projected:
        shortcut = layers.Conv2D(4 * width, 1, stride, name=f"{name}_conv0")(features)
        shortcut = _normalisation(f"{name}_norm0")(shortcut)
    hidden = layers.Conv2D(width, 1, stride, name=f"{name}_conv1")(features)
    hidden = layers.ReLU()(_normalisation(f"{name}_norm1")(hidden))
    hidden = layers.Conv2D(width, 3, padding="same", name=f"{name}_conv2")(hidden)
    hidden = layers.ReLU()(_normalisation(f"{name}_norm2")(hidden))
    hidden = layers.Conv2D(4 * width, 1, name=f"{name}_conv3")(hidden)
    hidden = _normalisation(f"{name}_norm3")(hidden)
    return layers.ReLU()(layers.Add()([hidden, shortcut]))


def build(sizes):
    """Return the model; takes (batch, side, side, 3), returns logits (batch, classes)."""
    images = keras.Input((sizes["side"], sizes["side"], 3))
    # With stride 2, padding="same" would add a row and a column on one side only; PyTorch pads both.
    hidden = layers.ZeroPadding2D(3)(images)
    hidden = layers.Conv2D(sizes["width"], 7, 2, name="conv")(hidden)
    hidden = layers.ReLU()(_normalisation("norm")(hidden))
    # Zeros under a maximum of rectified values: the same as PyTorch's padding with minus infinity.
    hidden = layers.MaxPooling2D(3, 2)(layers.ZeroPadding2D(1)(hidden))
    for stage in range(1, 5):
        width = sizes["width"] * 2 ** (stage - 1)
        for block in range(1, sizes[f"blocks{stage}"] + 1):
            stride = 2 if stage > 1 and block == 1 else 1
            hidden = _bottleneck(hidden, width, stride, block == 1, f"stage{stage}_block{block}")
    hidden = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(images, layers.Dense(sizes["classes"], name="logits")(hidden))


def reference(sizes):
    """Return the ResNet-50 of keras.applications without its softmax.

    Raise NotImplementedError for a reduced network, which keras.applications does not offer.
    """
    depth = [sizes[f"blocks{stage}"] for stage in range(1, 5)]
    if sizes["width"] != 64 or depth != [3, 4, 6, 3]:
        raise NotImplementedError(
            f"keras.applications' ResNet-50 is of full size, not {dict(sizes)}; use a full preset"
        )
    return keras.applications.ResNet50(
        weights=None,
        input_shape=(sizes["side"], sizes["side"], 3),
        classes=sizes["classes"],
        classifier_activation=None,
    )
