"""TensorFlow on several devices: one process, ``MirroredStrategy`` around the workload's own model.

The devices are GPUs, or logical devices that share a CPU. Each replica takes its part of the global batch and divides
its loss by the number of replicas, since Keras sums the replicas' gradients (tutorial "Custom training with
tf.distribute.Strategy").
"""

from __future__ import annotations

import contextlib

import keras
import numpy as np
import tensorflow as tf

from reproductions.feeding import part

STRATEGY = "MirroredStrategy"


class Side:
    """Every replica; the arguments are those of the other side, of which ``rank`` and ``store`` are not needed."""

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
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(devices)
        found = tf.config.list_physical_devices("GPU")
        if gpu and len(found) < devices:
            raise NotImplementedError(f"TensorFlow sees {len(found)} GPUs, {devices} are asked for")
        if gpu:
            for each in found:
                tf.config.experimental.set_memory_growth(each, True)
        else:
            tf.config.set_visible_devices([], "GPU")
            (cpu,) = tf.config.list_physical_devices("CPU")
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * devices)
        tf.config.experimental.enable_tensor_float_32_execution(False)
        self.gpus, self.devices = found[:devices] if gpu else [], devices
        kind = "GPU" if gpu else "CPU"
        self.strategy = tf.distribute.MirroredStrategy([f"{kind}:{n}" for n in range(devices)]) if devices > 1 else None
        self.layout = getattr(module, "layout", lambda array: array)
        crossentropy = keras.losses.SparseCategoricalCrossentropy(from_logits=True, reduction=None)
        own = getattr(module, "loss", None)
        self.loss = own or (lambda outputs, labels: tf.reduce_mean(crossentropy(labels, outputs)))
        with self.strategy.scope() if self.strategy else contextlib.nullcontext():
            self.model = module.build(sizes)
            self.optimizer = keras.optimizers.SGD(optimizer["learning_rate"], momentum=optimizer["momentum"])
            self.optimizer.build(self.model.trainable_variables)
        self._train = tf.function(self._all)

    def _replica(self, inputs, labels):
        variables = self.model.trainable_variables
        with tf.GradientTape() as tape:
            loss = self.loss(self.model(inputs, training=True), labels) / self.devices
        self.optimizer.apply(tape.gradient(loss, variables), variables)
        return loss

    def _all(self, inputs, labels):
        if self.strategy is None:
            return self._replica(inputs, labels)
        losses = self.strategy.run(self._replica, args=(inputs, labels))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)

    def load(self, arrays: dict[str, np.ndarray]) -> None:
        """Set weights and running statistics, and empty the momentum."""
        for variable in self.model.variables:
            name = variable.path.removeprefix(f"{self.model.name}/")
            if name in arrays:
                variable.assign(arrays[name])
        for variable in self.optimizer.variables:
            if variable.name != "learning_rate":
                variable.assign(np.zeros(variable.shape, keras.backend.standardize_dtype(variable.dtype)))

    def put(self, inputs, labels: np.ndarray) -> tuple:
        """Return a global batch with each replica's part on its device."""
        inputs = tuple(map(self.layout, inputs)) if isinstance(inputs, tuple) else self.layout(inputs)
        size = len(labels) // self.devices

        def of(context) -> tuple:
            replica = context.replica_id_in_sync_group
            rows = slice(replica * size, (replica + 1) * size)
            return tf.nest.map_structure(tf.constant, (part(inputs, rows), labels[rows]))

        if self.strategy is None:
            return tf.nest.map_structure(tf.constant, (inputs, labels))
        return self.strategy.experimental_distribute_values_from_function(of)

    def train(self, batch) -> tf.Tensor:
        """Take one step on all replicas; return the loss of the global batch."""
        return self._train(*batch)

    def whole(self, loss: tf.Tensor) -> float:
        """Return the loss of the global batch."""
        return float(loss)

    def sync(self) -> None:
        """Wait until the devices have done what they were given."""
        if self.gpus:
            tf.test.experimental.sync_devices()

    def facts(self) -> dict:
        """Return version, device and what joins the replicas."""
        device = "CPU"
        if self.gpus:
            details = tf.config.experimental.get_device_details(self.gpus[0])
            device = f"GPU: {details.get('device_name', 'unknown')}"
        # Chosen by TensorFlow: NCCL where all devices are GPUs, else copies to one device.
        joined = "none" if self.strategy is None else "NCCL" if self.gpus else "reduction to one device"
        return {"version": tf.__version__, "device": device, "communication": joined}
