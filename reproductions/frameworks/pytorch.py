"""PyTorch: eager and ``torch.compile``."""

from __future__ import annotations

import numpy as np
import torch
from torch.nn import functional


class Engine:
    """A model with its optimiser in one execution mode on one device.

    model         module returned by the workload's ``build``
    mode          ``eager`` or ``compile`` (``torch.compile`` of the model; loss and optimiser stay eager)
    optimizer     ``{"learning_rate": float, "momentum": float}`` of plain SGD
    device        ``auto`` (CUDA if PyTorch sees it), ``cpu`` or ``gpu``
    precision     ``float32`` (measured) or ``float64`` (parity)
    """

    def __init__(self, mode: str, threads: int, device: str, precision: str):
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        available = torch.cuda.is_available()
        if device == "gpu" and not available:
            raise NotImplementedError("PyTorch sees no GPU; set device: auto or cpu")
        self.device = torch.device("cuda" if available and device != "cpu" else "cpu")
        # The same precision on both sides: full float32, no TF32.
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        self.mode, self.dtype = mode, getattr(torch, precision)

    def build(self, module, sizes: dict, optimizer: dict) -> None:
        """Build the model and its optimiser."""
        self.layout = getattr(module, "layout", lambda array: array)
        self.model = module.build(sizes).to(self.device, self.dtype)
        self.step_optimizer = torch.optim.SGD(
            self.model.parameters(), lr=optimizer["learning_rate"], momentum=optimizer["momentum"]
        )
        self.call = torch.compile(self.model, dynamic=False) if self.mode == "compile" else self.model

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the trainable parameters' shapes by PyTorch name."""
        return {name: tuple(value.shape) for name, value in self.model.named_parameters() if value.requires_grad}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set the parameters and empty the momentum."""
        with torch.no_grad():
            for name, value in self.model.named_parameters():
                value.copy_(torch.from_numpy(np.array(arrays[name])))
        for state in self.step_optimizer.state.values():
            if state.get("momentum_buffer") is not None:
                state["momentum_buffer"].zero_()

    def put(self, inputs: np.ndarray, labels: np.ndarray):
        """Return a batch on the device in PyTorch's layout."""
        inputs = torch.from_numpy(np.ascontiguousarray(self.layout(inputs)))
        inputs = inputs.to(self.device, self.dtype if inputs.is_floating_point() else torch.long)
        return inputs, torch.from_numpy(labels).long().to(self.device)

    def train(self, batch) -> torch.Tensor:
        """Take one training step; return the loss before it."""
        inputs, labels = batch
        self.step_optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(self.call(inputs), labels)
        loss.backward()
        self.step_optimizer.step()
        return loss

    def infer(self, batch) -> torch.Tensor:
        """Return logits without recording gradients."""
        with torch.inference_mode():
            return self.call(batch[0])

    def gradients(self, batch) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients by PyTorch name, without a step."""
        inputs, labels = batch
        self.step_optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(self.call(inputs), labels)
        loss.backward()
        return float(loss), {
            name: value.grad.cpu().numpy().copy()
            for name, value in self.model.named_parameters()
            if value.requires_grad
        }

    def sync(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def numpy(self, value: torch.Tensor) -> np.ndarray:
        """Return a result on the host."""
        return value.detach().cpu().numpy()

    def facts(self) -> dict:
        """Return version, device and build of the framework as this process sees them."""
        gpu = self.device.type == "cuda"
        return {
            "version": torch.__version__,
            "device": f"GPU: {torch.cuda.get_device_name()}" if gpu else "CPU",
            "threads": torch.get_num_threads(),
            "build": torch.__config__.show().split("\n")[0],
            "cuda": torch.version.cuda or "none",
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        }

    def peak_device_bytes(self) -> int | None:
        """Return the peak of the device allocator, or None on a CPU."""
        return torch.cuda.max_memory_allocated() if self.device.type == "cuda" else None

    def compiled_graphs(self) -> int | None:
        """Return how many operators' graphs torch.compile captured: 0 means that the mode silently did nothing."""
        if self.mode != "compile":
            return None
        from torch._dynamo.utils import counters

        return int(counters["stats"].get("calls_captured", 0))
