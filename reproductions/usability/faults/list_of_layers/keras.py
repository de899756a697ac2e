"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        make = keras.layers.Dense
        self.hidden = [make(64, activation="relu") for _ in range(2)]  # FAULT
        # CORRECT: self.first = make(64, activation="relu")
        # CORRECT: self.second = make(64, activation="relu")
        # CORRECT: self.hidden = [self.first, self.second]
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        for layer in self.hidden:
            images = layer(images)
        return self.scores(images)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = Classifier()
    model(images[:1])
    before = model.hidden[1].kernel.numpy()
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
    return abs(model.hidden[1].kernel.numpy() - before).max()
