"""A dense classifier of handwritten digits."""

import keras
import numpy as np
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32)
        self.scores = keras.layers.Dense(10)
        self.hidden.build((None, 64))

    def call(self, images):
        hidden = self.hidden(images)
        hidden = np.tanh(hidden.numpy())  # FAULT
        # CORRECT: hidden = keras.ops.tanh(hidden)
        return self.scores(hidden)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = Classifier()
    before = model.hidden.kernel.numpy()
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
    return abs(model.hidden.kernel.numpy() - before).max()
