"""A linear regression whose learning rate warms up."""

import keras
import numpy as np


class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self):
        self.count = 0

    def __call__(self, step):
        self.count += 1  # FAULT
        # CORRECT: self.count = keras.ops.cast(step, "float32") + 1
        return 0.001 * self.count


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).normal(size=(64, 5)).astype("float32")
    targets = inputs @ np.float32([[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(WarmUp()), loss="mse")
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
    return np.mean((model.predict(inputs, verbose=0) - targets) ** 2)
