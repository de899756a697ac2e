"""PyTorch on several devices: a process a device, ``DistributedDataParallel`` around the workload's own model.

NCCL between GPUs, gloo between processes on a CPU. Each rank takes its part of the global batch; as the parts are
equal, the mean of the ranks' gradients is the gradient of the global mean.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import distributed
from torch.nn import functional
from torch.nn.parallel import DistributedDataParallel

from reproductions.feeding import part

STRATEGY = "DistributedDataParallel"


class Side:
    """One rank.

    module    the workload's ``pytorch.py``
    rank      0 to ``devices`` - 1
    devices   number of ranks; 1 takes the bare model, which the others are compared with
    gpu       whether the devices are GPUs, or processes on a CPU
    store     a file by which the ranks find each other
    """

    def __init__(
        self,
        module,
        sizes: dict,
        optimizer: dict,
        *,
        rank: int,
        devices: int,
        gpu: bool,
        threads: int,
        store: str,
        frozen: tuple[str, ...] = (),
    ):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        if gpu and torch.cuda.device_count() < devices:
            raise NotImplementedError(f"PyTorch sees {torch.cuda.device_count()} GPUs, {devices} are asked for")
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
        self.rank, self.devices = rank, devices
        self.device = torch.device("cuda", rank) if gpu else torch.device("cpu")
        if gpu:
            torch.cuda.set_device(rank)
        self.layout = getattr(module, "layout", lambda array: array)
        self.loss = getattr(module, "loss", _cross_entropy)
        self.model = module.build(sizes).to(self.device)
        for name, value in self.model.named_parameters():
            value.requires_grad_(name not in frozen and value.requires_grad)
        self.call = self.model
        if devices > 1:
            distributed.init_process_group(
                "nccl" if gpu else "gloo", init_method=Path(store).as_uri(), rank=rank, world_size=devices
            )
            self.call = DistributedDataParallel(self.model, device_ids=[rank] if gpu else None)
        trained = [value for value in self.model.parameters() if value.requires_grad]
        self.optimizer = torch.optim.SGD(trained, lr=optimizer["learning_rate"], momentum=optimizer["momentum"])

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set parameters and running statistics, and empty the momentum."""
        with torch.no_grad():
            for name, value in (*self.model.named_parameters(), *self.model.named_buffers()):
                if name in arrays:
                    value.copy_(torch.from_numpy(np.array(arrays[name])))
        self.optimizer.state.clear()
        self.model.train()

    def put(self, inputs, labels: np.ndarray) -> tuple:
        """Return this rank's part of a global batch on its device."""
        size = len(labels) // self.devices
        rows = slice(self.rank * size, (self.rank + 1) * size)
        inputs = part(inputs, rows)
        several = inputs if isinstance(inputs, tuple) else (inputs,)
        return tuple(map(self._tensor, several)), torch.from_numpy(labels[rows]).long().to(self.device)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(self.layout(array)))
        return (tensor if tensor.is_floating_point() else tensor.long()).to(self.device)

    def train(self, batch) -> torch.Tensor:
        """Take one step; return the loss of this rank's part."""
        inputs, labels = batch
        self.optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.call(*inputs), labels)
        loss.backward()
        self.optimizer.step()
        return loss

    def whole(self, loss: torch.Tensor) -> float:
        """Return the loss of the global batch from every rank's."""
        loss = loss.detach().clone()
        if self.devices > 1:
            distributed.all_reduce(loss)
        return float(loss) / self.devices

    def sync(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def facts(self) -> dict:
        """Return version, device and what joins the ranks."""
        gpu = self.device.type == "cuda"
        return {
            "version": torch.__version__,
            "device": f"GPU: {torch.cuda.get_device_name()}" if gpu else "CPU",
            "communication": distributed.get_backend() if self.devices > 1 else "none",
        }


def _cross_entropy(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    return functional.cross_entropy(outputs.flatten(0, -2), labels.flatten())
