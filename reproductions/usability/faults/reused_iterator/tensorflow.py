"""A linear classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    dataset = tf.data.Dataset.from_tensor_slices((images[:1500], labels[:1500]))
    batches = iter(dataset.shuffle(1500, seed=0).batch(100))  # FAULT
    # CORRECT: batches = dataset.shuffle(1500, seed=0).batch(100)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    optimizer = keras.optimizers.Adam(0.005)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(6):
        for inputs, targets in batches:
            stage("step")
            train_step(inputs, targets)
    stage("after")
    predicted = tf.argmax(model(images[1500:]), 1)
    return tf.reduce_mean(tf.cast(predicted == labels[1500:], tf.float32))
