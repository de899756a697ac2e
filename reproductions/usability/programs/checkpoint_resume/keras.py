"""Save a training, load it into a new model and go on, in Keras."""

import keras
from keras import layers


def build():
    return keras.Sequential(
        [
            keras.Input((20,)),
            layers.Dense(32, activation="tanh"),
            layers.Dense(1),
        ]
    )


def main(model, data):
    model.compile(optimizer=keras.optimizers.SGD(0.02, momentum=0.9), loss="mse")
    model.fit(data["x"], data["y"], batch_size=32, shuffle=False)
    model.save("checkpoint.keras")
    model.fit(data["x"], data["y"], batch_size=32, shuffle=False)

    resumed = keras.models.load_model("checkpoint.keras")
    resumed.fit(data["x"], data["y"], batch_size=32, shuffle=False)

    return {
        "straight": model.predict(data["x_test"]),
        "resumed": resumed.predict(data["x_test"]),
    }
