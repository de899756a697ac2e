"""The process that holds one rank (PyTorch) or all replicas (TensorFlow); started by the module ``measure``."""

from __future__ import annotations

import importlib
import sys
import time
from itertools import islice
from pathlib import Path

import numpy as np

from reproductions.feeding import stream
from reproductions.process import serve


class Session:
    """One side with its data; every rank of PyTorch is asked the same at the same time."""

    def __init__(self, *, framework: str, workload: str, data: str | None, sizes: dict, seed: int, place: dict):
        from reproductions import spec

        self.workload, self.sizes, self.seed = spec.load(Path(workload)), sizes, seed
        self.data = Path(data) if data else None
        weights = self.workload.module("weights")
        frozen = getattr(weights, "FROZEN", {}).get(framework, ())
        self.side = importlib.import_module(f"{__package__}.{framework}").Side(
            self.workload.module(framework), sizes, dict(self.workload.optimizer), frozen=tuple(frozen), **place
        )
        initial = weights.initial(np.random.default_rng(seed), sizes)
        self.arrays = getattr(weights, f"to_{framework}")(initial, sizes)

    def describe(self) -> dict:
        """Return the side's facts."""
        return {"facts": self.side.facts()}

    def prepare(self, batch_size: int, batches: int) -> dict:
        """Put global batches on the devices, take two steps, and return how long the second took."""
        source = stream(self.workload, self.data, self.seed, batch_size, self.sizes)
        self.pool = [self.side.put(*batch) for batch in islice(source, batches)]
        self.side.load(self.arrays)
        self.block(1)
        return {"step_ms": self.block(1)["wall_ns"] / 1e6}

    def losses(self, steps: int) -> dict:
        """Train from the initial weights; return the loss of the global batch before each step."""
        self.side.load(self.arrays)
        found = [self.side.whole(self.side.train(self.pool[index % len(self.pool)])) for index in range(steps)]
        return {"losses": found}

    def block(self, steps: int) -> dict:
        """Time steps as one block, from the initial weights."""
        self.side.load(self.arrays)
        self.side.sync()
        wall = time.perf_counter_ns()
        for index in range(steps):
            loss = self.side.train(self.pool[index % len(self.pool)])
        self.side.sync()
        wall = time.perf_counter_ns() - wall
        return {"wall_ns": wall, "finite": bool(np.isfinite(self.side.whole(loss)))}


if __name__ == "__main__":
    sys.exit(serve(Session))
