"""A model that answers outside this process, in a page or in Node, behind the same ``predict`` as all others.

Both speak the protocol of ``browser/protocol.mjs``: load, answer, time. Arrays travel as base64; every time is taken
by the clock of the runtime itself, so that travelling is not in it.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence

import numpy as np


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
        """Return float32 logits (rows, classes); ValueError for a batch size that was not exported."""
        self._fits(batch)
        answer = self._ask("answer", **pack(batch))
        if self.first_answer_ms is None:
            self.first_answer_ms = answer["ms"]
        return np.frombuffer(base64.b64decode(answer["logits"]), "<f4").reshape(len(batch), -1).copy()

    def timed(self, batch: np.ndarray, count: int) -> list[float]:
        """Return the milliseconds of each of ``count`` answers to the same batch."""
        self._fits(batch)
        return self._ask("time", count=count, **pack(batch))["ms"]

    @property
    def peak_memory_mib(self) -> float | None:
        """Return the peak of the other side's memory so far."""
        return self._memory()

    def _fits(self, batch: np.ndarray) -> None:
        if self._sizes and len(batch) not in self._sizes:
            raise ValueError(f"exported for batches of {self._sizes}, not of {len(batch)}")


def pack(batch: np.ndarray) -> dict[str, object]:
    """Return a batch as the protocol takes it: float32 or int32, row by row."""
    kind = "float32" if np.issubdtype(batch.dtype, np.floating) else "int32"
    data = np.ascontiguousarray(batch, "<f4" if kind == "float32" else "<i4")
    return {"data": base64.b64encode(data.tobytes()).decode(), "kind": kind, "shape": list(batch.shape)}


def files(names: Mapping[int | None, str] | Sequence[str]) -> list[dict[str, object]]:
    """Return the option ``files`` from ``{batch size: name}``, or from names that take any batch."""
    pairs = names.items() if isinstance(names, Mapping) else ((None, name) for name in names)
    return [{"name": name, "rows": rows} for rows, name in pairs]
