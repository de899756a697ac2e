"""Export a model for any batch size and run it again, with Model.export."""

import keras
import tensorflow as tf
from keras import layers


def build():
    return keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(4),
        ]
    )


def main(model, data):
    x = data["x"]
    model.export("classifier")

    loaded = tf.saved_model.load("classifier")
    return {
        "original": model.predict(x),
        "many": loaded.serve(x).numpy(),
        "few": loaded.serve(x[:3]).numpy(),
    }
