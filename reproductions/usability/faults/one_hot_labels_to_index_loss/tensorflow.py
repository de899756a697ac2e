"""A dense classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    targets = tf.one_hot(labels, 10, dtype=tf.int64)  # FAULT
    # CORRECT: targets = labels
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(0.01)
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
        train_step(images[batch], targets[batch])
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
