"""The process that holds one framework in one mode: reads requests from stdin, answers on stdout, a JSON line each.

Started by :mod:`reproductions.client`, never by hand. Whatever the framework prints goes to stderr. The process ends
with its parent: at end of input, and on Linux by a signal when the parent dies.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import numpy as np

PARITY_STEPS = 20
PR_SET_PDEATHSIG = 1


class Session:
    """One engine with its data; each public method is one request and returns what is answered."""

    def __init__(self, job: dict):
        from reproductions import batches, frameworks, spec

        limit = job.get("memory_limit_mib")
        if limit:
            resource.setrlimit(resource.RLIMIT_DATA, (limit * 2**20, limit * 2**20))
        self.job, self.sizes = job, job["sizes"]
        self.batches = batches
        self.workload = spec.load(Path(job["workload"]))
        self.weights = self.workload.module("weights")
        self.framework = job["framework"]
        self.engine = frameworks.engine(self.framework)(job["mode"], job["threads"], job["device"], job["precision"])
        self.engine.build(self.workload.module(self.framework), self.sizes, job["optimizer"])
        self.data = batches.read(Path(job["data"]))
        self.pool: dict[str, list] = {}

    # -- what it is ------------------------------------------------------------------------------------------------
    def describe(self) -> dict:
        """Return the framework's facts and the model's trainable shapes."""
        shapes = {name: list(shape) for name, shape in self.engine.shapes().items()}
        return {"facts": self.engine.facts(), "shapes": shapes, "environment": _environment()}

    # -- parameters ------------------------------------------------------------------------------------------------
    def _load(self, seed: int) -> None:
        parameters = self.weights.initial(np.random.default_rng(seed), self.sizes)
        self.arrays = getattr(self.weights, f"to_{self.framework}")(parameters, self.sizes)
        self.engine.load(self.arrays)

    def _inputs(self, part: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inputs = self.batches.inputs(self.workload.input, self.data[f"x_{part}"][rows], self.sizes)
        return inputs, self.data[f"y_{part}"][rows].astype(np.int32)

    # -- parity ----------------------------------------------------------------------------------------------------
    def parity(self, seed: int, batch_size: int, out: str) -> dict:
        """Write logits, loss and gradients at the initial weights and the trace of 20 steps to ``out`` (npz)."""
        self._load(seed)
        order = self.batches.epochs(np.random.default_rng(seed), len(self.data["y_train"]), batch_size)
        batches = [self.engine.put(*self._inputs("train", next(order))) for _ in range(PARITY_STEPS)]
        results = {"logits": self.engine.numpy(self.engine.infer(batches[0]))}
        loss, gradients = self.engine.gradients(batches[0])
        results["loss"] = np.float64(loss)
        losses, norms = [], []
        for batch in batches:
            loss, step = self.engine.gradients(batch)
            losses.append(loss)
            norms.append(np.sqrt(sum(float(np.sum(np.square(g, dtype=np.float64))) for g in step.values())))
            self.engine.train(batch)
        canonical = getattr(self.weights, f"from_{self.framework}")(gradients, self.sizes)
        results |= {f"gradient:{name}": value for name, value in canonical.items()}
        results |= {"trace_loss": np.array(losses), "trace_gradient_norm": np.array(norms)}
        with Path(out).open("wb") as handle:
            np.savez(handle, **results)
        return {}

    def trace(self, seed: int, batch_size: int) -> dict:
        """Return the logits of the first batch and the losses of 20 steps through this cell's own mode."""
        self._load(seed)
        order = self.batches.epochs(np.random.default_rng(seed), len(self.data["y_train"]), batch_size)
        batches = [self.engine.put(*self._inputs("train", next(order))) for _ in range(PARITY_STEPS)]
        logits = self.engine.numpy(self.engine.infer(batches[0]))
        losses = [float(self.engine.numpy(self.engine.train(batch))) for batch in batches]
        return {"logits": logits.tolist(), "losses": losses}

    # -- measuring -------------------------------------------------------------------------------------------------
    def first(self, phase: str, seed: int, batch_size: int, batches: int) -> dict:
        """Put the batches on the device, then time the very first step of the phase: tracing and compiling included."""
        self._load(seed)
        order = self.batches.epochs(np.random.default_rng(seed), len(self.data["y_train"]), batch_size)
        self.pool[phase] = [self.engine.put(*self._inputs("train", next(order))) for _ in range(batches)]
        return self._timed(phase, 1)

    def block(self, phase: str, steps: int) -> dict:
        """Time ``steps`` steps as one block; a training block starts from the same weights each time."""
        if phase == "train":
            self.engine.load(self.arrays)
        return self._timed(phase, steps)

    def _timed(self, phase: str, steps: int) -> dict:
        step, pool, engine = getattr(self.engine, phase), self.pool[phase], self.engine
        engine.sync()
        usage, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for index in range(steps):
            result = step(pool[index % len(pool)])
        engine.sync()
        wall, cpu = time.perf_counter_ns() - wall, time.process_time_ns() - cpu
        after, grown = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
        return {
            "wall_ns": wall,
            "cpu_ns": cpu,
            "children_cpu_ns": int(1e9 * (grown.ru_utime + grown.ru_stime - children.ru_utime - children.ru_stime)),
            "minor_faults": after.ru_minflt - usage.ru_minflt,
            "major_faults": after.ru_majflt - usage.ru_majflt,
            "involuntary_switches": after.ru_nivcsw - usage.ru_nivcsw,
            "finite": bool(np.isfinite(engine.numpy(result)).all()),
        }

    def finish(self) -> dict:
        """Return peak memory of host and device and what the mode compiled."""
        return {
            "peak_host_bytes": _peak_host_bytes(),
            "peak_device_bytes": self.engine.peak_device_bytes(),
            "compiled_graphs": self.engine.compiled_graphs(),
        }

    # -- accuracy --------------------------------------------------------------------------------------------------
    def fit(self, seed: int, batch_size: int, examples: int) -> dict:
        """Start training from the seed's weights in the seed's order; return what an epoch holds."""
        self._load(seed)
        rng = np.random.default_rng(seed)
        self.kept = rng.permutation(len(self.data["y_train"]))[: examples or None]
        self.order = self.batches.epochs(rng, len(self.kept), batch_size)
        return {"examples": len(self.kept), "steps": len(self.kept) // batch_size}

    def fit_steps(self, steps: int) -> dict:
        """Go on training for some steps; return the last loss."""
        for _ in range(steps):
            loss = self.engine.train(self.engine.put(*self._inputs("train", self.kept[next(self.order)])))
        return {"loss": float(self.engine.numpy(loss))}

    def predict(self, batch_size: int, out: str) -> dict:
        """Write the predicted test classes to ``out`` (npz)."""
        predicted = []
        tests = len(self.data["y_test"])
        for start in range(0, tests, batch_size):
            # The last batch is filled up, so that no mode traces or compiles a second shape.
            rows = np.minimum(np.arange(start, start + batch_size), tests - 1)
            logits = self.engine.numpy(self.engine.infer(self.engine.put(*self._inputs("test", rows))))
            predicted.append(logits.argmax(-1))
        with Path(out).open("wb") as handle:
            np.savez(handle, predicted=np.concatenate(predicted)[:tests])
        return {}


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


def _status(error: BaseException) -> str:
    """Return the status word of a row for an exception of Python or of either framework."""
    names = {base.__name__ for base in type(error).__mro__}
    if names & {"MemoryError", "OutOfMemoryError", "ResourceExhaustedError"} or "can't allocate memory" in str(error):
        return "oom"
    return "unsupported" if isinstance(error, NotImplementedError) else "failed"


def main() -> int:
    """Answer requests until end of input; an error is answered too, then the process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    session = None
    for line in sys.stdin:
        request = json.loads(line)
        operation = request.pop("operation")
        try:
            if operation == "start":
                session = Session(**request)
                answer = session.describe()
            else:
                answer = getattr(session, operation)(**request)
            answers.write(json.dumps({"ok": True, **answer}) + "\n")
        except Exception as error:
            traceback.print_exc()
            message = f"{type(error).__name__}: {error}".strip().splitlines()[0][:300]
            answers.write(json.dumps({"ok": False, "status": _status(error), "message": message}) + "\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
