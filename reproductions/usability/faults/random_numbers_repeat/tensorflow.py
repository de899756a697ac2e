"""Trains on digits with noise that is drawn anew for every example and epoch."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def augment(image, label):
    noise = np.random.normal(0, 0.1)  # FAULT
    # CORRECT: noise = tf.random.normal([], 0, 0.1)
    return image + noise, label


def main(stage, wrap):
    stage("build")
    np.random.seed(0)
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = np.float32(digits.data[:400] / 16)
    dataset = tf.data.Dataset.from_tensor_slices((images, digits.target[:400]))
    dataset = dataset.map(augment).batch(100)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    optimizer = keras.optimizers.Adam(0.01)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    @wrap
    def train_step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_function(labels, model(images, training=True))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    noise = []
    for _ in range(2):
        for images, labels in dataset:
            stage("step")
            train_step(images, labels)
            noise += images[:, 0].numpy().tolist()  # a digit's corner is always empty
    stage("after")
    return len(set(noise)) / len(noise)
