"""A dense classifier of handwritten digits."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32)
        self.scores = keras.layers.Dense(10)
        self.hidden.build((None, 64))

    def call(self, images):
        hidden = self.hidden(images)
        hidden = np.tanh(hidden.numpy())  # FAULT
        # CORRECT: hidden = tf.tanh(hidden)
        return self.scores(hidden)


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = Classifier()
    before = tf.identity(model.hidden.kernel)
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
        train_step(images[batch], labels[batch])
    stage("after")
    stage.summary(model)
    return tf.reduce_max(tf.abs(model.hidden.kernel - before))
