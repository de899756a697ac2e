"""Train a model with a class and a score as outputs with TensorFlow's core API."""

import tensorflow as tf


class Dense(tf.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.w = tf.Variable(tf.random.normal([inputs, outputs], stddev=0.1))
        self.b = tf.Variable(tf.zeros([outputs]))

    def __call__(self, x):
        return x @ self.w + self.b


class TwoHeads(tf.Module):
    def __init__(self):
        super().__init__()
        self.hidden = Dense(20, 64)
        self.label = Dense(64, 4)
        self.score = Dense(64, 1)

    @tf.function
    def __call__(self, x):
        features = tf.nn.relu(self.hidden(x))
        return self.label(features), self.score(features)


@tf.function
def train_step(model, x, labels, scores):
    with tf.GradientTape() as tape:
        logits, predicted = model(x)
        label_losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
        score_losses = tf.square(predicted - scores)
        loss = tf.reduce_mean(label_losses) + 0.2 * tf.reduce_mean(score_losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients):
        variable.assign_sub(0.05 * gradient)


def build():
    return TwoHeads()


def main(model, data):
    train = tf.data.Dataset.from_tensor_slices(
        (data["x"], data["labels"], data["scores"])
    ).batch(32)

    for _ in range(2):
        for x, labels, scores in train:
            train_step(model, x, labels, scores)

    logits, predicted = model(data["x_test"])
    return {"label": logits.numpy(), "score": predicted.numpy()}
