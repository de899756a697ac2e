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
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    optimizer = keras.optimizers.Adam(0.01)
    cross_entropy = keras.losses.SparseCategoricalCrossentropy
    loss_function = cross_entropy(from_logits=True)  # FAULT
    # CORRECT: loss_function = cross_entropy()

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
    chosen = tf.gather(model(images[1500:]), labels[1500:], batch_dims=1)
    return -tf.reduce_mean(tf.math.log(chosen))
