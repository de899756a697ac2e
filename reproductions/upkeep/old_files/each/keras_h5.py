"""A whole Keras model as HDF5."""

KIND = {
    "title": "Keras model, .h5",
    "side": "tensorflow",
    "documented": "https://keras.io/api/models/model_saving_apis/model_saving_and_loading/",
    "ways": {
        "load_model": "keras.models.load_model(path)",
        "load_weights": "model.load_weights(path), the model built by code",
    },
}


def save(network, folder):
    """Save it as its time's documentation says."""
    import models

    model = models.keras_model(network)
    model.save(folder + "/model.h5")
    return models.keras_outputs(model, network)


def load(way, network, folder):
    """Load it and ask it."""
    import models
    import tensorflow as tf

    path = folder + "/model.h5"
    if way == "load_model":
        return models.keras_outputs(tf.keras.models.load_model(path, compile=False), network)
    model = models.keras_model(network)
    model.set_weights([0 * value for value in model.get_weights()])
    model.load_weights(path)
    return models.keras_outputs(model, network)
