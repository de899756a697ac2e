"""A linear regression with a falling learning rate."""

import tensorflow as tf


def main(stage, wrap):
    stage("build")
    tf.random.set_seed(0)
    inputs = tf.random.normal([64, 5])
    targets = tf.linalg.matvec(inputs, [1.0, -2.0, 0.5, 0.0, 1.5])
    weights = tf.Variable(tf.zeros([5]))

    @wrap
    def train_step(rate):
        error = tf.linalg.matvec(inputs, weights) - targets
        gradient = 2 * tf.linalg.matvec(inputs, error, transpose_a=True) / 64
        weights.assign_sub(rate * gradient)

    for step in range(12):
        stage("step")
        rate = 0.1 / (step + 1)  # FAULT
        # CORRECT: rate = tf.constant(0.1 / (step + 1))
        train_step(rate)
    stage("after")
    return train_step.experimental_get_tracing_count()
