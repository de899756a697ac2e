"""The network written again in TensorFlow, its weights mapped by hand."""

import numpy as np

from reproductions.upkeep.moving.routes import Route, _common

ROUTE = Route(
    id="mapped_to_tensorflow",
    title="Written again, weights mapped by hand",
    leaves="pytorch",
    arrives="tensorflow",
    documented="https://keras.io/api/models/model_saving_apis/weights_saving_and_loading/",
    native=True,
)


def leave(engine, context, folder):
    """Write the weights in the layout that belongs to neither framework."""
    np.savez(folder / "weights.npz", **context.weights.from_pytorch(_common.arrays(engine), context.sizes))


def arrive(context, folder):
    """Build the model and assign the mapped weights."""
    from reproductions.frameworks._keras import name_of

    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        mapped = context.weights.to_tensorflow(dict(arrays), context.sizes)
    model = context.source.build(context.sizes)
    for variable in model.variables:
        if (name := name_of(model, variable)) in mapped:
            variable.assign(mapped[name])
    return model
