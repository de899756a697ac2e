"""Compute in bfloat16 and keep float32 weights, with a Keras dtype policy."""

import keras
from keras import layers


def build():
    keras.config.set_dtype_policy("mixed_bfloat16")
    return keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(4),
            layers.Activation("linear", dtype="float32"),
        ]
    )


def main(model, data):
    model.compile(
        optimizer=keras.optimizers.SGD(0.1),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(data["x"], data["y"], batch_size=32, epochs=2, shuffle=False)
    return {"logits": model.predict(data["x_test"])}
