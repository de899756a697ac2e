"""Fits the square root of the positive part of a linear function."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.normal([64, 5])
    linear = tf.matmul(inputs, [[1.0], [-2.0], [0.5], [0.0], [1.5]])
    targets = tf.sqrt(tf.maximum(linear, 0.0))
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(0.1)

    def predict(inputs):
        score = model(inputs)
        root = tf.sqrt(score)  # FAULT
        # CORRECT: root = tf.sqrt(tf.where(score > 0, score, 1.0))
        return tf.where(score > 0, root, 0.0)

    @wrap
    def train_step():
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((predict(inputs) - targets) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(40):
        stage("step")
        train_step()
    stage("after")
    bias = model.trainable_variables[1]
    error = tf.reduce_mean((predict(inputs) - targets) ** 2)
    return error + 0 * tf.reduce_sum(bias)
