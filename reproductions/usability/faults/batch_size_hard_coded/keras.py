"""A classifier of handwritten digits that flattens the images itself."""

import keras
from sklearn.datasets import load_digits


class Classifier(keras.Model):
    def __init__(self):
        super().__init__()
        self.scores = keras.layers.Dense(10)

    def call(self, images):
        flat = keras.ops.reshape(images, (100, 64))  # FAULT
        # CORRECT: flat = keras.ops.reshape(images, (-1, 64))
        return self.scores(flat)


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.images / 16
    labels = digits.target
    model = Classifier()
    model.compile(
        optimizer=keras.optimizers.Adam(0.05),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    stage("step")
    model.fit(images, labels, batch_size=100, verbose=0, callbacks=stage.callbacks())
    stage("after")
    return model.evaluate(images[1500:], labels[1500:], verbose=0)[1]
