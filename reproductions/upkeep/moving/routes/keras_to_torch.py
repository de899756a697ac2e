"""Keras 3: the same source and weights file, the back end switched from TensorFlow to PyTorch."""

from reproductions.upkeep.moving.routes import Route

FILE = "model.weights.h5"
ROUTE = Route(
    id="keras_to_torch",
    title="Keras back end switched",
    leaves="tensorflow",
    arrives="keras_torch",
    documented="https://keras.io/getting_started/#configuring-your-backend",
)


def leave(engine, context, folder):
    """Save the weights as Keras does."""
    engine.model.save_weights(folder / FILE)


def arrive(context, folder):
    """Build the same source on the other back end and load the weights."""
    model = context.source.build(context.sizes)
    model.load_weights(folder / FILE)
    return model
