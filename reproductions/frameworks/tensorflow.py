"""TensorFlow: eager, ``tf.function``, ``tf.function(jit_compile=True)`` (XLA), and Keras' fit as it is taught."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from reproductions.frameworks import run
from reproductions.frameworks._keras import keras_loss, load, name_of, set_precision


class Engine:
    """A model with its optimiser in one execution mode on one device.

    mode       ``eager``, ``function`` or ``xla``: for the latter two the whole training step is one traced function;
               ``idiomatic`` is ``fit`` over a tf.data pipeline
    optimizer  ``{"learning_rate": float, "momentum": float}`` of plain SGD
    device     ``auto`` (a GPU if TensorFlow sees one), ``cpu`` or ``gpu``
    precision  ``float32``, ``float64`` (parity), ``tf32``, or mixed ``bfloat16`` and ``float16``
    """

    def __init__(self, mode: str, threads: int, device: str, precision: str):
        self.gpus = prepare(threads, device, precision)
        self.mode, self.precision = mode, precision
        self.floats = "float64" if precision == "float64" else "float32"

    def build(self, module, sizes: dict, optimizer: dict, frozen: tuple[str, ...] = ()) -> None:
        """Build the model, its optimiser and the traced steps."""
        self.layout = getattr(module, "layout", lambda array: array)
        self.model = module.build(sizes)
        if frozen:
            raise ValueError("FROZEN: only PyTorch's parameters can be frozen; TensorFlow's side leaves them out")
        self.loss = keras_loss(module)
        # jit_compile of the Keras optimiser stays off: the mode alone decides what is compiled.
        self.optimizer = keras.optimizers.SGD(optimizer["learning_rate"], momentum=optimizer["momentum"])
        if self.precision == "float16":
            self.optimizer = keras.optimizers.LossScaleOptimizer(self.optimizer)
        if self.mode == "idiomatic":
            self.model.compile(optimizer=self.optimizer, loss=keras_loss(module))
            return
        self.optimizer.build(self.model.trainable_variables)
        self._train, self._infer = self._wrap(self._train_step), self._wrap(self._infer_step)
        self._gradients = self._wrap(self._gradient_step)
        self._traced = [self._train, self._infer]
        if hasattr(module, "generator"):
            self._generate = module.generator(self.model, sizes, self._wrap_and_count)

    def _wrap(self, function):
        return {
            "eager": lambda step: step,
            "function": tf.function,
            "xla": lambda step: tf.function(step, jit_compile=True),
        }[self.mode](function)

    def _wrap_and_count(self, function):
        wrapped = self._wrap(function)
        self._traced.append(wrapped)
        return wrapped

    def enter(self, phase: str) -> None:
        """Do nothing: Keras is told at each call whether it trains."""

    def _train_step(self, inputs, labels):
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.loss(labels, self.model(inputs, training=True))
            scaled = self.optimizer.scale_loss(loss)
        self.optimizer.apply(tape.gradient(scaled, variables), variables)
        return loss

    def _gradient_step(self, inputs, labels):
        with tf.GradientTape() as tape:
            loss = self.loss(labels, self.model(inputs, training=True))
        return loss, tape.gradient(loss, self.model.trainable_variables)

    def _infer_step(self, inputs):
        return self.model(inputs, training=False)

    # -- parameters ------------------------------------------------------------------------------------------------
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the trainable variables' shapes by layer and kind."""
        return {name_of(self.model, value): tuple(value.shape) for value in self.model.trainable_variables}

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set weights and running statistics, and empty the momentum."""
        load(self.model, self.optimizer, arrays)

    def state(self) -> dict[str, np.ndarray]:
        """Return the running statistics by layer and kind."""
        return {name_of(self.model, value): np.array(value) for value in self.model.non_trainable_variables}

    # -- steps -----------------------------------------------------------------------------------------------------
    def put(self, inputs, labels: np.ndarray) -> tuple:
        """Return a batch on the device in TensorFlow's layout: the inputs (a tuple if several) and the labels."""
        several = isinstance(inputs, tuple)
        tensors = tuple(map(self._tensor, inputs)) if several else self._tensor(inputs)
        return tensors, tf.constant(labels)

    def _tensor(self, array: np.ndarray) -> tf.Tensor:
        array = self.layout(array)
        return tf.constant(array, self.floats if np.issubdtype(array.dtype, np.floating) else None)

    def train(self, batch) -> tf.Tensor:
        """Take one training step; return the loss before it."""
        return self._train(*batch)

    def infer(self, batch) -> tf.Tensor:
        """Return logits without recording gradients."""
        return self._infer(batch[0])

    def generate(self, batch) -> tf.Tensor:
        """Return the ids that follow the prompts, greedily."""
        return self._generate(batch[0])

    def run(self, phase: str, schedule: list):
        """Take one step of a phase for each batch of the schedule; return the last result."""
        if self.mode == "idiomatic":
            return schedule[0].take(len(schedule))
        return run(getattr(self, phase), schedule)

    def losses(self, batches: list) -> list[float]:
        """Return the loss of each step of a training run over the batches."""
        return [float(self.train(batch)) for batch in batches]

    def gradients(self, batch) -> tuple[float, dict[str, np.ndarray]]:
        """Return the loss and the gradients by layer and kind, without a step."""
        loss, gradients = self._gradients(*batch)
        return float(loss), {
            name_of(self.model, variable): tf.convert_to_tensor(gradient).numpy()
            for variable, gradient in zip(self.model.trainable_variables, gradients, strict=True)
        }

    def loader(self, inputs, labels: np.ndarray, batch_size: int) -> Iterator:
        """Return an endless stream of one object: a ``fit`` over a shuffled tf.data pipeline, waiting for its turn."""
        several = tuple(map(self.layout, inputs)) if isinstance(inputs, tuple) else self.layout(inputs)
        data = tf.data.Dataset.from_tensor_slices((several, labels)).shuffle(len(labels))
        data = data.batch(batch_size, drop_remainder=True).repeat().prefetch(tf.data.AUTOTUNE)
        fit = _Fit(self.model, data)
        while True:
            yield fit

    # -- facts -----------------------------------------------------------------------------------------------------
    def sync(self) -> None:
        """Wait until the device has done what it was given."""
        if self.gpus:
            tf.test.experimental.sync_devices()

    def numpy(self, value) -> np.ndarray:
        """Return a result on the host, in float32 where it is less."""
        value = np.asarray(value)
        return value if value.dtype in (np.float32, np.float64) or value.dtype.kind in "iu" else value.astype("float32")

    def facts(self) -> dict:
        """Return version, device and build of the framework as this process sees them."""
        return facts(self.gpus)

    def peak_device_bytes(self) -> int | None:
        """Return the peak of the device allocator, or None on a CPU."""
        return tf.config.experimental.get_memory_info("GPU:0")["peak"] if self.gpus else None

    def compiled_graphs(self) -> int | None:
        """Return how many functions were traced, or None in eager mode."""
        return None if self.mode in ("eager", "idiomatic") else self.compilations()

    def compilations(self) -> int:
        """Return how many graphs have been traced: one more after a block means that it was traced again inside."""
        if self.mode in ("eager", "idiomatic"):
            return 0
        return sum(step.experimental_get_tracing_count() for step in self._traced)


