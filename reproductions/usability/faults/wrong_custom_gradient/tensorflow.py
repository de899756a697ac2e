"""Fits the cube of a linear function, with a gradient written by hand."""

import keras
import tensorflow as tf


@tf.custom_gradient
def cube(inputs):
    def backward(gradient):
        return gradient * inputs  # FAULT
        # CORRECT: return gradient * 3 * inputs**2

    return inputs**3, backward


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.uniform([64, 3])
    targets = tf.linalg.matvec(inputs, [0.5, -1.0, 0.8]) ** 3
    weights = tf.Variable([0.3, -0.6, 0.3])
    optimizer = keras.optimizers.Adam(0.05)

    @wrap
    def train_step():
        with tf.GradientTape() as tape:
            predictions = cube(tf.linalg.matvec(inputs, weights))
            loss = tf.reduce_mean((predictions - targets) ** 2)
        optimizer.apply_gradients([(tape.gradient(loss, weights), weights)])

    for _ in range(60):
        stage("step")
        train_step()
    stage("after")
    stage.gradcheck(cube, tf.random.uniform([4]))
    return tf.reduce_mean((cube(tf.linalg.matvec(inputs, weights)) - targets) ** 2)
