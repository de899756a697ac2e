"""The processes that hold a model before and after a move: one framework each, asked in JSON lines.

A leaving process trains the workload's model for :data:`PREPARATION` steps, so that what is moved has learned something
and no bias is zero, and writes what the moved model must repeat: logits of a batch and the losses of :data:`TRACE`
further steps. An arriving process takes the moved model through the same and times it beside the framework's own.
"""

from __future__ import annotations

import copy
import logging
import sys
import time
import warnings
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from reproductions.upkeep.moving.routes import PLACES, Context, _common, discover

PREPARATION, TRACE = 40, 20
SOURCE = "source.npz"


class _Session:
    """A workload's batches and engines in one place."""

    def __init__(self, workload: str, place: str, sizes: dict, runtime: dict, seed: int):
        from reproductions import batches, frameworks, spec

        logging.getLogger().setLevel(logging.ERROR)
        warnings.simplefilter("ignore")
        self.workload, self.sizes, self.seed = spec.load(Path(workload)), sizes, seed
        self.weights, self.place = self.workload.module("weights"), place
        data, self.batch_size = runtime.pop("data"), runtime.pop("batch_size")
        stream = batches.Examples(self.workload, Path(data)).stream(seed, self.batch_size, sizes)
        self.batches = list(islice(stream, PREPARATION + TRACE))
        self.runtime = runtime
        framework, mode, self.source = PLACES[place]
        self.blank = frameworks.engine(framework)(mode=mode, precision="float32", **runtime)

    def engine(self, blank, module):
        """Return an engine with a model that ``module.build`` makes; threads and device can be set once only."""
        engine = copy.copy(blank)
        engine.build(module, self.sizes, dict(self.workload.optimizer))
        return engine

    def context(self) -> Context:
        """Return what a route may use; inputs in the layout of the place at hand."""
        own = self.workload.module(self.source)
        inputs = np.ascontiguousarray(_layout(own)(self.batches[PREPARATION][0]))
        return Context(self.sizes, own, self.weights, self.workload.input, inputs)

    def put(self, engine) -> list:
        """Return the batches of the trace on the engine's device."""
        return [engine.put(*batch) for batch in self.batches[PREPARATION:]]

    def outputs(self, engine, trained: bool) -> dict[str, np.ndarray]:
        """Return logits of the first batch of the trace and, where the model trains, the losses of its steps."""
        traced = self.put(engine)
        engine.enter("infer")
        found = {"logits": np.array(engine.numpy(engine.infer(traced[0])))}
        if trained:
            engine.enter("train")
            found["losses"] = np.array(engine.losses(traced))
        return found


class Leaving(_Session):
    """The model before the move."""

    def __init__(self, out: str, **job):
        super().__init__(**job)
        seed, sizes = self.seed, self.sizes
        self.own = self.engine(self.blank, self.workload.module(self.source))
        parameters = self.weights.initial(np.random.default_rng(seed), sizes)
        self.own.load(getattr(self.weights, f"to_{self.source}")(parameters, sizes))
        self.own.enter("train")
        for batch in self.batches[:PREPARATION]:
            self.own.train(self.own.put(*batch))
        self.trained = _common.arrays(self.own)
        self.restore()
        with Path(out).open("wb") as handle:
            np.savez(handle, **self.outputs(self.own, trained=True))

    def restore(self) -> None:
        """Put the weights back that are moved, and empty the momentum."""
        self.own.load(self.trained)

    def describe(self) -> dict:
        """Return version, the number of trainable parameters, and the axes in the order in which images are taken."""
        facts = {"version": self.own.facts()["version"], "parameters": _count(self.own)}
        return facts | {"axes": _axes(self.workload.module(self.source)) if self.workload.input == "image" else None}

    def leave(self, route: str, folder: str) -> dict:
        """Write what the route carries over; return the seconds that took and the versions of its tools."""
        self.restore()
        self.own.enter("infer")
        module = discover()[route]
        begin = time.monotonic()
        module.leave(self.own, self.context(), Path(folder))
        return {"seconds": time.monotonic() - begin, "tools": _versions(module.ROUTE.leave_needs)}


