"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


def make():
    return keras.Sequential(
        [
            keras.Input((64,)),
            keras.layers.Dense(32, activation="relu"),
            keras.layers.Dense(10),
        ]
    )


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    optimizer = keras.optimizers.Adam(0.01)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    stage("step")
    for run in range(2):
        model = make()
        # FAULT: the optimiser is still that of the first model
        # CORRECT: optimizer = keras.optimizers.Adam(0.01)
        model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
        model.fit(
            images[:1500],
            labels[:1500],
            batch_size=100,
            epochs=2,
            verbose=0,
            callbacks=stage.callbacks(),
        )
    stage("after")
    return model.evaluate(images[1500:], labels[1500:], verbose=0)[1]
