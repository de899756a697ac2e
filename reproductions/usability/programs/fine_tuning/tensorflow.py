"""Train a new head on a frozen trunk, then fine-tune both, with the core API."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return x @ self.w + self.b


class Trunk(tf.Module):
    def __init__(self):
        super().__init__()
        self.first = Dense(20, 64)
        self.second = Dense(64, 32)

    def __call__(self, x):
        return tf.nn.relu(self.second(tf.nn.relu(self.first(x))))


class Classifier(tf.Module):
    def __init__(self):
        super().__init__()
        self.trunk = Trunk()
        self.head = Dense(32, 3)

    @tf.function
    def __call__(self, x):
        return self.head(self.trunk(x))


def train(model, dataset, variables, learning_rate, epochs):
    @tf.function
    def step(x, y):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, variables)
        for variable, gradient in zip(variables, gradients):
            variable.assign_sub(learning_rate * gradient)

    for _ in range(epochs):
        for x, y in dataset:
            step(x, y)


def build():
    return Classifier()


def main(model, data):
    dataset = tf.data.Dataset.from_tensor_slices((data["x"], data["y"])).batch(32)

    train(model, dataset, model.head.trainable_variables, 0.1, epochs=2)
    frozen = model(data["x_test"]).numpy()

    train(model, dataset, model.trainable_variables, 0.01, epochs=2)
    return {"frozen": frozen, "tuned": model(data["x_test"]).numpy()}
