"""Keras 3: the same source and weights file, the back end switched from PyTorch to TensorFlow."""

from reproductions.upkeep.moving.routes import Route, keras_to_torch

ROUTE = Route(
    id="keras_to_tensorflow",
    title="Keras back end switched",
    leaves="keras_torch",
    arrives="tensorflow",
    documented=keras_to_torch.ROUTE.documented,
    native=True,
)
leave, arrive = keras_to_torch.leave, keras_to_torch.arrive
