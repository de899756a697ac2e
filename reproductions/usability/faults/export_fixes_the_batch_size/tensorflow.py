"""Exports a classifier of digits and serves ten digits with it."""

import keras
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage, wrap):
    stage("build")
    keras.utils.set_random_seed(0)
    images = tf.constant(load_digits().data / 16, tf.float32)
    layers = keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input((64,)), *layers])
    signature = [tf.TensorSpec([1, 64])]  # FAULT
    # CORRECT: signature = [tf.TensorSpec([None, 64])]
    module = tf.Module()
    module.model = model
    module.serve = wrap(lambda images: model(images), input_signature=signature)
    tf.saved_model.save(module, "model")
    served = tf.saved_model.load("model")
    stage("step")
    served.serve(images[:1])
    stage("step")
    return len(served.serve(images[:10]))
