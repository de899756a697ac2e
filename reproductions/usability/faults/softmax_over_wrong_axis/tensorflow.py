"""A dense classifier of handwritten digits that returns probabilities."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    optimizer = keras.optimizers.Adam(0.01)

    def probabilities(images):
        return tf.nn.softmax(model(images), axis=0)  # FAULT
        # CORRECT: return tf.nn.softmax(model(images), axis=1)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            chosen = tf.gather(probabilities(images), labels, batch_dims=1)
            loss = -tf.reduce_mean(tf.math.log(chosen + 1e-9))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    totals = tf.reduce_sum(probabilities(images[1500:]), 1)
    return tf.reduce_max(tf.abs(totals - 1))
