"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = keras.layers.Dense(64, activation="relu")
        self.second = keras.layers.Dense(64, activation="relu")
        self.scores = keras.layers.Dense(10)
        self.first.build((None, 64))
        self.second.build((None, 64))

    def call(self, images):
        hidden = self.first(images)
        hidden = self.first(hidden)  # FAULT
        # CORRECT: hidden = self.second(hidden)
        return self.scores(hidden)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = Classifier()
    before = model.second.kernel.numpy()
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
    stage.summary(model)
    return abs(model.second.kernel.numpy() - before).max()
