"""The process that holds one framework in one mode: reads requests from stdin, answers on stdout, a JSON line each.

Started by :mod:`reproductions.client`, never by hand. Whatever the framework prints goes to stderr. The process ends
with its parent: at end of input, and on Linux by a signal when the parent dies.
"""

from __future__ import annotations

import itertools
import os
import resource
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from reproductions.process import serve

PARITY_STEPS = 20


class Session:
    """One engine with its data; each public method is one request and returns what is answered."""

    def __init__(self, job: dict):
        from reproductions import batches, flags, frameworks, spec

        limit = job.get("memory_limit_mib")
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit * 2**20, limit * 2**20))
        self.job, self.sizes = job, job["sizes"]
        self.workload = spec.load(Path(job["workload"]))
        self.weights = self.workload.module("weights")
        self.framework, self.source = job["framework"], job["source"]
        self.engine = frameworks.engine(self.framework)(job["mode"], job["threads"], job["device"], job["precision"])
        frozen = getattr(self.weights, "FROZEN", {}).get(self.source, ())
        self.engine.build(self.workload.module(self.source), self.sizes, job["optimizer"], frozen)
        self.examples = batches.Examples(self.workload, Path(job["data"]))
        self.pool: dict[tuple, list] = {}
        self.sampler, self.usual = flags.Sampler(), defaultdict(list)

    # -- what it is ------------------------------------------------------------------------------------------------
    def describe(self) -> dict:
        """Return the framework's facts and the model's trainable shapes."""
        shapes = {name: list(shape) for name, shape in self.engine.shapes().items()}
        return {"facts": self.engine.facts(), "shapes": shapes, "environment": _environment()}

    # -- parameters ------------------------------------------------------------------------------------------------
    def _load(self, seed: int) -> None:
        parameters = self.weights.initial(np.random.default_rng(seed), self.sizes)
        self.arrays = getattr(self.weights, f"to_{self.source}")(parameters, self.sizes)
        self.engine.load(self.arrays)

    def _batches(self, seed: int, batch_size: int, count: int, sizes: dict) -> list:
        stream = self.examples.stream(seed, batch_size, sizes)
        return [self.engine.put(*next(stream)) for _ in range(count)]

    def _prompts(self, seed: int, batch_size: int, count: int, sizes: dict) -> list:
        """Return batches of prompts: the first ``prompt`` ids of each example."""
        return self._batches(seed, batch_size, count, sizes | {"tokens": sizes["prompt"]})

    # -- parity ----------------------------------------------------------------------------------------------------
    def parity(self, seed: int, batch_size: dict, out: str) -> dict:
        """Write logits, loss and gradients at the initial weights and the trace of 20 steps to ``out`` (npz)."""
        self._load(seed)
        batches = self._batches(seed, batch_size["train"], PARITY_STEPS, self.sizes)
        results = self._outputs(seed, batch_size, batches)
        self.engine.enter("train")
        loss, gradients = self.engine.gradients(batches[0])
        results["loss"] = np.float64(loss)
        losses, norms = [], []
        for batch in batches:
            loss, step = self.engine.gradients(batch)
            losses.append(loss)
            norms.append(np.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in step.values())))
            self.engine.train(batch)
        back = getattr(self.weights, f"from_{self.source}")
        results |= {f"gradient:{name}": value for name, value in back(gradients, self.sizes).items()}
        results |= {f"state:{name}": value for name, value in back(self.engine.state(), self.sizes).items()}
        results |= {"trace_loss": np.array(losses), "trace_gradient_norm": np.array(norms)}
        with Path(out).open("wb") as handle:
            np.savez(handle, **results)
        return {}

    def _outputs(self, seed: int, batch_size: dict, batches: list) -> dict[str, np.ndarray]:
        """Return the logits of the first batch and, where the workload generates, the ids of the first prompts."""
        self.engine.enter("infer")
        found = {"logits": self.engine.numpy(self.engine.infer(batches[0]))}
        if "generate" in batch_size and hasattr(self.engine, "generate"):
            prompts = self._prompts(seed, batch_size["generate"], 1, self.sizes)
            found["generated"] = self.engine.numpy(self.engine.generate(prompts[0]))
        return found

    def trace(self, seed: int, batch_size: dict) -> dict:
        """Return logits of the first batch (a sample), and the losses of 20 steps through this cell's own mode."""
        from reproductions.parity import sample

        self._load(seed)
        batches = self._batches(seed, batch_size["train"], PARITY_STEPS, self.sizes)
        found = self._outputs(seed, batch_size, batches)
        self.engine.enter("train")
        losses = self.engine.losses(batches)
        return {name: sample(value).tolist() for name, value in found.items()} | {"losses": losses}

    # -- measuring -------------------------------------------------------------------------------------------------
    def first(self, phase: str, seed: int, batch_size: int, batches: int, shape: dict | None = None) -> dict:
        """Put the batches on the device, then time the very first step of the phase: tracing and compiling included."""
        sizes = self.sizes | (shape or {})
        self._load(seed)
        if self.job["mode"] == "idiomatic":
            self.pool[_key(phase, batch_size, shape)] = self.engine.loader(*self.examples.all(seed, sizes), batch_size)
        else:
            make = self._prompts if phase == "generate" else self._batches
            self.pool[_key(phase, batch_size, shape)] = make(seed, batch_size, batches, sizes)
        self.engine.enter(phase)
        return self._timed(phase, batch_size, shape, 1)

    def block(self, phase: str, steps: int, batch_size: int, shape: dict | None = None) -> dict:
        """Time ``steps`` steps as one block; a training block starts from the same weights each time."""
        if phase == "train":
            self.engine.load(self.arrays)
        self.engine.enter(phase)
        return self._timed(phase, batch_size, shape, steps)

    def _schedule(self, phase: str, batch_size: int, shape: dict | None, steps: int):
        """Return the batches of a block: from the pool in turn, or what a loader gives as it gives it."""
        pool = self.pool[_key(phase, batch_size, shape)]
        if isinstance(pool, list):
            return [pool[index % len(pool)] for index in range(steps)]
        if self.framework == "tensorflow":
            return [next(pool)] * steps
        return itertools.islice(pool, steps)

    def _timed(self, phase: str, batch_size: int, shape: dict | None, steps: int) -> dict:
        engine, schedule = self.engine, self._schedule(phase, batch_size, shape, steps)
        engine.sync()
        compiled, before = engine.compilations(), self.sampler.observe()
        usage, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        result = engine.run(phase, schedule)
        engine.sync()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        after, grown = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        seen = self.sampler.observe()
        answer = {
            "wall_ns": wall,
            "cpu_ns": cpu,
            "children_cpu_ns": int(1e9 * (grown.ru_utime + grown.ru_stime - children.ru_utime - children.ru_stime)),
            "minor_faults": after.ru_minflt - usage.ru_minflt,
            "major_faults": after.ru_majflt - usage.ru_majflt,
            "involuntary_switches": after.ru_nivcsw - usage.ru_nivcsw,
            "compilations": engine.compilations() - compiled,
            "finite": bool(np.isfinite(engine.numpy(result) if not isinstance(result, float) else result).all()),
        }
        return answer | {"flags": self._marks(_key(phase, batch_size, shape), steps, before, seen, answer)}

    def _marks(self, key: tuple, steps: int, before, after, answer: dict) -> list[str]:
        """Return what disturbed a block, seen beside the cell's other blocks at the same point."""
        from reproductions import flags

        usual = self.usual[key]
        block = flags.Block(
            wall_s=answer["wall_ns"] / 1e9,
            cpu_s=(answer["cpu_ns"] + answer["children_cpu_ns"]) / 1e9,
            steps=steps,
            cores=os.cpu_count() or 1,
            minor_faults=answer["minor_faults"],
            involuntary_switches=answer["involuntary_switches"],
            usual_faults=float(np.median([faults for faults, _ in usual])) if usual else None,
            usual_mhz=float(np.median(mhz)) if (mhz := [mhz for _, mhz in usual if mhz]) else None,
            compiled=(0, answer["compilations"]),
            captured=self.engine.compiled_graphs() if self.job["mode"] == "compile" else None,
        )
        usual.append((answer["minor_faults"] / steps, after.mhz))
        if self.job["threads"] > block.cores:  # its own threads wait for each other's cores
            after = after._replace(waited_s=None)
        return list(flags.mark(before, after, block))

    def finish(self) -> dict:
        """Return the peaks of memory and what compiling captured."""
        return {
            "peak_host_bytes": _peak_host_bytes(),
            "peak_device_bytes": self.engine.peak_device_bytes(),
            "compiled_graphs": self.engine.compiled_graphs(),
        }

    # -- accuracy --------------------------------------------------------------------------------------------------
    def fit(self, seed: int, batch_size: int, examples: int) -> dict:
        """Start training from the seed's weights in the seed's order; return what an epoch holds."""
        from reproductions.batches import epochs

        self._load(seed)
        rng = np.random.default_rng(seed)
        self.kept = rng.permutation(len(self.examples))[: examples or None]
        self.order = epochs(rng, len(self.kept), batch_size)
        return {"examples": len(self.kept), "steps": len(self.kept) // batch_size}

    def fit_steps(self, steps: int) -> dict:
        """Go on training for some steps; return the last loss."""
        self.engine.enter("train")
        for _ in range(steps):
            batch = self.examples.take("train", self.kept[next(self.order)], self.sizes)
            loss = self.engine.train(self.engine.put(*batch))
        return {"loss": float(self.engine.numpy(loss))}

    def predict(self, batch_size: int, out: str) -> dict:
        """Write the predicted test classes and the true ones to ``out`` (npz)."""
        predicted, truth = [], []
        tests = len(self.examples.arrays["y_test"])
        self.engine.enter("infer")
        for start in range(0, tests, batch_size):
            # The last batch is filled up, so that no mode traces or compiles a second shape.
            rows = np.minimum(np.arange(start, start + batch_size), tests - 1)
            inputs, labels = self.examples.take("test", rows, self.sizes)
            logits = self.engine.numpy(self.engine.infer(self.engine.put(inputs, labels)))
            predicted.append(logits.argmax(-1))
            truth.append(labels)
        with Path(out).open("wb") as handle:
            np.savez(
                handle, predicted=np.concatenate(predicted)[:tests].ravel(), truth=np.concatenate(truth)[:tests].ravel()
            )
        return {}


def _key(phase: str, batch_size: int, shape: dict | None) -> tuple:
    return (phase, batch_size, tuple(sorted((shape or {}).items())))


def _environment() -> dict[str, str]:
    """Return the variables that can change speed, as this process sees them."""
    from reproductions.environments import SCRUBBED

    kept = {"PYTHONPATH", "TORCHINDUCTOR_CACHE_DIR"}  # paths of this machine, not settings
    return {key: value for key, value in sorted(os.environ.items()) if SCRUBBED.match(key) and key not in kept}


def _peak_host_bytes() -> int:
    """Return the peak resident set of this process alone (``ru_maxrss`` would start at the parent's size)."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    # A framework that cannot be imported is a fault of the installation here, not something that it does not offer.
    sys.exit(serve(Session, unsupported=(NotImplementedError,)))
