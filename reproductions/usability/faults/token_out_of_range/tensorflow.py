"""Does a sequence hold more of the unknown word than one in four?"""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    unknown = tf.random.uniform([600, 12]) < 0.25
    tokens = tf.where(unknown, 50, tf.random.uniform([600, 12], 0, 50, tf.int32))
    labels = tf.cast(tf.reduce_sum(tf.cast(unknown, tf.int32), 1) > 3, tf.float32)
    embedding = keras.layers.Embedding(50, 8)  # FAULT
    # CORRECT: embedding = keras.layers.Embedding(51, 8)
    model = keras.Sequential([embedding, keras.layers.Flatten(), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(0.02)

    @wrap
    def train_step(tokens, labels):
        with tf.GradientTape() as tape:
            scores = model(tokens)[:, 0]
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(40):
        stage("step")
        train_step(tokens[:500], labels[:500])
    stage("after")
    predict = wrap(lambda tokens: model(tokens)[:, 0] > 0)
    right = tf.cast(predict(tokens[500:]), tf.float32) == labels[500:]
    return tf.reduce_mean(tf.cast(right, tf.float32))
