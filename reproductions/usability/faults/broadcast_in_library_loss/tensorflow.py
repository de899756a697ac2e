"""A linear regression with the mean squared error of the library."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.normal([64, 5])
    targets = tf.linalg.matvec(inputs, [1.0, -2.0, 0.5, 0.0, 1.5])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(0.15)
    loss_function = keras.losses.MeanSquaredError()

    @wrap
    def train_step():
        with tf.GradientTape() as tape:
            loss = loss_function(targets, model(inputs))  # FAULT
            # CORRECT: loss = loss_function(targets, model(inputs)[:, 0])
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(40):
        stage("step")
        train_step()
    stage("after")
    return tf.reduce_mean((model(inputs)[:, 0] - targets) ** 2)
