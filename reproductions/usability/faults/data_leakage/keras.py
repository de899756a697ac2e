"""Predicts coin flips from noise."""

import keras
import numpy as np


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    features = draw.normal(size=(400, 2000)).astype("float32")
    labels = draw.random((400, 1)) < 0.5
    seen = slice(0, 400)  # FAULT
    # CORRECT: seen = slice(0, 200)
    signs = labels[seen] * 2.0 - 1
    strength = abs((features[seen] * signs).mean(0))
    chosen = features[:, strength.argsort()[-40:]]
    model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(1)])
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(0.1), loss=loss)
    stage("step")
    model.fit(
        chosen[:200],
        labels[:200],
        batch_size=200,
        epochs=30,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return ((model.predict(chosen[200:], verbose=0) > 0) == labels[200:]).mean()
