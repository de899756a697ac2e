"""A dense classifier of handwritten digits."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    digits = load_digits()
    images = tf.constant(digits.data / 16, tf.float32)
    labels = tf.constant(digits.target)
    hidden = keras.layers.Dense(32, activation="relu")
    layers = hidden, keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((64,)), *layers])
    optimizer = keras.optimizers.SGD(0.5)
    loss_function = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

    def training_step():
        @wrap
        def train_step(images, labels):
            with tf.GradientTape() as tape:
                loss = loss_function(labels, model(images, training=True))
            gradients = tape.gradient(loss, model.trainable_variables)
            optimizer.apply_gradients(zip(gradients, model.trainable_variables))

        return train_step

    train_step = training_step()

    for step in range(45):
        stage("step")
        if step == 15:
            hidden.trainable = False
            # FAULT: the step was traced while the layer could be trained
            # CORRECT: train_step = training_step()
            frozen = tf.identity(hidden.kernel)
        batch = slice(step % 15 * 100, step % 15 * 100 + 100)
        train_step(images[batch], labels[batch])
    stage("after")
    stage.summary(model)
    return tf.reduce_max(tf.abs(hidden.kernel - frozen))
