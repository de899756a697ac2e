"""A linear regression with the mean squared error of the library."""

import keras
import numpy as np


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    targets = inputs @ np.float32([1.0, -2.0, 0.5, 0.0, 1.5])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])  # FAULT
    # CORRECT: layers = [keras.layers.Dense(1), keras.layers.Reshape(())]
    # CORRECT: model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(optimizer=keras.optimizers.SGD(0.15), loss="mean_squared_error")
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
    return np.mean((model.predict(inputs, verbose=0).ravel() - targets) ** 2)
