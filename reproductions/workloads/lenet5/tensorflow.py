"""LeNet-5 from Keras layers."""

import keras
from keras import layers


def build(sizes):
    """Return the model; takes (batch, side, side, 1), returns logits."""
    return keras.Sequential(
        [
            keras.Input((sizes["side"], sizes["side"], 1)),
            layers.Conv2D(sizes["conv1"], 5, padding="same", activation="tanh", name="conv1"),
            layers.AveragePooling2D(2),
            layers.Conv2D(sizes["conv2"], 5, activation="tanh", name="conv2"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(sizes["dense1"], activation="tanh", name="dense1"),
            layers.Dense(sizes["dense2"], activation="tanh", name="dense2"),
            layers.Dense(sizes["classes"], name="logits"),
        ]
    )
