"""What the worker's block loop costs: a process with one framework that runs it beside a loop written by hand.

Both take the same model, the same batches and the same arithmetic; only the loop around them differs.
"""

from __future__ import annotations

import sys
import time
from types import SimpleNamespace

from reproductions.process import serve
from reproductions.worker import Session


class Contest:
    """The worker's own session, and a bare loop over its model.

    job  what :mod:`reproductions.client` hands to a worker
    """

    def __init__(self, job: dict):
        self.session = Session(job)
        self.framework = job["framework"]

    def describe(self) -> dict:
        """Return the session's own description."""
        return self.session.describe()

    def prepare(self, seed: int, batch_size: int, batches: int) -> dict:
        """Put the batches on the device, trace or warm up both loops."""
        self.session.first("train", seed, batch_size, batches)
        (pool,) = self.session.pool.values()
        self.pool = [(inputs[0] if isinstance(inputs, tuple) else inputs, labels) for inputs, labels in pool]
        self.step = {"pytorch": self._pytorch, "tensorflow": self._tensorflow}[self.framework]()
        self.bare(3)
        self.session.block("train", 3, *self._point(batch_size))
        self.batch_size = batch_size
        return {}

    def _point(self, batch_size: int) -> tuple:
        """Return the further arguments of a block where the session takes any."""
        takes = Session.block.__code__.co_varnames[: Session.block.__code__.co_argcount]
        return (batch_size,) if "batch_size" in takes else ()

    def _pytorch(self):
        import torch
        from torch.nn import functional

        model = self.session.engine.model
        settings = self.session.job["optimizer"]
        optimizer = torch.optim.SGD(model.parameters(), lr=settings["learning_rate"], momentum=settings["momentum"])

        def step(batch):
            inputs, labels = batch
            optimizer.zero_grad(set_to_none=True)
            loss = functional.cross_entropy(model(inputs), labels)
            loss.backward()
            optimizer.step()
            return loss

        return step

    def _tensorflow(self):
        import keras
        import tensorflow as tf

        model, settings = self.session.engine.model, self.session.job["optimizer"]
        optimizer = keras.optimizers.SGD(settings["learning_rate"], momentum=settings["momentum"])
        optimizer.build(model.trainable_variables)
        compare = keras.losses.SparseCategoricalCrossentropy(from_logits=True)

        @tf.function
        def traced(inputs, labels):
            with tf.GradientTape() as tape:
                loss = compare(labels, model(inputs, training=True))
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
            return loss

        return lambda batch: traced(*batch)

    def bare(self, steps: int, anew: bool = True) -> dict:
        """Run the loop written by hand; return nanoseconds a step.

        anew  set the weights before, untimed, as each block of ours does
        """
        step, pool = self.step, self.pool
        if anew:
            self.session.engine.load(self.session.arrays)
        self.session.engine.sync()
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for index in range(steps):
            step(pool[index % len(pool)])
        self.session.engine.sync()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        return {"cpu_ns": cpu / steps, "wall_ns": wall / steps}

    def ours(self, blocks: int, steps: int) -> dict:
        """Run blocks as a measurement does; return what they report, in nanoseconds a step."""
        told = [self.session.block("train", steps, *self._point(self.batch_size)) for _ in range(blocks)]
        return {clock: sum(block[clock] for block in told) / (blocks * steps) for clock in ("cpu_ns", "wall_ns")}

    def block(self, steps: int) -> dict:
        """Run one block, as a worker that is asked for it."""
        return self.session.block("train", steps, *self._point(self.batch_size))

    def empty(self, steps: int, blocks: int) -> dict:
        """Time blocks whose step does nothing: what remains is the loop's own. Returns microseconds, block by block.

        ``inside``  the timed region beyond a bare loop of empty steps: this is in every measured time
        ``around``  the rest of the block: counters before and after, the check of the result
        """
        session, value = self.session, self.session.engine.train(next(iter(self.session.pool.values()))[0])
        stand_in = _Empty(session.engine, value)
        engine, session.engine = session.engine, stand_in
        inside, around = [], []
        try:
            for _ in range(blocks):
                begun = time.perf_counter_ns()
                block = self.block(steps)
                whole = time.perf_counter_ns() - begun
                begun = time.perf_counter_ns()
                for index in range(steps):
                    stand_in.train(self.pool[index % len(self.pool)])
                loop = time.perf_counter_ns() - begun
                inside.append((block["wall_ns"] - loop) / 1e3)
                around.append((whole - block["wall_ns"]) / 1e3)
        finally:
            session.engine = engine
        return {"inside": inside, "around": around}


class _Empty(SimpleNamespace):
    """The engine with steps that do nothing and weights that are never set again."""

    def __init__(self, engine, value):
        super().__init__()
        self._engine, self._value = engine, value

    def __getattr__(self, name: str):
        return getattr(self._engine, name)

    def train(self, batch):
        """Return a value computed before."""
        return self._value

    def load(self, arrays) -> None:
        """Do nothing."""

    def sync(self) -> None:
        """Do nothing: there is nothing to wait for."""

    def run(self, phase: str, schedule):
        """Go through the batches as the engine does, with the empty step."""
        result = None
        for batch in schedule:
            result = self.train(batch)
        return result


if __name__ == "__main__":
    sys.exit(serve(Contest))
