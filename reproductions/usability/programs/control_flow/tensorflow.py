"""Repeat a layer until its states have settled, with AutoGraph."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return x @ self.w + self.b


class Settling(tf.Module):
    def __init__(self):
        super().__init__()
        self.inner = Dense(16, 16)
        self.output = Dense(16, 1)

    @tf.function
    def settle(self, x):
        steps = 0
        while tf.reduce_mean(tf.abs(x)) > 0.1 and steps < 20:
            x = 0.7 * tf.tanh(self.inner(x))
            steps += 1
        return x, steps

    @tf.function
    def __call__(self, x):
        x, _ = self.settle(x)
        return self.output(x)


@tf.function
def train_step(model, x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - y))
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients):
        variable.assign_sub(0.05 * gradient)


def build():
    return Settling()


def main(model, data):
    train = tf.data.Dataset.from_tensor_slices((data["x"], data["y"])).batch(32)

    for _ in range(2):
        for x, y in train:
            train_step(model, x, y)

    predicted = [model(x) for x, _ in train]
    steps = [model.settle(x)[1] for x, _ in train]
    return {"predicted": tf.concat(predicted, 0).numpy(), "steps": steps}
