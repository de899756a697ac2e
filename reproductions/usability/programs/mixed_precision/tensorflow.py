"""Compute in bfloat16 and keep float32 weights, with casts in a tf.Module."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        w = tf.cast(self.w, tf.bfloat16)
        b = tf.cast(self.b, tf.bfloat16)
        return tf.cast(x, tf.bfloat16) @ w + b


class Classifier(tf.Module):
    def __init__(self):
        super().__init__()
        self.hidden = Dense(20, 64)
        self.logits = Dense(64, 4)

    @tf.function
    def __call__(self, x):
        logits = self.logits(tf.nn.relu(self.hidden(x)))
        return tf.cast(logits, tf.float32)


@tf.function
def train_step(model, x, y):
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x))
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients):
        variable.assign_sub(0.1 * gradient)


def build():
    return Classifier()


def main(model, data):
    train = tf.data.Dataset.from_tensor_slices((data["x"], data["y"])).batch(32)

    for _ in range(2):
        for x, y in train:
            train_step(model, x, y)

    return {"logits": model(data["x_test"]).numpy()}
