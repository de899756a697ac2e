"""A linear classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16)  # FAULT
    # CORRECT: images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    weights = tf.Variable(tf.zeros([64, 10]))
    bias = tf.Variable(tf.zeros([10]))
    optimizer = keras.optimizers.Adam(0.05)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            logits = images @ weights + bias
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [weights, bias])
        optimizer.apply_gradients(zip(gradients, [weights, bias]))

    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    predicted = tf.argmax(images[1500:] @ weights + bias, 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
