"""A small convolutional classifier of handwritten digits, on plain variables."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


class Classifier(tf.Module):
    def __init__(self):
        super().__init__()
        draw = tf.random.Generator.from_seed(0)
        self.conv1 = tf.Variable(draw.normal([3, 3, 1, 8], stddev=0.3))
        self.conv2 = tf.Variable(draw.normal([3, 3, 9, 16], stddev=0.1))  # FAULT
        # CORRECT: self.conv2 = tf.Variable(draw.normal([3, 3, 8, 16], stddev=0.1))
        self.dense = tf.Variable(draw.normal([8 * 8 * 16, 10], stddev=0.03))

    def __call__(self, images):
        hidden = tf.nn.relu(tf.nn.conv2d(images, self.conv1, 1, "SAME"))
        hidden = tf.nn.relu(tf.nn.conv2d(hidden, self.conv2, 1, "SAME"))
        return tf.reshape(hidden, [-1, 8 * 8 * 16]) @ self.dense


def main(stage, wrap):
    stage("build")
    digits = load_digits()
    images = tf.constant(digits.images[..., None] / 16, tf.float32)
    labels = tf.constant(digits.target)
    model = Classifier()
    optimizer = keras.optimizers.Adam(0.01)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            logits = model(images)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for step in range(15):
        stage("step")
        batch = slice(step * 100, step * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
