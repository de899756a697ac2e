"""A dense classifier of handwritten digits."""

import keras
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
            keras.layers.Dense(64),
            keras.layers.BatchNormalization(),
            keras.layers.Dense(10),
        ]
    )
    size = 1  # FAULT
    # CORRECT: size = 10
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    stage("step")
    model.fit(
        images[:300],
        labels[:300],
        batch_size=size,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    predicted = model(images[:300], training=True).numpy().argmax(1)
    return (predicted == labels[:300]).mean()
