"""A linear regression with outliers, trained with clipped gradients."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.normal([64, 5]) * 10
    targets = tf.matmul(inputs, [[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.1)

    @wrap
    def train_step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(inputs) - targets) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))  # FAULT
        # CORRECT: optimizer.apply_gradients(zip(clipped, model.trainable_variables))

    largest = 0.0
    kernel = model.trainable_variables[0]
    for _ in range(3):
        stage("step")
        before = tf.identity(kernel)
        train_step()
        largest = max(largest, float(tf.norm(kernel - before)))
    stage("after")
    return largest
