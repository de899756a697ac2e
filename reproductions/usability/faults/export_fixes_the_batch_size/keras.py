"""Exports a classifier of digits and serves ten digits with it."""

import keras
import numpy as np
import tensorflow as tf
from sklearn.datasets import load_digits


def main(stage):
    stage("build")
    keras.utils.set_random_seed(0)
    images = np.float32(load_digits().data / 16)
    layers = keras.layers.Dense(32, activation="relu"), keras.layers.Dense(10)
    model = keras.Sequential([keras.Input(batch_shape=(1, 64)), *layers])  # FAULT
    # CORRECT: model = keras.Sequential([keras.Input((64,)), *layers])
    model.export("model", verbose=False)
    served = tf.saved_model.load("model")
    stage("step")
    served.serve(images[:1])
    stage("step")
    return len(served.serve(images[:10]))
