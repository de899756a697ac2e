"""Does a sequence hold more of the unknown word than one in four?"""

import keras
import numpy as np


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    draw = np.random.default_rng(0)
    unknown = draw.random((600, 12)) < 0.25
    tokens = np.where(unknown, 50, draw.integers(0, 50, (600, 12)))
    labels = unknown.sum(1, keepdims=True) > 3
    embedding = keras.layers.Embedding(50, 8)  # FAULT
    # CORRECT: embedding = keras.layers.Embedding(51, 8)
    model = keras.Sequential([embedding, keras.layers.Flatten(), keras.layers.Dense(1)])
    model.compile(
        optimizer=keras.optimizers.Adam(0.02),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
    )
    stage("step")
    model.fit(
        tokens[:500],
        labels[:500],
        batch_size=500,
        epochs=40,
        verbose=0,
        callbacks=stage.callbacks(),
    )
    stage("after")
    return ((model.predict(tokens[500:], verbose=0) > 0) == labels[500:]).mean()
