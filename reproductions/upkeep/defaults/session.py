"""A process that reads one framework's defaults, or trains networks in PyTorch; asked in JSON lines."""

from __future__ import annotations

import sys
from pathlib import Path

from reproductions.upkeep.defaults import discover


class Reading:
    """Reads the defaults of one side."""

    def __init__(self, side: str):
        self.side = side

    def describe(self) -> dict:
        """Return the version of the framework."""
        if self.side == "pytorch":
            import torch

            return {"version": f"torch {torch.__version__}"}
        import keras

        return {"version": f"keras {keras.__version__}"}

    def read(self, names: list[str]) -> dict:
        """Return ``{"values": {id: value}, "faults": {id: why it could not be read}}``."""
        modules, values, faults = discover(), {}, {}
        for name in names:
            try:
                values[name] = getattr(modules[name], self.side)()
            except Exception as error:  # a renamed argument is an answer for this default alone
                faults[name] = f"{type(error).__name__}: {error}"
        return {"values": values, "faults": faults}


class Training:
    """Trains the networks; keeps the data sets that it has read."""

    def __init__(self, data: dict[str, str], threads: int):
        import torch

        torch.set_num_threads(threads)
        self.data, self.read = data, {}

    def describe(self) -> dict:
        """Return the version of the framework."""
        import torch

        return {"version": f"torch {torch.__version__}"}

    def train(self, network: str, settings: dict, seed: int, epochs: int, examples: int) -> dict:
        """Train once; ``examples`` of the training part are taken, 0 for all."""
        from reproductions import batches
        from reproductions.upkeep.defaults import networks

        if network not in self.read:
            arrays = batches.read(Path(self.data[networks.NETWORKS[network]["dataset"]]))
            self.read[network] = networks.inputs(network, arrays)
        data = dict(self.read[network])
        if examples:
            data |= {name: data[name][:examples] for name in ("x_train", "y_train")}
        return networks.train(network, settings, data, seed, epochs)


def make(task: str, **arguments):
    """Return the session of a task, ``read`` or ``train``."""
    return {"read": Reading, "train": Training}[task](**arguments)


if __name__ == "__main__":
    from reproductions.process import serve

    sys.exit(serve(make))
