"""A linear classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


def batches(images, labels, epochs):
    for _ in range(epochs):
        for start in range(0, len(images), 100):
            yield images[start : start + 100], labels[start : start + 100]


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.005),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )

    generator = batches(images[:1500], labels[:1500], epochs=1)  # FAULT
    # CORRECT: generator = batches(images[:1500], labels[:1500], epochs=6)
    stage("step")
    model.fit(
        generator,
        steps_per_epoch=15,
        epochs=6,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return model.evaluate(images[1500:], labels[1500:], verbose=0)[1]
