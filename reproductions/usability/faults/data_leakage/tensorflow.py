"""Predicts coin flips from noise."""

import keras
import tensorflow as tf


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    features = tf.random.normal([400, 2000])
    labels = tf.cast(tf.random.uniform([400, 1]) < 0.5, tf.float32)
    seen = slice(0, 400)  # FAULT
    # CORRECT: seen = slice(0, 200)
    signs = labels[seen] * 2 - 1
    strength = tf.abs(tf.reduce_mean(features[seen] * signs, 0))
    chosen = tf.gather(features, tf.math.top_k(strength, 40).indices, axis=1)
    model = keras.Sequential([keras.Input((40,)), keras.layers.Dense(1)])
    optimizer = keras.optimizers.Adam(0.1)

    @wrap
    def train_step(features, labels):
        with tf.GradientTape() as tape:
            scores = model(features)
            losses = tf.nn.sigmoid_cross_entropy_with_logits(labels, scores)
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    for _ in range(30):
        stage("step")
        train_step(chosen[:200], labels[:200])
    stage("after")
    right = tf.cast(model(chosen[200:]) > 0, tf.float32) == labels[200:]
    return tf.reduce_mean(tf.cast(right, tf.float32))
