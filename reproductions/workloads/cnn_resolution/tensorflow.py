"""The fully convolutional classifier from Keras layers."""

import keras
from keras import layers


def build(sizes):
    """Return the model; takes (batch, side, side, 3) of any side, returns logits (batch, classes)."""
    images = keras.Input((None, None, 3))
    hidden = images
    for name in ("conv1", "conv2", "conv3"):
        hidden = layers.Conv2D(sizes[name], 3, padding="same", activation="relu", name=name)(hidden)
        hidden = layers.MaxPooling2D(2)(hidden)
    hidden = layers.Conv2D(sizes["conv4"], 3, padding="same", activation="relu", name="conv4")(hidden)
    hidden = layers.GlobalAveragePooling2D()(hidden)
    return keras.Model(images, layers.Dense(sizes["classes"], name="logits")(hidden))