class Arriving(_Session):
    """The model after the move, and the framework's own of the same network beside it."""

    def __init__(self, place: str, runtime: dict, **job):
        from reproductions import frameworks

        super().__init__(place=place, runtime=dict(runtime), **job)
        self.beside = self.blank
        if place == "keras_torch":
            own = {key: value for key, value in runtime.items() if key not in ("data", "batch_size")}
            self.beside = frameworks.engine("pytorch")(mode="eager", precision="float32", **own)
        self.native = self._native()

    def _native(self):
        """Return the engine of the framework's own model, at the common initial weights."""
        name = "pytorch" if self.place in ("pytorch", "keras_torch") else "tensorflow"
        native = self.engine(self.beside, self.workload.module(name))
        parameters = self.weights.initial(np.random.default_rng(self.seed), self.sizes)
        native.load(getattr(self.weights, f"to_{name}")(parameters, self.sizes))
        return native

    def describe(self) -> dict:
        """Return the versions of the framework."""
        return {"version": self.blank.facts()["version"]}

    def arrive(self, route: str, folder: str, out: str, axes: list[int] | None) -> dict:
        """Load what was carried over, compute and train with it, and write logits and losses to ``out`` (npz).

        axes  order of the axes of images in the place that was left; its module belongs to another framework
        """
        module = discover()[route]
        begin = time.monotonic()
        model = module.arrive(self.context(), Path(folder))
        seconds = time.monotonic() - begin
        own = self.workload.module(self.source)
        layout = _layout(own)
        if module.ROUTE.layout == "leaves":
            layout = (lambda array: array.transpose(axes)) if axes else (lambda array: array)
        offered = {name: getattr(own, name) for name in ("loss",) if hasattr(own, name)}
        trainable = _trainable(model)
        source = SimpleNamespace(build=lambda sizes: model, layout=layout, **offered)
        self.moved = self.engine(self.blank, source if trainable else _with_dummy(source, self.place))
        results = self.outputs(self.moved, trained=trainable > 0)
        with Path(out).open("wb") as handle:
            np.savez(handle, **results)
        return {"seconds": seconds, "trainable": trainable, "tools": _versions(module.ROUTE.arrive_needs)}

    def rounds(self, phase: str, rounds: int, seconds: float) -> dict:
        """Time blocks of the moved model and of the native one in turn; returns CPU and wall time a step, in ms."""
        engines = {"moved": self.moved, "native": self.native}
        pools = {name: self.put(engine)[:4] for name, engine in engines.items()}
        slowest = 0.0
        for name, engine in engines.items():
            _timed(engine, phase, pools[name], 1)  # traces
            slowest = max(slowest, *(_timed(engine, phase, pools[name], 1)["wall_ms"] for _ in range(2)))
        # The same number on both sides, so that the batches they see are the same as well.
        steps = max(1, min(100, int(seconds * 1e3 / slowest)))
        found = []
        for number in range(rounds):
            order = list(engines) if number % 2 == 0 else list(engines)[::-1]
            found.append({name: _timed(engines[name], phase, pools[name], steps) for name in order})
        return {"rounds": found, "steps": steps}


def _layout(module):
    """Return what turns images into the layout that a workload's module takes."""
    return getattr(module, "layout", lambda array: array)


def _axes(module) -> list[int]:
    """Return the order of axes that a module's layout makes of (n, height, width, channels)."""
    lengths = (2, 3, 5, 7)
    return [lengths.index(length) for length in _layout(module)(np.empty(lengths)).shape]


def _timed(engine, phase: str, pool: list, steps: int) -> dict:
    step = getattr(engine, phase)
    engine.enter(phase)
    engine.sync()
    cpu, wall = time.process_time_ns(), time.perf_counter_ns()
    for index in range(steps):
        step(pool[index % len(pool)])
    engine.sync()
    wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
    return {"cpu_ms": cpu / steps / 1e6, "wall_ms": wall / steps / 1e6}


def _count(engine) -> int:
    return int(sum(np.prod(shape) for shape in engine.shapes().values()))


def _trainable(model) -> int:
    """Return how many numbers of a model a training would change."""
    if hasattr(model, "trainable_variables"):
        return int(sum(np.prod(tuple(value.shape)) for value in model.trainable_variables))
    return int(sum(value.numel() for value in model.parameters() if value.requires_grad))


def _with_dummy(source, place: str):
    """Give a PyTorch model without parameters one that nothing reads: an optimiser refuses an empty list."""
    if place != "pytorch":
        return source
    import torch

    model = source.build(None)
    model.register_parameter("unread", torch.nn.Parameter(torch.zeros(1)))
    return source


def _versions(modules: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of the packages that a step imported."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in modules:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "version unknown"
    return found


def make(step: str, **arguments):
    """Return the session of a step, ``leave`` or ``arrive``."""
    return {"leave": Leaving, "arrive": Arriving}[step](**arguments)


if __name__ == "__main__":
    from reproductions.process import serve

    sys.exit(serve(make))
