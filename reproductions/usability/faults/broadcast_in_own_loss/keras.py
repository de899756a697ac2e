"""A linear regression with a loss written by hand."""

import keras
import numpy as np


def squared_error(targets, predictions):
    return keras.ops.mean((predictions - targets) ** 2)  # FAULT
    # CORRECT: return keras.ops.mean((predictions[:, 0] - targets) ** 2)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    targets = inputs @ np.float32([1.0, -2.0, 0.5, 0.0, 1.5])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.15), loss=squared_error)
    stage("step")
    model.fit(
        inputs,
        targets,
        batch_size=64,
        epochs=40,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return np.mean((model.predict(inputs, verbose=0)[:, 0] - targets) ** 2)
