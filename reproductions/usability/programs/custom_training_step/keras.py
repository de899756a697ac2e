"""Clip the gradients' common norm in a train_step of one's own in Keras."""

import keras
import tensorflow as tf
from keras import layers


class ClippedModel(keras.Model):
    def train_step(self, data):
        x, y = data
        with tf.GradientTape() as tape:
            loss = self.compute_loss(y=y, y_pred=self(x, training=True))
        gradients = tape.gradient(loss, self.trainable_variables)
        gradients, norm = tf.clip_by_global_norm(gradients, 0.5)
        self.optimizer.apply(gradients, self.trainable_variables)
        return {"loss": loss, "norm": norm}


def build():
    inputs = keras.Input((20,))
    hidden = layers.Dense(32, activation="tanh")(inputs)
    return ClippedModel(inputs, layers.Dense(1)(hidden))


def main(model, data):
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse")
    history = model.fit(data["x"], data["y"], batch_size=32, epochs=3, shuffle=False)
    return {
        "predicted": model.predict(data["x_test"]),
        "last_norms": history.history["norm"],
    }
