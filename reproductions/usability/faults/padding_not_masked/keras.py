"""Predicts the mean of a sequence's values from their embeddings."""

import keras
import numpy as np


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    lengths = draw.integers(2, 13, (200, 1))
    tokens = draw.integers(1, 30, (200, 12)) * (np.arange(12) < lengths)
    targets = tokens.sum(1, keepdims=True) / lengths / 10
    embedding = keras.layers.Embedding(30, 1)  # FAULT
    # CORRECT: embedding = keras.layers.Embedding(30, 1, mask_zero=True)
    mean = keras.layers.GlobalAveragePooling1D()
    model = keras.Sequential([keras.Input((12,)), embedding, mean])
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss="mse")
    stage("step")
    model.fit(
        tokens,
        targets,
        batch_size=200,
        epochs=80,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return model.evaluate(tokens, targets, verbose=0)
