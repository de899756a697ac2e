"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32, activation="sigmoid")
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        hidden = self.hidden(images)
        hidden[:, ::2] = 0  # FAULT
        # CORRECT: hidden = hidden * (keras.ops.arange(32, dtype="float32") % 2)
        return self.scores(hidden)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = Classifier()
    model.compile(
        optimizer=keras.optimizers.Adam(0.03),
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
