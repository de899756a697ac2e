"""A whole Keras model in Keras' own format."""

KIND = {
    "title": "Keras model, .keras",
    "side": "tensorflow",
    "documented": "https://keras.io/api/models/model_saving_apis/model_saving_and_loading/",
    "ways": {"load_model": "keras.models.load_model(path)"},
}


def save(network, folder):
    """Save it; releases before 2.12 do not know the format and write a folder of that name."""
    from pathlib import Path

    import models

    model = models.keras_model(network)
    path = Path(folder) / "model.keras"
    model.save(str(path))
    if not path.is_file():
        raise ValueError("this release does not know the format: it wrote a SavedModel under that name")
    return models.keras_outputs(model, network)


def load(way, network, folder):
    """Load it and ask it."""
    import models
    import tensorflow as tf

    return models.keras_outputs(tf.keras.models.load_model(folder + "/model.keras", compile=False), network)
