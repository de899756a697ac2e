"""A classifier of handwritten digits that flattens the images itself."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        flat = tf.reshape(images, [100, 64])  # FAULT
        # CORRECT: flat = tf.reshape(images, [-1, 64])
        return self.scores(flat)


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.images / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = Classifier()
    optimizer = keras.optimizers.Adam(0.05)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for start in range(0, len(images), 100):
        stage("step")
        train_step(images[start : start + 100], labels[start : start + 100])
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
