"""One server for one model: started, checked against the source framework's logits, warmed up, loaded, stopped."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import psutil
import requests

from reproductions.deployment import servers
from reproductions.deployment.servers import Job
from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.process import Child

log = logging.getLogger(__name__)
LAUNCH = Path(servers.__file__).with_name("_launch.py")
#: Arrivals a second, doubled until a server no longer keeps up.
RATES = tuple(25 * 2**power for power in range(8))
#: A window holds at least this many arrivals on average, so that its 99th percentile is not its maximum.
ARRIVALS = 100
#: Ports that a server may want.
PORTS = 6
STOP_S = 15
#: Seconds in which one request may be answered while a server is checked.
ANSWER_S = 30


@dataclass(frozen=True)
class Load:
    """How a server is loaded.

    seconds   length of a window, at least; a slow rate takes longer, to hold enough arrivals
    rates     arrivals a second, ascending; the first at which the server does not keep up is the last
    limit_s   how long an answer may take before it counts as failed
    warm_s    load at the first rate before anything counts
    """

    seconds: float = 3.0
    rates: Sequence[float] = RATES
    limit_s: float = 10.0
    warm_s: float = 1.0
    arrivals: int = ARRIVALS

    def window(self, rate: float) -> float:
        """Return the length of the window at a rate."""
        return max(self.seconds, self.arrivals / rate)


@dataclass(frozen=True)
class Expected:
    """What a server is asked and has to answer.

    rows       model inputs (n, ...), real test rows
    logits     of the source framework (n, classes)
    tolerance  largest difference of a logit
    """

    rows: np.ndarray
    logits: np.ndarray
    tolerance: float


class Wrong(Exception):
    """The server answered, but not what the model says."""


def observe(module: ModuleType, job: Job, expected: Expected, load: Load, seed: int) -> dict:
    """Return ``{status, stage, note, start_s, blocks}``; a failure is a value, never an exception.

    blocks  a summary of :mod:`reproductions.deployment.load` each rate, with ``rate_per_s``
    """
    found = {"status": "ok", "stage": "load", "note": "", "start_s": None, "blocks": []}
    stage = "prepare"
    try:
        getattr(module, "prepare", lambda job: None)(job)
        stage = "start"
        with started(module, job) as process:
            talk = Talk(module, job, expected)
            found["start_s"] = talk.wait(process, module.SERVER.start_s)
            stage = "check"
            talk.check()
            stage = "load"
            for block in talk.sweep(load, seed):
                found["blocks"].append(block)
    except Wrong as error:
        found |= {"status": "wrong", "stage": stage, "note": str(error)}
    except WorkerFailed as error:
        found |= {"status": error.status, "stage": stage, "note": error.message}
    except subprocess.CalledProcessError as error:
        lines = (error.stderr or "").strip().splitlines() or [str(error)]
        found |= {"status": "failed", "stage": stage, "note": lines[-1][:300]}
    except (OSError, ValueError, KeyError, TypeError, LookupError, requests.RequestException) as error:
        note = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        found |= {"status": "failed", "stage": stage, "note": note}
    return found


# -- the process -------------------------------------------------------------------------------------------------------
@contextlib.contextmanager
def started(module: ModuleType, job: Job) -> Iterator[subprocess.Popen]:
    """Start the server with its output in ``server.log`` of its scratch folder; end it with all its descendants."""
    command = getattr(module, "command", servers.command)(job)
    variables = worker_environment("as_shipped", job.threads, Path(job.scratch)) | {"CUDA_VISIBLE_DEVICES": "-1"}
    variables |= getattr(module, "environment", lambda job: {})(job)
    Path(job.scratch).mkdir(parents=True, exist_ok=True)
    with Path(job.scratch, "server.log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(LAUNCH), *command],
            cwd=job.scratch,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=variables,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """End a process and every descendant: asked first, forced after a while."""
    family = []
    with contextlib.suppress(psutil.Error):
        family = psutil.Process(process.pid).children(recursive=True)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_S)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(family, timeout=1)
    for one in alive:
        with contextlib.suppress(psutil.Error):
            one.kill()
    psutil.wait_procs(alive, timeout=STOP_S)


def free_ports(count: int = PORTS) -> tuple[int, ...]:
    """Return ports of loopback that nobody listens on."""
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in opened:
            one.bind(("127.0.0.1", 0))
        return tuple(one.getsockname()[1] for one in opened)


# -- requests ----------------------------------------------------------------------------------------------------------
class Talk:
    """What is said to one server: its rows as JSON documents, its answers compared with the logits expected."""

    def __init__(self, module: ModuleType, job: Job, expected: Expected):
        ask = getattr(module, "request", servers.request)
        pairs = [ask(job, row) for row in expected.rows]
        self.bodies = [json.dumps(body).encode() for _, body in pairs]
        self.url = f"http://127.0.0.1:{job.port}{pairs[0][0]}"
        self.job, self.expected = job, expected
        self.read = getattr(module, "answer", servers.answer)

    def wait(self, process: subprocess.Popen, limit_s: float) -> float:
        """Return the seconds until the first good answer; WorkerFailed if the server ends or takes too long."""
        begin, last = time.monotonic(), "it does not listen"
        with _session() as session:
            while time.monotonic() - begin < limit_s:
                if process.poll() is not None:
                    note = f"the server ended with exit code {process.returncode}; see its log"
                    raise WorkerFailed("failed", note)
                try:
                    answer = session.post(self.url, data=self.bodies[0], timeout=ANSWER_S)
                except requests.RequestException:
                    time.sleep(0.1)
                    continue
                if answer.status_code == requests.codes.ok:
                    return time.monotonic() - begin
                last = f"it says {_said(answer)}"
                time.sleep(0.2)
        raise WorkerFailed("timeout", f"no good answer within {limit_s:g} s; {last}")

    def check(self) -> None:
        """Ask every row once, one after the other, and compare; the first part of the warm-up as well."""
        with _session() as session:
            for number, body in enumerate(self.bodies):
                answer = session.post(self.url, data=body, timeout=ANSWER_S)
                if answer.status_code != requests.codes.ok:
                    raise WorkerFailed("failed", f"row {number}: it says {_said(answer)}")
                self.compare(number, answer.json())

    def compare(self, number: int, value: object) -> None:
        """Raise Wrong unless an answer holds the logits of row ``number``."""
        logits = np.asarray(self.read(self.job, value))
        wanted = self.expected.logits[number : number + 1]
        if logits.shape != wanted.shape:
            raise Wrong(f"row {number}: logits of shape {logits.shape}, expected {wanted.shape}")
        difference = float(np.abs(logits - wanted).max())
        if not difference <= self.expected.tolerance:
            raise Wrong(f"row {number}: a logit is {difference:.2g} off, more than {self.expected.tolerance:.2g}")

    def sweep(self, load: Load, seed: int) -> Iterator[dict]:
        """Yield the summary of one window a rate, up to the first at which the server does not keep up."""
        scratch = Path(self.job.scratch)
        file = scratch / "bodies.jsonl"
        file.write_bytes(b"\n".join(self.bodies) + b"\n")
        with Child(
            [sys.executable, "-m", "reproductions.deployment.load"],
            environment=worker_environment("as_shipped", 1, scratch),
            folder=scratch,
            log=scratch / "load.log",
            timeout_s=load.window(min(load.rates)) + load.limit_s + 60,
        ) as generator:
            generator.ask("start", url=self.url, bodies=str(file.resolve()))
            limit = {"limit_s": load.limit_s}
            generator.ask("block", rate_per_s=min(load.rates), window_s=load.warm_s, seed=seed, **limit)
            for number, rate in enumerate(load.rates, 1):
                window = load.window(rate)
                answer = generator.ask("block", rate_per_s=rate, window_s=window, seed=seed + number, **limit)
                for row, text in answer["answers"]:
                    self.compare(row, json.loads(text))
                yield {"rate_per_s": rate, **answer["summary"]}
                if answer["summary"]["saturated"]:
                    return


def _session() -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # no proxy stands before loopback
    session.headers["Content-Type"] = "application/json"
    return session


def _said(answer: requests.Response) -> str:
    return f"{answer.status_code}: {' '.join(answer.text.split())[:150]}"


def versions(python: str, names: Iterable[str]) -> dict[str, str | None]:
    """Return ``{distribution: version or None}`` as another interpreter sees them; ``a|b`` takes the first there."""
    code = (
        "import importlib.metadata as m, json, sys\n"
        "def version(names):\n"
        "    for name in names.split('|'):\n"
        "        try:\n"
        "            return name, m.version(name)\n"
        "        except m.PackageNotFoundError:\n"
        "            pass\n"
        "    return names.split('|')[0], None\n"
        "print(json.dumps(dict(version(names) for names in sys.argv[1:])))\n"
    )
    done = subprocess.run([python, "-c", code, *names], capture_output=True, text=True, timeout=120, check=True)
    return json.loads(done.stdout)
