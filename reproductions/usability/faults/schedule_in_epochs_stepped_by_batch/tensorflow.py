"""A linear regression with a falling learning rate."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    inputs = tf.random.normal([64, 5])
    targets = tf.matmul(inputs, [[1.0], [-2.0], [0.5], [0.0], [1.5]])
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(1)])
    decay = keras.optimizers.schedules.ExponentialDecay
    schedule = decay(0.02, decay_steps=20, decay_rate=0.1, staircase=True)  # FAULT
    # CORRECT: schedule = decay(0.02, decay_steps=80, decay_rate=0.1, staircase=True)
    optimizer = keras.optimizers.SGD(schedule)

    @wrap
    def train_step(inputs, targets):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((model(inputs) - targets) ** 2)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(20):
        for batch in range(0, 64, 16):
            stage("step")
            train_step(inputs[batch : batch + 16], targets[batch : batch + 16])
    stage("after")
    return tf.reduce_mean((model(inputs) - targets) ** 2)
