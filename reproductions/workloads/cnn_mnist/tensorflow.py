"""The convolutional classifier in TensorFlow, from Keras layers."""

import keras
from keras import layers


def build(sizes):
    """Return the model; takes (batch, side, side, 1), returns logits."""
    return keras.Sequential(
        [
            keras.Input((sizes["side"], sizes["side"], 1)),
            layers.Conv2D(sizes["conv1"], 3, activation="relu", name="conv1"),
            layers.Conv2D(sizes["conv2"], 3, activation="relu", name="conv2"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(sizes["dense"], activation="relu", name="dense"),
            layers.Dense(sizes["classes"], name="logits"),
        ]
    )
