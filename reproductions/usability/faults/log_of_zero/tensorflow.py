"""A dense classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data * 20, tf.float32)
    labels = tf.constant(digits.target)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    optimizer = keras.optimizers.Adam(0.01)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            logits = model(images)
            logs = tf.math.log(tf.nn.softmax(logits))  # FAULT
            # CORRECT: logs = tf.nn.log_softmax(logits)
            loss = -tf.reduce_mean(tf.gather(logs, labels, batch_dims=1))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
