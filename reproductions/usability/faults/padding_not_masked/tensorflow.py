"""Predicts the mean of a sequence's values from their embeddings."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    lengths = tf.random.uniform([200, 1], 2, 13, tf.int32)
    present = tf.cast(tf.range(12) < lengths, tf.int32)
    tokens = tf.random.uniform([200, 12], 1, 30, tf.int32) * present
    targets = tf.reduce_sum(tokens, 1) / lengths[:, 0] / 10
    targets = tf.cast(targets, tf.float32)
    table = tf.Variable(tf.random.normal([30, 1]))
    optimizer = keras.optimizers.Adam(0.1)

    def predict(tokens):
        values = tf.gather(table, tokens)[..., 0]
        present = tf.cast(tokens != 0, tf.float32)
        return tf.reduce_mean(values * present, 1)  # FAULT
        # CORRECT: return tf.reduce_sum(values * present, 1) / tf.reduce_sum(present, 1)

    @wrap
    def train_step(tokens, targets):
        with tf.GradientTape() as tape:
            loss = tf.reduce_mean((predict(tokens) - targets) ** 2)
        gradient = tf.convert_to_tensor(tape.gradient(loss, table))
        optimizer.apply_gradients([(gradient, table)])

    for _ in range(80):
        stage("step")
        train_step(tokens, targets)
    stage("after")
    return tf.reduce_mean((predict(tokens) - targets) ** 2)
