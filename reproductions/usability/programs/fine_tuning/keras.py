"""Train a new head on a frozen trunk, then fine-tune both, in Keras."""

import keras
from keras import layers


def build():
    trunk = keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(32, activation="relu"),
        ],
        name="trunk",
    )
    return keras.Sequential([trunk, layers.Dense(3)])


def train(model, data, learning_rate, epochs):
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    model.fit(data["x"], data["y"], batch_size=32, epochs=epochs, shuffle=False)


def main(model, data):
    trunk = model.get_layer("trunk")

    trunk.trainable = False
    train(model, data, learning_rate=0.1, epochs=2)
    frozen = model.predict(data["x_test"])

    trunk.trainable = True
    train(model, data, learning_rate=0.01, epochs=2)
    return {"frozen": frozen, "tuned": model.predict(data["x_test"])}
