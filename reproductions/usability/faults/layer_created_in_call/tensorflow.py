"""A dense classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32, activation="relu")
        # FAULT: the second layer is made in call
        # CORRECT: self.scores = keras.layers.Dense(10)

    def call(self, images):
        hidden = self.hidden(images)
        return keras.layers.Dense(10)(hidden)  # FAULT
        # CORRECT: return self.scores(hidden)


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = Classifier()
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
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
