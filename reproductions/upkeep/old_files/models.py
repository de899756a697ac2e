"""The two small networks that are saved, and what they are fed. Runs in old Pythons; NumPy is imported when needed."""


def filled(shape):
    """Return positive numbers of a shape that every release computes alike."""
    import numpy as np

    size = int(np.prod(shape))
    return (0.5 + 0.4 * np.sin(0.7 * np.arange(size))).reshape(shape).astype("float32")


def inputs(network):
    """Return three rows for a network."""
    import numpy as np

    shape = (3, 6, 4) if network == "recurrent" else (3, 4)
    return np.cos(1.3 * np.arange(int(np.prod(shape)))).reshape(shape).astype("float32")


def keras_model(network):
    """Return the Keras model with its weights; whichever Keras TensorFlow names is taken."""
    import tensorflow as tf

    layers = tf.keras.layers
    if network == "recurrent":
        parts = [layers.Input(shape=(6, 4)), layers.LSTM(5), layers.Dense(3)]
    else:
        parts = [
            layers.Input(shape=(4,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3),
        ]
    model = tf.keras.Sequential(parts)
    model.set_weights([filled(value.shape) for value in model.get_weights()])
    return model


def keras_outputs(model, network):
    """Return a Keras model's outputs as lists."""
    import numpy as np

    return np.array(model(inputs(network), training=False)).tolist()


def keras_major():
    """Return 2 or 3: the Keras that TensorFlow names."""
    return int(keras_version().split(".")[0])


def keras_version():
    """Return the version of the Keras that TensorFlow names; not all of them say it themselves."""
    import os

    import tensorflow as tf

    try:
        return tf.keras.__version__
    except AttributeError:
        # tf-keras may lie beside a Keras 3, which is not the one that TensorFlow names then.
        if os.environ.get("TF_USE_LEGACY_KERAS"):
            import tf_keras as keras
        else:
            import keras

        return keras.__version__
