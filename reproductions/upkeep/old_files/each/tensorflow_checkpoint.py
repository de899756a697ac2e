"""A TensorFlow checkpoint of a model."""

KIND = {
    "title": "TensorFlow checkpoint",
    "side": "tensorflow",
    "documented": "https://www.tensorflow.org/guide/checkpoint",
    "ways": {"restore": "tf.train.Checkpoint(model=model).restore(path), the model built by code"},
}


def save(network, folder):
    """Write it."""
    import models
    import tensorflow as tf

    model = models.keras_model(network)
    tf.train.Checkpoint(model=model).write(folder + "/checkpoint")
    return models.keras_outputs(model, network)


def load(way, network, folder):
    """Build the model by code, restore it and ask it."""
    import models
    import tensorflow as tf

    model = models.keras_model(network)
    model.set_weights([0 * value for value in model.get_weights()])
    status = tf.train.Checkpoint(model=model).read(folder + "/checkpoint")
    status.assert_existing_objects_matched()
    return models.keras_outputs(model, network)
