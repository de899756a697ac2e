"""A dense classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(64, activation="relu")
        self.second = keras.layers.Dense(64, activation="relu")
        self.scores = keras.layers.Dense(10)
        self.first.build((None, 64))
        self.second.build((None, 64))

    def call(self, images):
        hidden = self.first(images)
        hidden = self.first(hidden)  # FAULT
        # CORRECT: hidden = self.second(hidden)
        return self.scores(hidden)


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = Classifier()
    before = tf.identity(model.second.kernel)
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
    return tf.reduce_max(tf.abs(model.second.kernel - before))
