"""Load for a server: an open loop at a fixed rate of arrivals, from a process of its own, over loopback.

When a request is sent does not depend on how the others fare: the times of arrival are drawn before the first is sent
(a Poisson process, as in the server scenario of MLPerf Inference). Latency counts from the moment at which a request
was due, not from the one at which it left, so that a server (or this generator) that falls behind shows in every
request that had to wait: no coordinated omission. A request that fails has waited for ever: it stands at the far end
of the distribution, and a percentile that falls among the failed ones has no value.

The module is a child of :mod:`reproductions.process` as well: ``python -m reproductions.deployment.load``.
"""

from __future__ import annotations

import asyncio
import collections
import ctypes
import gc
import math
import os
import resource
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

#: A server is saturated when fewer than this share of a window's requests were answered inside the window.
KEPT_UP = 0.95
#: Answers of one block that are kept to be compared with what is right.
KEPT_ANSWERS = 32
#: How long before the first arrival everything is ready.
LEAD_S = 0.05
GOOD = 200
#: Statuses with which a server says that it is too busy.
BUSY = (429, 503)
#: What stands for a status where there is none.
LATE, BROKEN, NO_ROOM = -1, -2, -3
REASONS = {LATE: "unanswered within the limit", BROKEN: "connection broken", NO_ROOM: "too many in flight"}


@dataclass(frozen=True)
class Target:
    """Where requests go and what they hold.

    url      complete address, on loopback
    bodies   contents of the requests, sent in turn
    headers  of every request
    """

    url: str
    bodies: Sequence[bytes]
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@dataclass(frozen=True)
class Outcome:
    """One block of load, request by request; times in seconds from the start of the window.

    due     when each was due (n,)
    sent    when it left; NaN if it never did
    done    when its answer was complete; NaN without one
    status  HTTP status, or a negative number of ``REASONS``
    """

    due: np.ndarray
    sent: np.ndarray
    done: np.ndarray
    status: np.ndarray
    window_s: float
    cpu_s: float = 0.0
    answers: dict[int, bytes] = field(default_factory=dict)


def arrivals(rate_per_s: float, window_s: float, rng: np.random.Generator, spread: str = "poisson") -> np.ndarray:
    """Return the times at which requests are due, ascending, in seconds within the window.

    spread  ``poisson`` (independent users) or ``even`` (one each 1/rate seconds)
    """
    if rate_per_s <= 0 or window_s <= 0:
        raise ValueError(f"a rate of {rate_per_s:g} /s for {window_s:g} s has no arrivals")
    if spread == "even":
        return np.arange(0, window_s, 1 / rate_per_s)
    # Given their number, the arrivals of a Poisson process are independent and uniform.
    return np.sort(rng.uniform(0, window_s, max(1, rng.poisson(rate_per_s * window_s))))


async def drive(
    target: Target, due: np.ndarray, window_s: float, *, limit_s: float = 10.0, in_flight: int = 2000
) -> Outcome:
    """Send a request at each time of ``due`` whatever became of the others, and wait for all answers.

    limit_s    how long an answer may take before it counts as failed
    in_flight  open requests at which a further one is not sent but counts as failed: what the system's files allow
    """
    import aiohttp

    loop, count = asyncio.get_running_loop(), len(due)
    sent, done = np.full(count, np.nan), np.full(count, np.nan)
    status, answers = np.full(count, NO_ROOM), {}
    keep = set(np.linspace(0, count - 1, min(count, KEPT_ANSWERS), dtype=int).tolist())
    # An answer is taken as it comes: no cookies, no decompression, no bound on connections but ``in_flight``.
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=limit_s),
        headers={"Accept-Encoding": "identity", **target.headers},
    )

    async def request(index: int) -> None:
        sent[index] = loop.time() - start
        try:
            async with session.post(target.url, data=target.bodies[index % len(target.bodies)]) as answer:
                content = await answer.read()
                status[index] = answer.status
                done[index] = loop.time() - start
                if index in keep and answer.status == GOOD:
                    answers[index] = content
        except TimeoutError:
            status[index] = LATE
        except (aiohttp.ClientError, OSError):
            status[index] = BROKEN

    open_requests: set[asyncio.Task] = set()
    async with session:
        with _Alarm(loop) as until:
            start, cpu = loop.time() + LEAD_S, time.process_time()
            for index, moment in enumerate(due):
                await until(start + moment)
                if len(open_requests) >= in_flight:
                    continue
                task = loop.create_task(request(index))
                open_requests.add(task)
                task.add_done_callback(open_requests.discard)
        if open_requests:
            await asyncio.wait(open_requests)
        cpu = time.process_time() - cpu
    return Outcome(np.asarray(due), sent, done, status, window_s, cpu, answers)


