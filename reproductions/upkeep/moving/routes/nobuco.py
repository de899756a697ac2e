"""PyTorch to Keras by nobuco, which holds both frameworks in one process."""

import numpy as np

from reproductions.upkeep.moving.routes import Route, _common

ROUTE = Route(
    id="nobuco",
    title="nobuco",
    leaves="pytorch",
    arrives="tensorflow",
    documented="https://github.com/AlexanderLutsenko/nobuco",
    arrive_needs=("nobuco", "torch"),
    environment="nobuco",
    layout="leaves",
)


def leave(engine, context, folder):
    """Write the module's arrays; nobuco converts a module that it can call, so the arriving process builds it again."""
    np.savez(folder / "state.npz", inputs=context.inputs, **_common.arrays(engine))


def arrive(context, folder):
    """Build the module, trace it with a batch and return the Keras model."""
    import nobuco
    import torch

    with np.load(folder / "state.npz", allow_pickle=False) as arrays:
        state = dict(arrays)
    sample = torch.from_numpy(np.ascontiguousarray(state.pop("inputs")))
    sample = sample if sample.is_floating_point() else sample.long()
    module = context.other().build(context.sizes)
    module.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()}, strict=False)
    module.eval()
    return nobuco.pytorch_to_keras(
        module,
        args=[sample],
        inputs_channel_order=nobuco.ChannelOrder.PYTORCH,
        outputs_channel_order=nobuco.ChannelOrder.PYTORCH,
    )
