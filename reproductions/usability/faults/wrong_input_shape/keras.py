"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.images / 16  # FAULT
    # CORRECT: images = digits.data / 16
    labels = digits.target
    model = keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
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
