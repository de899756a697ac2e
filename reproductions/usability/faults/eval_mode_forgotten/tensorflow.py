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
            keras.layers.Dense(64, activation="relu"),
            keras.layers.Dropout(0.8),
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

    @wrap
    def predict(images):
        return tf.argmax(model(images, training=True), 1)  # FAULT
        # CORRECT: return tf.argmax(model(images, training=False), 1)

    for step in range(45):
        stage("step")
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    right = predict(images[1500:]) == labels[1500:]
    return tf.reduce_mean(tf.cast(right, tf.float32))