def summarise(outcome: Outcome) -> dict[str, object]:
    """Return the values of a row of serving.csv, and why requests failed.

    ``sent`` = ``answered`` + ``rejected`` (the server said 429 or 503) + ``errors`` (every other failure).
    Latencies in milliseconds from the moment at which a request was due; None where a percentile falls among failed
    requests. ``achieved_per_s`` counts the answers inside the window.
    """
    count, good = len(outcome.due), outcome.status == GOOD
    rejected = np.isin(outcome.status, BUSY)
    inside = int(np.sum(good & (outcome.done <= outcome.window_s)))
    waited = np.where(good, outcome.done - outcome.due, np.inf) * 1e3
    lag = (outcome.sent - outcome.due)[~np.isnan(outcome.sent)] * 1e3
    reasons = collections.Counter(int(value) for value in outcome.status[~good & ~rejected])
    return {
        "sent": count,
        "answered": int(good.sum()),
        "rejected": int(rejected.sum()),
        "errors": count - int(good.sum()) - int(rejected.sum()),
        "duration_s": outcome.window_s,
        "achieved_per_s": inside / outcome.window_s,
        "latency_p50_ms": percentile(waited, 50),
        "latency_p95_ms": percentile(waited, 95),
        "latency_p99_ms": percentile(waited, 99),
        "send_lag_p99_ms": percentile(lag, 99),
        "saturated": inside < KEPT_UP * count,
        "generator_cpu_share": outcome.cpu_s / outcome.window_s,
        "reasons": {REASONS.get(key, f"status {key}"): value for key, value in sorted(reasons.items())},
    }


def percentile(values: np.ndarray, percent: float) -> float | None:
    """Return the smallest value that at least ``percent`` of all do not exceed; None if it is infinite or missing."""
    if not len(values):
        return None
    found = np.sort(values)[max(0, math.ceil(percent / 100 * len(values)) - 1)]
    return float(found) if math.isfinite(found) else None


# -- waking in time ----------------------------------------------------------------------------------------------------
class _Moment(ctypes.Structure):
    _fields_ = (("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long))


class _Setting(ctypes.Structure):
    _fields_ = (("interval", _Moment), ("value", _Moment))


class _Alarm:
    """Give a coroutine that waits until a moment of the loop's clock.

    asyncio's own timers wake up to a millisecond late, because epoll counts in milliseconds; that is as long as some
    of the servers take. On Linux a timer file of the kernel wakes it within microseconds. A moment that has passed
    still lets the others run once, so that a generator that is behind goes on reading answers.
    """

    CLOCK_MONOTONIC, ABSOLUTE = 1, 1

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self.loop, self.waiting, self.file = loop, None, None

    def __enter__(self):
        if sys.platform == "linux":
            self.library = ctypes.CDLL(None, use_errno=True)
            self.file = self.library.timerfd_create(self.CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
            if self.file < 0:
                raise OSError(ctypes.get_errno(), "timerfd_create failed")
            self.loop.add_reader(self.file, self._ring)
        return self._until

    def __exit__(self, *_: object) -> None:
        if self.file is not None:
            self.loop.remove_reader(self.file)
            os.close(self.file)

    def _ring(self) -> None:
        os.read(self.file, 8)
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result(None)

    async def _until(self, moment: float) -> None:
        left = moment - self.loop.time()
        if left <= 0 or self.file is None:
            await asyncio.sleep(max(0.0, left))
            return
        seconds = int(moment)
        setting = _Setting(value=_Moment(seconds, int((moment - seconds) * 1e9)))
        self.waiting = self.loop.create_future()
        if self.library.timerfd_settime(self.file, self.ABSOLUTE, ctypes.byref(setting), None):
            raise OSError(ctypes.get_errno(), "timerfd_settime failed")
        await self.waiting


# -- a process of its own ----------------------------------------------------------------------------------------------
class Session:
    """The generator as a child process: bodies are read once, then blocks of load are asked for.

    url      complete address of the server's route
    bodies   file with one JSON document a line
    headers  of every request
    """

    def __init__(self, url: str, bodies: str, headers: dict[str, str] | None = None):
        lines = Path(bodies).read_bytes().splitlines()
        self.in_flight = _room()
        self.target = Target(url, lines, headers or {"Content-Type": "application/json"})

    def describe(self) -> dict:
        """Return what the requests are sent with."""
        from importlib.metadata import version

        return {"versions": {"aiohttp": version("aiohttp")}, "bodies": len(self.target.bodies)}

    def block(self, rate_per_s: float, window_s: float, seed: int, limit_s: float = 10.0) -> dict:
        """Drive one block of load; return its summary and some answers, by the number of their body."""
        due = arrivals(rate_per_s, window_s, np.random.default_rng(seed))
        gc.collect()
        gc.disable()  # a collection would delay what is due meanwhile
        try:
            outcome = asyncio.run(drive(self.target, due, window_s, limit_s=limit_s, in_flight=self.in_flight))
        finally:
            gc.enable()
        count = len(self.target.bodies)
        answers = [[index % count, content.decode(errors="replace")] for index, content in outcome.answers.items()]
        return {"summary": summarise(outcome), "answers": answers}


def _room() -> int:
    """Allow this process as many open files as the system does; return how many requests may be open at a time."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 4096 if most == resource.RLIM_INFINITY else min(most, 4096)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    return max(1, most - 100)


if __name__ == "__main__":
    from reproductions.process import serve

    sys.exit(serve(Session))
