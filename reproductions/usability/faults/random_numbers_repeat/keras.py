"""Trains on digits with noise that is drawn anew for every example and epoch."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def augment(image, label):
    noise = np.random.normal(0, 0.1)  # FAULT
    # CORRECT: noise = tf.random.normal([], 0, 0.1)
    return image + noise, label


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = np.float32(digits.data[:400] / 16)
    dataset = tf.data.Dataset.from_tensor_slices((images, digits.target[:400]))
    dataset = dataset.map(augment).batch(100)
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss)
    stage("step")
    model.fit(dataset, epochs=2, verbose=0, callbacks=stage.callbacks())
    stage("after")
    noise = [value for images, _ in dataset for value in images[:, 0].numpy()]
    return len(set(noise)) / len(noise)
