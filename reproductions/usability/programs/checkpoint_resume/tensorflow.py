"""Save a training, load it into a new model and go on, with tf.train.Checkpoint."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return x @ self.w + self.b


class Regression(tf.Module):
    def __init__(self):
        super().__init__()
        self.hidden = Dense(20, 32)
        self.output = Dense(32, 1)

    @tf.function
    def __call__(self, x):
        return self.output(tf.tanh(self.hidden(x)))


class Momentum(tf.Module):
    def __init__(self, variables, learning_rate=0.02, momentum=0.9):
        super().__init__()
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.velocities = [tf.Variable(tf.zeros_like(v)) for v in variables]

    def apply(self, gradients, variables):
        for velocity, gradient, variable in zip(self.velocities, gradients, variables):
            velocity.assign(self.momentum * velocity + gradient)
            variable.assign_sub(self.learning_rate * velocity)


@tf.function
def train_step(model, optimizer, x, y):
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(tf.square(model(x) - y))
    gradients = tape.gradient(loss, model.trainable_variables)
    optimizer.apply(gradients, model.trainable_variables)


def build():
    return Regression()


def main(model, data):
    dataset = tf.data.Dataset.from_tensor_slices((data["x"], data["y"])).batch(32)

    optimizer = Momentum(model.trainable_variables)
    for x, y in dataset:
        train_step(model, optimizer, x, y)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=optimizer)
    path = checkpoint.save("checkpoint")
    for x, y in dataset:
        train_step(model, optimizer, x, y)

    resumed = build()
    optimizer = Momentum(resumed.trainable_variables)
    checkpoint = tf.train.Checkpoint(model=resumed, optimizer=optimizer)
    checkpoint.restore(path).assert_consumed()
    for x, y in dataset:
        train_step(resumed, optimizer, x, y)

    return {
        "straight": model(data["x_test"]).numpy(),
        "resumed": resumed(data["x_test"]).numpy(),
    }
