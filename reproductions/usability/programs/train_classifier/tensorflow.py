"""Train and evaluate a classifier with TensorFlow's core API."""

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

    @tf.function
    def __call__(self, x):
        return self.logits(tf.nn.relu(self.hidden(x)))


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
    train = tf.data.Dataset.from_tensor_slices((data["x_train"], data["y_train"]))
    train = train.batch(32)

    for _ in range(3):
        for x, y in train:
            train_step(model, x, y)

    logits = model(data["x_test"])
    correct = tf.argmax(logits, axis=1) == data["y_test"]
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32))
    return {"logits": logits.numpy(), "accuracy": accuracy.numpy()}