class _Fit(keras.callbacks.Callback):
    """``model.fit`` in a thread that takes as many steps as it is told and waits between them.

    A ``fit`` a block would start the pipeline and fill its shuffle buffer each time, which users do once a run.
    """

    def __init__(self, model, data):
        super().__init__()
        self.left, self.go, self.done = 0, threading.Semaphore(0), threading.Semaphore(0)
        self.loss, self.error = float("nan"), None
        self.thread = threading.Thread(target=self._fit, args=(model, data), daemon=True)
        self.thread.start()

    def _fit(self, model, data) -> None:
        self.go.acquire()
        try:
            model.fit(data, steps_per_epoch=1_000_000_000, epochs=1, verbose=0, callbacks=[self])
        except BaseException as error:  # handed to the thread that waits
            self.error = error
        self.done.release()

    def on_train_batch_end(self, batch, logs=None):
        """Hand the turn back when the block is full."""
        self.left -= 1
        if not self.left:
            self.loss = float(logs["loss"])
            self.done.release()
            self.go.acquire()

    def take(self, steps: int) -> float:
        """Let ``steps`` steps happen and return Keras' running loss."""
        self.left = steps
        self.go.release()
        self.done.acquire()
        if self.error is not None:
            raise self.error
        return self.loss


def prepare(threads: int, device: str, precision: str) -> list:
    """Set threads, device, memory growth and precision before the first operation; return the GPUs used."""
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    gpus = tf.config.list_physical_devices("GPU")
    if device == "gpu" and not gpus:
        raise NotImplementedError("TensorFlow sees no GPU; set device: auto or cpu")
    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    if precision in ("tf32", "float16") and not gpus:
        raise NotImplementedError(f"{precision} is measured on a GPU only")
    for gpu in gpus:
        tf.config.experimental.set_memory_growth(gpu, True)
    # The same precision on both sides: full float32 unless TF32 is asked for.
    tf.config.experimental.enable_tensor_float_32_execution(precision == "tf32")
    set_precision(precision)
    return gpus


def facts(gpus: list) -> dict:
    """Return version, device and build of TensorFlow as this process sees them."""
    build = tf.sysconfig.get_build_info()
    if gpus:
        details = tf.config.experimental.get_device_details(gpus[0])
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
