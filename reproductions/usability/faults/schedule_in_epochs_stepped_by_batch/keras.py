"""A linear regression with a falling learning rate."""

import keras
import numpy as np


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    targets = inputs @ np.float32([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    decay = keras.optimizers.schedules.ExponentialDecay
    schedule = decay(0.02, decay_steps=20, decay_rate=0.1, staircase=True)  # FAULT
    # CORRECT: schedule = decay(0.02, decay_steps=80, decay_rate=0.1, staircase=True)
    optimizer = keras.optimizers.SGD(schedule)
    model.compile(optimizer=optimizer, loss="mse")
    stage("step")
    model.fit(
        inputs,
        targets,
        batch_size=16,
        epochs=20,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return np.mean((model.predict(inputs, verbose=0) - targets) ** 2)
