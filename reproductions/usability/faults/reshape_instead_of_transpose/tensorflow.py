"""A classifier of digits that were recorded row by row."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    rows = tf.constant(digits.images.transpose(1, 0, 2) / 16, tf.float32)
    images = tf.reshape(rows, [-1, 8, 8])  # FAULT
    # CORRECT: images = tf.transpose(rows, [1, 0, 2])
    labels = tf.constant(digits.target)
    layers = keras.layers.Flatten(), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((8, 8)), *layers])
    optimizer = keras.optimizers.Adam(0.05)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
