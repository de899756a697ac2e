"""Train a model with a class and a score as outputs with the functional API."""

import keras
from keras import layers


def build():
    inputs = keras.Input((20,))
    features = layers.Dense(64, activation="relu")(inputs)
    return keras.Model(
        inputs,
        {
            "label": layers.Dense(4, name="label")(features),
            "score": layers.Dense(1, name="score")(features),
        },
    )


def main(model, data):
    model.compile(
        optimizer=keras.optimizers.SGD(0.05),
        loss={
            "label": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
            "score": keras.losses.MeanSquaredError(),
        },
        loss_weights={"label": 1.0, "score": 0.2},
    )
    targets = {"label": data["labels"], "score": data["scores"]}
    model.fit(data["x"], targets, batch_size=32, epochs=2, shuffle=False)
    return model.predict(data["x_test"])
