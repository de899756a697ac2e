"""A model that answers outside this process, in a page or in Node, behind the same ``predict`` as all others.

Both speak the protocol of ``browser/protocol.mjs``: load, answer, time. Arrays travel as base64; every time is taken
by the clock of the runtime itself, so that travelling is not in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

import numpy as np

#: Rows of one message: a few MiB.
ROWS = 512


class Remote:
    """Answer batches through ``ask``; what is measured there is kept as attributes.

    ask      ``ask(operation, **arguments)`` returns the answer's fields and raises if the other side failed
    options  of the operation ``load``: threads, and files as ``[{name, rows}]``; ``rows`` is the batch size for which
             a file was exported, or None if it takes any
    close    ends the other side
    memory   returns the peak of the other side's memory in MiB, or None where the system does not tell

    load_ms, first_answer_ms  taken there; the latter once something was asked
    facts                     what the other side says of itself: threads, whether the page is isolated
    """

    def __init__(
        self,
        ask: Callable[..., dict],
        options: Mapping[str, object],
        *,
        close: Callable[[], None],
        memory: Callable[[], float | None] = lambda: None,
        versions: Mapping[str, str] | None = None,
    ):
        self._ask, self._memory = ask, memory
        self.close, self.versions = close, dict(versions or {})
        sizes = [file["rows"] for file in options["files"]]
        self._sizes = None if None in sizes else sorted(sizes)
        answer = ask("load", **options)
        self.load_ms, self.facts = answer["load_ms"], answer["facts"]
        self.first_answer_ms: float | None = None

    def __call__(self, batch: np.ndarray) -> np.ndarray:
        """Return float32 logits (rows, classes); rows beyond a whole exported batch are filled up and dropped."""
        return np.concatenate([self._answer(part, rows) for part, rows in self._parts(batch)])

    def timed(self, batch: np.ndarray, count: int) -> list[float]:
        """Return the milliseconds of each of ``count`` answers to the same batch."""
        if self._sizes and len(batch) not in self._sizes:
            raise ValueError(f"exported for batches of {self._sizes}, not of {len(batch)}")
        return self._ask("time", count=count, **pack(batch))["ms"]

    @property
    def peak_memory_mib(self) -> float | None:
        """Return the peak of the other side's memory so far."""
        return self._memory()

    def _parts(self, batch: np.ndarray):
        """Yield (rows to send, how many of them count)."""
        start = 0
        while start < len(batch):
            part = batch[start : start + (self._fitting(len(batch) - start) if self._sizes else ROWS)]
            rows = len(part)
            if self._sizes and rows not in self._sizes:
                part = np.concatenate([part, np.repeat(part[-1:], self._fitting(rows) - rows, axis=0)])
            yield part, rows
            start += rows

    def _fitting(self, rows: int) -> int:
        """Return the largest exported batch that is filled, or the smallest that holds all rows."""
        filled = [size for size in self._sizes if size <= rows]
        holding = [size for size in self._sizes if size >= rows]
        # Few rows left cost less in one larger batch than one by one.
        return min(holding) if holding else max(filled)

    def _answer(self, part: np.ndarray, rows: int) -> np.ndarray:
        answer = self._ask("answer", **pack(part))
        if self.first_answer_ms is None:
            self.first_answer_ms = answer["ms"]
        logits = np.frombuffer(base64.b64decode(answer["logits"]), "<f4")
        return logits.reshape(len(part), -1)[:rows].copy()


def pack(batch: np.ndarray) -> dict[str, object]:
    """Return a batch as the protocol takes it: float32 or int32, row by row."""
    kind = "float32" if np.issubdtype(batch.dtype, np.floating) else "int32"
    data = np.ascontiguousarray(batch, "<f4" if kind == "float32" else "<i4")
    return {"data": base64.b64encode(data.tobytes()).decode(), "kind": kind, "shape": list(batch.shape)}


def files(names: Mapping[int | None, str] | Sequence[str]) -> list[dict[str, object]]:
    """Return the option ``files`` from ``{batch size: name}``, or from names that take any batch."""
    pairs = names.items() if isinstance(names, Mapping) else ((None, name) for name in names)
    return [{"name": name, "rows": rows} for rows, name in pairs]
