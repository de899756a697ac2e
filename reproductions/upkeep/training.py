"""One seeded training of a small network in one mode: the digest of its final weights, and the time of a step.

``python -m reproductions.upkeep.training pytorch eager seeded 1 cpu`` prints one JSON object; the time is that of the
processor on a CPU, and that of the clock, waiting for the device, on a GPU. The data are the same in
every run whatever the seed of the framework is; weights, order of dropout and everything else random is the
framework's own.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import numpy as np

STEPS, WARM, BATCH, SEED = 40, 10, 64, 1
NO_GPU = "sees no GPU"
#: Environment variable that names the file whose lock says who may time its steps.
TURN = "SURVEY_TURN"


def data() -> tuple[np.ndarray, np.ndarray]:
    """Return images (STEPS, BATCH, 28, 28) float32 and labels (STEPS, BATCH) int64."""
    rng = np.random.default_rng(SEED)
    return (
        rng.standard_normal((STEPS, BATCH, 28, 28)).astype(np.float32),
        rng.integers(0, 10, (STEPS, BATCH)).astype(np.int64),
    )


def pytorch(mode: str, switches: str, threads: int, device: str = "cpu", lock: TextIO | None = None) -> dict:
    """Train in PyTorch; ``mode`` is eager or compile, ``device`` cpu or gpu."""
    import torch
    from torch import nn

    if device == "gpu" and not torch.cuda.is_available():
        raise SystemExit(f"torch {torch.__version__} {NO_GPU}")
    place = "cuda" if device == "gpu" else "cpu"
    torch.set_num_threads(threads)
    if switches != "unseeded":
        torch.manual_seed(SEED)
    if switches == "deterministic":
        torch.use_deterministic_algorithms(True)
    network = nn.Sequential(
        nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Dropout(0.25), nn.Linear(800, 64), nn.ReLU(), nn.Linear(64, 10),
    ).to(place)  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)

    def step(images, labels):
        loss = nn.functional.cross_entropy(network(images), labels)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss

    if mode == "compile":
        # Not network.compile(): that compiles nothing where the module's class is one of PyTorch's own.
        network = torch.compile(network)
    images, labels = (torch.from_numpy(each).to(place) for each in data())
    spent = _steps(lambda number: step(images[number][:, None], labels[number]), device, lock)
    if mode == "compile" and not torch._dynamo.utils.counters["stats"]["calls_captured"]:
        raise SystemExit("torch.compile captured no call, so nothing was compiled")
    weights = [value.detach().cpu().numpy() for value in network.parameters()]
    return {"version": f"torch {torch.__version__}", "digest": digest(weights), "step_ms": spent}


def tensorflow(mode: str, switches: str, threads: int, device: str = "cpu", lock: TextIO | None = None) -> dict:
    """Train in TensorFlow; ``mode`` is eager, function or xla, ``device`` cpu or gpu."""
    import keras
    import tensorflow as tf

    if device == "cpu":
        tf.config.set_visible_devices([], "GPU")
    elif not tf.config.list_physical_devices("GPU"):
        raise SystemExit(f"tensorflow {tf.__version__} {NO_GPU}")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    if switches != "unseeded":
        keras.utils.set_random_seed(SEED)
    if switches == "deterministic":
        tf.config.experimental.enable_op_determinism()
    layers = keras.layers
    network = keras.Sequential([
        layers.Input((28, 28, 1)), layers.Conv2D(16, 3, activation="relu"), layers.MaxPool2D(),
        layers.Conv2D(32, 3, activation="relu"), layers.MaxPool2D(), layers.Flatten(), layers.Dropout(0.25),
        layers.Dense(64, activation="relu"), layers.Dense(10),
    ])  # fmt: skip
    optimizer = keras.optimizers.Adam(1e-3)
    loss_of = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer.build(network.trainable_variables)

    def step(images, labels):
        with tf.GradientTape() as tape:
            loss = loss_of(labels, network(images, training=True))
        gradients = tape.gradient(loss, network.trainable_variables)
        optimizer.apply(gradients, network.trainable_variables)
        return loss

    if mode != "eager":
        step = tf.function(step, jit_compile=mode == "xla")
    images, labels = (tf.constant(each) for each in data())
    spent = _steps(lambda number: step(images[number][..., None], labels[number]), device, lock)
    return {"version": f"tensorflow {tf.__version__}", "digest": digest(network.get_weights()), "step_ms": spent}


def _steps(step: Callable[[int], object], device: str, lock: TextIO | None = None) -> float:
    """Run every step and return the median time of those after the warm-up, in ms.

    Where :data:`TURN` names a file, the steps after the warm-up wait for its lock: processes start, import and compile
    side by side, each sharing it meanwhile, and are timed one after the other, when none of them starts any more.
    """
    clock = time.perf_counter if device == "gpu" else time.process_time
    spent = []
    for number in range(STEPS):
        if number == WARM and lock is not None:
            # Its share is given up before the whole lock is asked for, so that two that wait do not block each other.
            fcntl.flock(lock, fcntl.LOCK_UN)
            fcntl.flock(lock, fcntl.LOCK_EX)
        before = clock()
        loss = step(number)
        if device == "gpu":
            float(loss)  # waits for the device
        spent.append(1000 * (clock() - before))
    return float(np.median(spent[WARM:]))


def digest(weights: list[np.ndarray]) -> str:
    """Return a hash over the bits of all weights, in their order."""
    found = hashlib.sha256()
    for value in weights:
        found.update(np.ascontiguousarray(value).tobytes())
    return found.hexdigest()


SIDES = {"pytorch": pytorch, "tensorflow": tensorflow}


def main(arguments: list[str]) -> int:
    """Train: ``SIDE MODE SWITCHES THREADS DEVICE``; prints JSON."""
    side, mode, switches, threads, device = arguments
    with contextlib.ExitStack() as held:
        lock = None
        if turn := os.environ.get(TURN):
            lock = held.enter_context(Path(turn).open("a"))
            fcntl.flock(lock, fcntl.LOCK_SH)  # given up when the file is closed, or this process dies
        print(json.dumps(SIDES[side](mode, switches, int(threads), device, lock)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
