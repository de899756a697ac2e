"""A classifier of digits that were recorded row by row."""

import keras
from sklearn.datasets import load_digits


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    rows = digits.images.transpose(1, 0, 2) / 16
    images = rows.reshape(-1, 8, 8)  # FAULT
    # CORRECT: images = rows.transpose(1, 0, 2)
    labels = digits.target
    layers = keras.layers.Flatten(), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((8, 8)), *layers])
    model.compile(
        optimizer=keras.optimizers.Adam(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
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
    return model.evaluate(images[1500:], labels[1500:], verbose=0)[1]
