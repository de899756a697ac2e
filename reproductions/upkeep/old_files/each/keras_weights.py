"""The weights of a Keras model alone, as HDF5."""

KIND = {
    "title": "Keras weights, .weights.h5",
    "side": "tensorflow",
    "documented": "https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/",
    "ways": {"load_weights": "model.load_weights(path)"},
}


def save(network, folder):
    """Save them."""
    import models

    model = models.keras_model(network)
    model.save_weights(folder + "/model.weights.h5")
    return models.keras_outputs(model, network)


def load(way, network, folder):
    """Build the model by code, load its weights and ask it."""
    import models

    model = models.keras_model(network)
    model.set_weights([0 * value for value in model.get_weights()])
    model.load_weights(folder + "/model.weights.h5")
    return models.keras_outputs(model, network)
