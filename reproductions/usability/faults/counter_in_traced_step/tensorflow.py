"""A linear regression whose learning rate warms up."""

import tensorflow as tf


def main(stage, wrap):
    stage("build")
    tf.random.set_seed(0)
    inputs = tf.random.normal([64, 5])
    targets = tf.linalg.matvec(inputs, [1.0, -2.0, 0.5, 0.0, 1.5])
    weights = tf.Variable(tf.zeros([5]))
    state = {"count": 0}
    counter = tf.Variable(0.0)

    @wrap
    def train_step():
        state["count"] += 1  # FAULT
        # CORRECT: state["count"] = counter.assign_add(1.0)
        rate = 0.001 * state["count"]
        error = tf.linalg.matvec(inputs, weights) - targets
        gradient = 2 * tf.linalg.matvec(inputs, error, transpose_a=True) / 64
        weights.assign_sub(rate * gradient)

    for _ in range(40):
        stage("step")
        train_step()
    stage("after")
    error = tf.linalg.matvec(inputs, weights) - targets
    return tf.reduce_mean(error**2)
