"""Fits the square root of the positive part of a linear function."""

import keras
import numpy as np


def positive_root(score):
    root = keras.ops.sqrt(score)  # FAULT
    # CORRECT: root = keras.ops.sqrt(keras.ops.where(score > 0, score, 1.0))
    return keras.ops.where(score > 0, root, 0.0)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    linear = inputs @ np.float32([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    targets = np.sqrt(np.maximum(linear, 0))
    layer = keras.layers.Dense(1, activation=positive_root)
    model = keras.Sequential([keras.Input((5,)), layer])
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
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
    error = np.mean((model.predict(inputs, verbose=0) - targets) ** 2)
    return error + 0 * layer.get_weights()[1].sum()
