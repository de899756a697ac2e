"""A dense classifier of handwritten digits."""

import keras
from sklearn.datasets import load_digits


def cross_entropy(labels, logits):
    logs = keras.ops.log(keras.ops.softmax(logits))  # FAULT
    # CORRECT: logs = keras.ops.log_softmax(logits)
    chosen = keras.ops.one_hot(keras.ops.cast(labels, "int32"), 10)
    return -keras.ops.mean(keras.ops.sum(logs * chosen, -1))


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = digits.data * 20
    labels = digits.target
    model = keras.Sequential([keras.Input((64,)), keras.layers.Dense(10)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.01),
        loss=cross_entropy,
        metrics=["sparse_categorical_accuracy"],
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
