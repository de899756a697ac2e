"""TensorFlow: eager, ``tf.function`` and ``tf.function(jit_compile=True)`` (XLA)."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


class Engine:
    """A model with its optimiser in one execution mode on one device.

    mode       ``eager``, ``function`` or ``xla``; for the latter two the whole training step is one traced function
    optimizer  ``{"learning_rate": float, "momentum": float}`` of plain SGD
    device     ``auto`` (a GPU if TensorFlow sees one), ``cpu`` or ``gpu``
    precision  ``float32`` (measured) or ``float64`` (parity)
    """

    def __init__(self, mode: str, threads: int, device: str, precision: str):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
        gpus = tf.config.list_physical_devices("GPU")
        if device == "gpu" and not gpus:
            raise NotImplementedError("TensorFlow sees no GPU; set device: auto or cpu")
        if device == "cpu":
            tf.config.set_visible_devices([], "GPU")
            gpus = []
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
        # The same precision on both sides: full float32, no TF32.
        tf.config.experimental.enable_tensor_float_32_execution(False)
        keras.config.set_floatx(precision)  # layers, loss and the optimiser's learning rate alike
        self.gpus, self.mode, self.precision = gpus, mode, precision

    def build(self, module, sizes: dict, optimizer: dict) -> None:
        """Build the model, its optimiser and the traced steps."""
        self.layout = getattr(module, "layout", lambda array: array)
        self.model = module.build(sizes)
        self.loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        # jit_compile of the Keras optimiser stays off: the mode alone decides what is compiled.
        self.optimizer = keras.optimizers.SGD(optimizer["learning_rate"], momentum=optimizer["momentum"])
        self.optimizer.build(self.model.trainable_variables)
        wrap = {
            "eager": lambda step: step,
            "function": tf.function,
            "xla": lambda step: tf.function(step, jit_compile=True),
        }[self.mode]
        self._train, self._infer = wrap(self._train_step), wrap(self._infer_step)
        self._gradients = wrap(self._gradient_step)

    def _train_step(self, inputs, labels):
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.loss(labels, self.model(inputs, training=True))
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _gradient_step(self, inputs, labels):
        with tf.GradientTape() as tape:
            loss = self.loss(labels, self.model(inputs, training=True))
        return loss, tape.gradient(loss, self.model.trainable_variables)

    def _infer_step(self, inputs):
        return self.model(inputs, training=False)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the trainable variables' shapes by layer and kind."""
        return {self._name(value): tuple(value.shape) for value in self.model.trainable_variables}

    def _name(self, variable) -> str:
        """Return ``layer/kind``: a Sequential model puts its own, numbered name before it, others do not."""
        return variable.path.removeprefix(f"{self.model.name}/")

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set the variables and empty the momentum."""
        for variable in self.model.trainable_variables:
            variable.assign(arrays[self._name(variable)])
        for variable in self.optimizer.variables:
            if variable.name != "learning_rate":
                variable.assign(np.zeros(variable.shape, keras.backend.standardize_dtype(variable.dtype)))

    def put(self, inputs: np.ndarray, labels: np.ndarray):
        """Return a batch on the device in TensorFlow's layout."""
        inputs = self.layout(inputs)
        floating = np.issubdtype(inputs.dtype, np.floating)
        return tf.constant(inputs, self.precision if floating else None), tf.constant(labels)

    def train(self, batch) -> tf.Tensor:
        """Take one training step; return the loss before it."""
        return self._train(*batch)

    def infer(self, batch) -> tf.Tensor:
        """Return logits without recording gradients."""
        return self._infer(batch[0])

    def gradients(self, batch) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients by layer and kind, without a step."""
        loss, gradients = self._gradients(*batch)
        return float(loss), {
            self._name(variable): tf.convert_to_tensor(gradient).numpy()
            for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True)
        }

    def sync(self) -> None:
        """Wait until the device has done what it was given."""
        if self.gpus:
            tf.test.experimental.sync_devices()

    def numpy(self, value: tf.Tensor) -> np.ndarray:
        """Return a result on the host."""
        return value.numpy()

    def facts(self) -> dict:
        """Return version, device and build of the framework as this process sees them."""
        build = tf.sysconfig.get_build_info()
        if self.gpus:
            details = tf.config.experimental.get_device_details(self.gpus[0])
            device = f"GPU: {details.get('device_name', 'unknown')}"
        else:
            device = "CPU"
        return {
            "version": tf.__version__,
            "keras": keras.__version__,
            "device": device,
            "threads": tf.config.threading.get_intra_op_parallelism_threads(),
            "build": f"CUDA build: {build.get('is_cuda_build', 'not stated')}",
            "cuda": str(build.get("cuda_version", "none")),
        }

    def peak_device_bytes(self) -> int | None:
        """Return the peak of the device allocator, or None on a CPU."""
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] if self.gpus else None

    def compiled_graphs(self) -> int | None:
        """Return how many functions were traced, or None in eager mode."""
        if self.mode == "eager":
            return None
        return sum(step.experimental_get_tracing_count() for step in (self._train, self._infer))
