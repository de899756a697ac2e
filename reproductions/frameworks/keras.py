"""The control: one Keras source through Keras' own training step, on the TensorFlow or the PyTorch back end.

What differs between its two cells is the back end alone; what differs between a cell and the framework's own is Keras.
Keras' ``jit_compile`` is set explicitly: its default means XLA for TensorFlow on a GPU and eager for PyTorch.
"""

from __future__ import annotations

import keras
import numpy as np

from reproductions.frameworks import run
from reproductions.frameworks._keras import keras_loss, load, name_of, set_precision


class Engine:
    """A Keras model on the back end that ``KERAS_BACKEND`` names; ``mode`` says which one is expected."""

    def __init__(self, mode: str, threads: int, device: str, precision: str):
        if keras.backend.backend() != mode:
            raise NotImplementedError(f"Keras runs on {keras.backend.backend()}, not on {mode}")
        self.mode, self.precision = mode, precision
        if mode == "tensorflow":
            from reproductions.frameworks import tensorflow as native

            self.gpus = native.prepare(threads, device, precision)
        else:
            import torch

            torch.set_num_threads(threads)
            if torch.get_num_interop_threads() != 1:  # can be set once a process
                torch.set_num_interop_threads(1)
            if device == "gpu" and not torch.cuda.is_available():
                raise NotImplementedError("PyTorch sees no GPU; set device: auto or cpu")
            if device == "cpu" and torch.cuda.is_available():
                raise NotImplementedError("Keras on PyTorch takes the GPU it sees; hide it with CUDA_VISIBLE_DEVICES=")
            torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = precision == "tf32"
            set_precision(precision)

    def build(self, module, sizes: dict, optimizer: dict, frozen: tuple[str, ...] = ()) -> None:
        """Build and compile the model (in Keras' sense) with the workload's loss and plain SGD."""
        self.layout = getattr(module, "layout", lambda array: array)
        self.model = module.build(sizes)
        self.optimizer = keras.optimizers.SGD(optimizer["learning_rate"], momentum=optimizer["momentum"])
        self.optimizer.build(self.model.trainable_variables)
        self.model.compile(optimizer=self.optimizer, loss=keras_loss(module), jit_compile=False)

    def enter(self, phase: str) -> None:
        """Do nothing: Keras is told at each call whether it trains."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the trainable variables' shapes by layer and kind."""
        return {name_of(self.model, value): tuple(value.shape) for value in self.model.trainable_variables}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set weights and running statistics, and empty the momentum."""
        load(self.model, self.optimizer, arrays)

    def put(self, inputs, labels: np.ndarray) -> tuple:
        """Return a batch as the back end's tensors."""
        several = isinstance(inputs, tuple)
        tensors = tuple(map(self._tensor, inputs)) if several else self._tensor(inputs)
        return tensors, keras.ops.convert_to_tensor(labels)

    def _tensor(self, array: np.ndarray):
        return keras.ops.convert_to_tensor(np.ascontiguousarray(self.layout(array)))

    def train(self, batch) -> float:
        """Take one training step; return Keras' running loss."""
        return self.model.train_on_batch(*batch)

    def infer(self, batch) -> np.ndarray:
        """Return logits."""
        return self.model.predict_on_batch(batch[0])

    def run(self, phase: str, schedule: list):
        """Take one step of a phase for each batch of the schedule; return the last result."""
        return run(getattr(self, phase), schedule)

    def losses(self, batches: list) -> list[float]:
        """Return the loss of each step of a training run over the batches."""
        found = []
        for batch in batches:
            self.model.reset_metrics()  # else a running mean comes back
            found.append(float(np.asarray(self.train(batch)).ravel()[0]))
        return found

    def sync(self) -> None:
        """Wait until the device has done what it was given; both steps return values of the host already."""
        if self.mode == "torch":
            import torch

            if torch.cuda.is_available():
                torch.cuda.synchronize()

    def numpy(self, value) -> np.ndarray:
        """Return a result on the host."""
        return np.asarray(value, np.float32)

    def facts(self) -> dict:
        """Return version, device and build: the back end's, with Keras' own version."""
        if self.mode == "tensorflow":
            from reproductions.frameworks import tensorflow as native

            return native.facts(self.gpus) | {"version": f"{keras.__version__} on {native.tf.__version__}"}
        import torch

        gpu = torch.cuda.is_available()
        return {
            "version": f"{keras.__version__} on {torch.__version__}",
            "keras": keras.__version__,
            "device": f"GPU: {torch.cuda.get_device_name()}" if gpu else "CPU",
            "threads": torch.get_num_threads(),
        }

    def peak_device_bytes(self) -> int | None:
        """Return the peak of the device allocator, or None on a CPU."""
        if self.mode == "torch":
            import torch

            return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else None
        from reproductions.frameworks import tensorflow as native

        return native.tf.config.experimental.get_memory_info("GPU:0")["peak"] if self.gpus else None

    def compiled_graphs(self) -> None:
        """Return None: Keras decides what it traces."""

    def compilations(self) -> int:
        """Return 0: Keras decides what it traces."""
        return 0
