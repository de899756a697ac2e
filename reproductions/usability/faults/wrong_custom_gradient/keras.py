"""Fits the cube of a linear function, with a gradient written by hand."""

import keras
import numpy as np
import tensorflow as tf


@tf.custom_gradient
def cube(inputs):
    def backward(gradient):
        return gradient * inputs  # FAULT
        # CORRECT: return gradient * 3 * inputs**2

    return inputs**3, backward


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = np.random.default_rng(0).random((64, 3), dtype="float32")
    targets = (inputs @ np.float32([[0.5], [-1.0], [0.8]])) ** 3
    linear = keras.layers.Dense(1, use_bias=False)
    model = keras.Sequential([keras.Input((3,)), linear, keras.layers.Activation(cube)])
    linear.set_weights([np.float32([[0.3], [-0.6], [0.3]])])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss="mse")
    stage("step")
    model.fit(
        inputs,
        targets,
        batch_size=64,
        epochs=60,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    stage.gradcheck(cube, tf.random.uniform([4]))
    return model.evaluate(inputs, targets, verbose=0)
