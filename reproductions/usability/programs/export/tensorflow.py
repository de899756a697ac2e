"""Export a model for any batch size and run it again, with SavedModel."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return x @ self.w + self.b


class Classifier(tf.Module):
    def __init__(self):
        super().__init__()
        self.hidden = Dense(20, 64)
        self.logits = Dense(64, 4)

    @tf.function(input_signature=[tf.TensorSpec([None, 20], tf.float32)])
    def __call__(self, x):
        return self.logits(tf.nn.relu(self.hidden(x)))


def build():
    return Classifier()


def main(model, data):
    x = data["x"]
    tf.saved_model.save(model, "classifier")

    loaded = tf.saved_model.load("classifier")
    return {
        "original": model(x).numpy(),
        "many": loaded(x).numpy(),
        "few": loaded(x[:3]).numpy(),
    }
