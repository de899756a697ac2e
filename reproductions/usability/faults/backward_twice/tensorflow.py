"""A regression with a second loss that keeps the predictions small."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.normal([64, 5])
    targets = tf.matmul(inputs, [[1.0], [-2.0], [0.5], [0.0], [1.5]])
    hidden = keras.layers.Dense(16, activation="tanh")
    model = keras.Sequential([keras.Input((5,)), hidden, keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(0.05)

    @wrap
    def train_step():
        with tf.GradientTape() as tape:
            predictions = model(inputs)
            error = tf.reduce_mean((predictions - targets) ** 2)
            size = 0.001 * tf.reduce_mean(predictions**2)
        weights = model.trainable_variables
        optimizer.apply_gradients(zip(tape.gradient(error, weights), weights))  # FAULT
        # CORRECT: both = tape.gradient([error, size], weights)
        optimizer.apply_gradients(zip(tape.gradient(size, weights), weights))  # FAULT
        # CORRECT: optimizer.apply_gradients(zip(both, weights))

    for _ in range(40):
        stage("step")
        train_step()
    stage("after")
    return tf.reduce_mean((model(inputs) - targets) ** 2)
