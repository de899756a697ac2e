"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data / 16
    labels = digits.target
    hidden = keras.layers.Dense(32, activation="relu")
    layers = hidden, keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((64,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    stage("step")
    model.fit(
        images[:1500],
        labels[:1500],
        batch_size=100,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    hidden.trainable = False
    # FAULT: the model was compiled while the layer could be trained
    # CORRECT: model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    frozen = hidden.kernel.numpy()
    model.fit(
        images[:1500],
        labels[:1500],
        batch_size=100,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    stage.summary(model)
    return abs(hidden.kernel.numpy() - frozen).max()
