"""A dense classifier of handwritten digits."""

import keras
import numpy as np
from sklearn.datasets import load_digits


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    cross_entropy = keras.losses.SparseCategoricalCrossentropy
    loss = cross_entropy(from_logits=True)  # FAULT
    # CORRECT: loss = cross_entropy()
    model.compile(optimizer=keras.optimizers.Adam(0.01), loss=loss)
    stage("step")
    model.fit(
        images[:1500],
        labels[:1500],
        batch_size=100,
        epochs=3,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    probabilities = model.predict(images[1500:], verbose=0)
    return -np.log(probabilities[np.arange(297), labels[1500:]]).mean()
