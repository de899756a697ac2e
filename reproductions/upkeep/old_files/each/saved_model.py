"""A SavedModel: what Keras 2 saved without a suffix, and what Keras 3 exports."""

KIND = {
    "title": "SavedModel",
    "side": "tensorflow",
    "documented": "https://www.tensorflow.org/guide/saved_model",
    "ways": {
        "load_model": "keras.models.load_model(folder)",
        "tfsm_layer": "keras.layers.TFSMLayer(folder, call_endpoint='serving_default')",
        "saved_model": "tf.saved_model.load(folder).signatures['serving_default']",
    },
}


def save(network, folder):
    """Save it as its time's documentation says."""
    import models

    model = models.keras_model(network)
    path = folder + "/saved"
    if models.keras_major() >= 3:
        model.export(path)
    else:
        model.save(path)
    return models.keras_outputs(model, network)


def load(way, network, folder):
    """Load it and ask it."""
    import models
    import numpy as np
    import tensorflow as tf

    path, rows = folder + "/saved", models.inputs(network)
    if way == "load_model":
        return models.keras_outputs(tf.keras.models.load_model(path, compile=False), network)
    if way == "tfsm_layer":
        found = tf.keras.layers.TFSMLayer(path, call_endpoint="serving_default")(rows)
    else:
        serve = tf.saved_model.load(path).signatures["serving_default"]
        (argument,) = serve.structured_input_signature[1]
        found = serve(**{argument: tf.constant(rows)})
    return np.array(next(iter(found.values()))).tolist()
