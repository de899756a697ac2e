"""The network written again in PyTorch, its weights mapped by hand."""

import numpy as np

from reproductions.upkeep.moving.routes import Route, _common

ROUTE = Route(
    id="mapped_to_pytorch",
    title="Written again, weights mapped by hand",
    leaves="tensorflow",
    arrives="pytorch",
    documented="https://docs.pytorch.org/docs/stable/generated/torch.nn.Module.html",
    native=True,
)


def leave(engine, context, folder):
    """Write the weights in the layout that belongs to neither framework."""
    arrays = context.weights.from_tensorflow(_common.arrays(engine), context.sizes)
    np.savez(folder / "weights.npz", **arrays)


def arrive(context, folder):
    """Build the module and copy the mapped weights into it."""
    import torch

    with np.load(folder / "weights.npz", allow_pickle=False) as arrays:
        mapped = context.weights.to_pytorch(dict(arrays), context.sizes)
    model = context.source.build(context.sizes)
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in mapped.items()}, strict=False)
    return model
