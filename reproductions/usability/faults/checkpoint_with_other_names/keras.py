"""Trains a classifier of digits, then loads it into its next version."""

import keras
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.hidden = keras.layers.Dense(32, activation="relu")
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        return self.scores(self.hidden(images))


class NextClassifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.features = keras.layers.Dense(32, activation="relu")  # FAULT
        # CORRECT: self.hidden = keras.layers.Dense(32, activation="relu")
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        return self.scores(self.features(images))  # FAULT
        # CORRECT: return self.scores(self.hidden(images))


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    model = Classifier()
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
    model.save_weights("model.weights.h5")
    restored = NextClassifier()
    restored.build((None, 64))
    restored.load_weights("model.weights.h5")
    predicted = restored.predict(images[1500:], verbose=0).argmax(1)
    return (predicted == labels[1500:]).mean()
