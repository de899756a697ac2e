"""Train a recurrent network on ragged tensors with TensorFlow's core API."""

import tensorflow as tf


class Reader(tf.Module):
    def __init__(self):
        super().__init__()
        self.embedding = tf.Variable(tf.random.normal([50, 16], stddev=0.1))
        self.w_input = tf.Variable(tf.random.normal([16, 32], stddev=0.1))
        self.w_state = tf.Variable(tf.random.normal([32, 32], stddev=0.1))
        self.w_logits = tf.Variable(tf.random.normal([32, 2], stddev=0.1))
        self.b_logits = tf.Variable(tf.zeros([2]))

    @tf.function
    def __call__(self, sequences):
        lengths = sequences.row_lengths()
        x = tf.nn.embedding_lookup(self.embedding, sequences.to_tensor())
        state = tf.zeros([sequences.nrows(), 32])
        for t in tf.range(tf.reduce_max(lengths)):
            new = tf.tanh(x[:, t] @ self.w_input + state @ self.w_state)
            state = tf.where((t < lengths)[:, tf.newaxis], new, state)
        return state @ self.w_logits + self.b_logits


@tf.function
def train_step(model, x, y):
    with tf.GradientTape() as tape:
        losses = tf.nn.sparse_softmax_cross_entropy_with_logits(y, model(x))
        loss = tf.reduce_mean(losses)
    gradients = tape.gradient(loss, model.trainable_variables)
    for variable, gradient in zip(model.trainable_variables, gradients):
        variable.assign_sub(0.1 * tf.convert_to_tensor(gradient))


def build():
    return Reader()


def main(model, data):
    sequences = tf.ragged.stack(data["sequences"])
    train = tf.data.Dataset.from_tensor_slices((sequences, data["labels"]))
    train = train.batch(32)

    for _ in range(2):
        for x, y in train:
            train_step(model, x, y)

    logits = [model(x) for x, _ in train]
    return {"logits": tf.concat(logits, 0).numpy()}
