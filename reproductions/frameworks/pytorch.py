"""PyTorch: eager, ``torch.compile``, and the loop that its documentation teaches."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import numpy as np
import torch
from torch.nn import functional

from reproductions.frameworks import run

#: Shapes a compiled model may be specialised for before PyTorch would fall back to eager execution without a word.
SPECIALISATIONS = 64


class Engine:
    """A model with its optimiser in one execution mode on one device.

    model         module returned by the workload's ``build``
    mode          ``eager``, ``compile`` (``torch.compile`` of the model; loss and optimiser stay eager) or
                  ``idiomatic`` (DataLoader, compiled model)
    optimizer     ``{"learning_rate": float, "momentum": float}`` of plain SGD
    device        ``auto`` (CUDA if PyTorch sees it), ``cpu`` or ``gpu``
    precision     ``float32``, ``float64`` (parity), ``tf32``, or mixed ``bfloat16`` and ``float16``
    """

    def __init__(self, mode: str, threads: int, device: str, precision: str):
        torch.set_num_threads(threads)
        if torch.get_num_interop_threads() != 1:  # can be set once a process
            torch.set_num_interop_threads(1)
        available = torch.cuda.is_available()
        if device == "gpu" and not available:
            raise NotImplementedError("PyTorch sees no GPU; set device: auto or cpu")
        self.device = torch.device("cuda" if available and device != "cpu" else "cpu")
        if precision in ("tf32", "float16") and self.device.type == "cpu":
            raise NotImplementedError(f"{precision} is measured on a GPU only")
        # The same precision on both sides: full float32 unless TF32 is asked for.
        torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"
        torch.backends.cudnn.allow_tf32 = precision == "tf32"
        self.mode = mode
        self.dtype = torch.float64 if precision == "float64" else torch.float32
        mixed = {"bfloat16": torch.bfloat16, "float16": torch.float16}.get(precision)
        self.cast = torch.autocast(self.device.type, mixed) if mixed else contextlib.nullcontext()
        self.scaler = torch.amp.GradScaler(self.device.type) if precision == "float16" else None
        torch._dynamo.config.recompile_limit = SPECIALISATIONS

    def build(self, module, sizes: dict, optimizer: dict, frozen: tuple[str, ...] = ()) -> None:
        """Build the model and its optimiser; parameters named in ``frozen`` are not trained."""
        self.layout = getattr(module, "layout", lambda array: array)
        self.loss = getattr(module, "loss", _cross_entropy)
        self.model = module.build(sizes).to(self.device, self.dtype)
        for name, value in self.model.named_parameters():
            value.requires_grad_(name not in frozen and value.requires_grad)
        trained = [value for value in self.model.parameters() if value.requires_grad]
        self.step_optimizer = torch.optim.SGD(trained, lr=optimizer["learning_rate"], momentum=optimizer["momentum"])
        self.call = self._wrap(self.model)
        if hasattr(module, "generator") and self.mode != "idiomatic":
            self._generate = module.generator(self.model, sizes, self._wrap)

    def _wrap(self, function):
        return function if self.mode == "eager" else torch.compile(function, dynamic=False)

    def enter(self, phase: str) -> None:
        """Switch layers that train differently; done outside the timed steps."""
        self.model.train(phase == "train")

    # -- parameters ------------------------------------------------------------------------------------------------
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the trainable parameters' shapes by PyTorch name."""
        return {name: tuple(value.shape) for name, value in self.model.named_parameters() if value.requires_grad}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set parameters and running statistics, and empty the momentum."""
        with torch.no_grad():
            for name, value in (*self.model.named_parameters(), *self._statistics()):
                value.copy_(torch.from_numpy(np.array(arrays[name])))
        for state in self.step_optimizer.state.values():
            if state.get("momentum_buffer") is not None:
                state["momentum_buffer"].zero_()

    def _statistics(self) -> list:
        """Return (name, buffer) of what a layer keeps without training it and a checkpoint would hold."""
        kept = self.model.state_dict().keys()
        return [
            (name, value) for name, value in self.model.named_buffers() if name in kept and value.is_floating_point()
        ]

    def state(self) -> dict[str, np.ndarray]:
        """Return the running statistics by PyTorch name."""
        return {name: self.numpy(value).copy() for name, value in self._statistics()}

    # -- steps -----------------------------------------------------------------------------------------------------
    def put(self, inputs, labels: np.ndarray) -> tuple:
        """Return a batch on the device in PyTorch's layout: a tuple of inputs and the labels."""
        several = inputs if isinstance(inputs, tuple) else (inputs,)
        return tuple(map(self._tensor, several)), torch.from_numpy(labels).long().to(self.device)

    def _tensor(self, array: np.ndarray) -> torch.Tensor:
        tensor = torch.from_numpy(np.ascontiguousarray(self.layout(array)))
        return tensor.to(self.device, self.dtype if tensor.is_floating_point() else torch.long)

    def train(self, batch) -> torch.Tensor:
        """Take one training step; return the loss before it."""
        inputs, labels = batch
        self.step_optimizer.zero_grad(set_to_none=True)
        with self.cast:
            loss = self.loss(self.call(*inputs), labels)
        if self.scaler is None:
            loss.backward()
            self.step_optimizer.step()
        else:
            self.scaler.scale(loss).backward()
            self.scaler.step(self.step_optimizer)
            self.scaler.update()
        return loss

    def infer(self, batch) -> torch.Tensor:
        """Return logits without recording gradients."""
        with torch.inference_mode(), self.cast:
            return self.call(*batch[0])

    def generate(self, batch) -> torch.Tensor:
        """Return the ids that follow the prompts, greedily."""
        with torch.inference_mode(), self.cast:
            return self._generate(*batch[0])

    def run(self, phase: str, schedule: list):
        """Take one step of a phase for each batch of the schedule; return the last result."""
        return run(self.train if self.mode == "idiomatic" else getattr(self, phase), schedule)

    def losses(self, batches: list) -> list[float]:
        """Return the loss of each step of a training run over the batches."""
        return [float(self.train(batch)) for batch in batches]

    def gradients(self, batch) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients by PyTorch name, without a step."""
        inputs, labels = batch
        self.step_optimizer.zero_grad(set_to_none=True)
        loss = self.loss(self.call(*inputs), labels)
        loss.backward()
        return float(loss.detach()), {
            name: value.grad.cpu().numpy().copy()
            for name, value in self.model.named_parameters()
            if value.requires_grad
        }

    def loader(self, inputs, labels: np.ndarray, batch_size: int) -> Iterator[tuple]:
        """Return an endless stream of shuffled batches from a DataLoader over examples in memory."""
        from torch.utils.data import DataLoader, TensorDataset

        several = inputs if isinstance(inputs, tuple) else (inputs,)
        tensors = [torch.from_numpy(np.ascontiguousarray(self.layout(array))) for array in several]
        tensors = [tensor if tensor.is_floating_point() else tensor.long() for tensor in tensors]
        data = TensorDataset(*tensors, torch.from_numpy(labels).long())
        pinned = self.device.type == "cuda"
        source = DataLoader(data, batch_size=batch_size, shuffle=True, drop_last=True, pin_memory=pinned)
        while True:
            for *batch, targets in source:
                moved = tuple(tensor.to(self.device, non_blocking=True) for tensor in batch)
                yield moved, targets.to(self.device, non_blocking=True)

    # -- facts -----------------------------------------------------------------------------------------------------
    def sync(self) -> None:
        """Wait until the device has done what it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def numpy(self, value: torch.Tensor) -> np.ndarray:
        """Return a result on the host, in float32 where it is less."""
        value = value.detach()
        return (value.float() if value.dtype in (torch.bfloat16, torch.float16) else value).cpu().numpy()

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
        if self.mode == "eager":
            return None
        from torch._dynamo.utils import counters

        return int(counters["stats"].get("calls_captured", 0))

    def compilations(self) -> int:
        """Return how many graphs have been compiled: one more after a block means that it was recompiled inside."""
        if self.mode == "eager":
            return 0
        from torch._dynamo.utils import counters

        return int(counters["stats"].get("unique_graphs", 0))


def _cross_entropy(outputs: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Return the mean sparse cross-entropy over the last axis of the logits."""
    return functional.cross_entropy(outputs.flatten(0, -2), labels.flatten())
