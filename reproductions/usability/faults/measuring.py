"""Runs every fault in every mode, each program in a process of its own, and judges what came of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import math
import os
import queue
import selectors
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from reproductions.environments import worker_environment
from reproductions.errors import WorkerFailed
from reproductions.usability.faults import judging, tools
from reproductions.usability.faults.catalogue import MODES, Fault, corrected, faulty_lines

log = logging.getLogger("reproductions.usability.faults")

#: Columns of usability_faults.csv.
COLUMNS = (
    "machine",
    "date",
    "fault",
    "kind",
    "framework",
    "mode",
    "version",
    "status",
    "noticed",
    "stage",
    "exception",
    "line_in_traceback",
    "frames_below",
    "user_frames",
    "frames",
    "message_chars",
    "message_lines",
    "names_shape",
    "names_object",
    "names_remedy",
    "tools",
    "noticed_by_tools",
    "seconds",
    "harm",
    "measure",
    "value_faulty",
    "value_corrected",
    "message",
    "places",
    "tools_message",
    "note",
    "origin",
)
PROGRAM = "program.py"
#: The backend of torch.compile that stops before it generates code.
GRAPH_ONLY = "aot_eager"
SERVERS = {"pytorch": "pytorch", "tensorflow": "tensorflow", "keras": "tensorflow"}


@dataclass(frozen=True)
class Limits:
    """What a program may take."""

    timeout_s: float = 300
    memory_mib: int = 6144


class Server:
    """The parent's side of one forking process; see server.py. Use as a context manager."""

    def __init__(self, framework: str, scratch: Path, python: str | None = None):
        self.framework, self.scratch = framework, scratch
        environment = worker_environment("as_shipped", 1, scratch)
        # What a user sees by default: nothing silenced. And no GPU, so that every machine answers the same.
        environment.pop("TF_CPP_MIN_LOG_LEVEL")
        environment |= {"CUDA_VISIBLE_DEVICES": "-1", "PYTHONUNBUFFERED": "1", "COLUMNS": "120"}
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
        self._process = subprocess.Popen(
            [python or sys.executable, "-m", "reproductions.usability.faults.server", framework],
            cwd=scratch,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )
        self._buffer = b""
        self.versions: dict[str, str] = self._receive(300)["versions"]

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                stream.close()

    def play(self, job: Mapping[str, object]) -> dict:
        """Have one program played; raises WorkerFailed if the server dies or stays silent."""
        try:
            self._process.stdin.write(json.dumps(job).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed("failed", f"the {self.framework} server has ended") from None
        return self._receive(float(job["timeout_s"]) + 60)

    def _receive(self, patience: float) -> dict:
        deadline = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._buffer:
                left = deadline - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise WorkerFailed("timeout", f"the {self.framework} server stays silent")
                piece = os.read(self._process.stdout.fileno(), 1 << 16)
                if not piece:
                    raise WorkerFailed("failed", f"the {self.framework} server has ended; is the framework installed?")
                self._buffer += piece
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)


def measure(
    faults: Iterable[Fault],
    *,
    cells: Iterable[str],
    done: Callable[[dict], None],
    skip: Callable[[str, str], bool] = lambda fault, cell: False,
    workers: int = 2,
    limits: Limits = Limits(),
    backend: str | None = None,
    with_tools: bool = True,
    python: Mapping[str, str | None] | None = None,
) -> None:
    """Run the faults in the framework-modes and hand each judged row to ``done``, in the order in which they end.

    skip        asked with fault and framework-mode; what is True is left out (it is in the journal already)
    workers     servers that work at a time
    backend     backend of torch.compile (None: the default)
    with_tools  also run silent faults with the frameworks' own tools on
    python      interpreter by framework; absent or None is the one that runs this
    """
    waiting: queue.Queue[tuple[Fault, list[str]]] = queue.Queue()
    faults, cells = list(faults), list(cells)
    for framework in MODES:
        for fault in faults:
            own = [cell for cell in fault.cells() if cell.startswith(framework) and cell in cells]
            own = [cell for cell in own if not skip(fault.id, cell)]
            if own:
                waiting.put((fault, own))
    lock, failures = threading.Lock(), []

    def work() -> None:
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="usability-faults-")))
            pool = stack.enter_context(Pool(scratch, python or {}))
            while not failures:
                try:
                    fault, own = waiting.get_nowait()
                except queue.Empty:
                    return
                twin, eagerly = None, {}
                for cell in own:
                    try:
                        trial = Trial(fault, cell, pool.server(cell), limits, backend, eagerly=eagerly)
                        row = trial.row(with_tools, twin)
                        twin = trial.twin
                    except WorkerFailed as problem:
                        pool.stop()
                        row = _blank(fault, cell) | {"status": "failed_to_run", "note": problem.message}
                    except Exception as problem:  # a broken fault must not leave the other thread alone
                        failures.append(problem)
                        return
                    with lock:
                        done(row)

    threads = [threading.Thread(target=work, name=f"faults-{n}", daemon=True) for n in range(workers)]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    except KeyboardInterrupt:
        failures.append(KeyboardInterrupt())
        raise
    if failures:
        raise failures[0]


class Pool:
    """The one server that a thread has at a time; use as a context manager."""

    def __init__(self, scratch: Path, python: Mapping[str, str | None]):
        self.scratch, self.python = scratch, python
        self._server: Server | None = None

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def server(self, cell: str) -> Server:
        """Return a server for the framework-mode; that of another framework is stopped."""
        wanted = SERVERS[cell.partition("-")[0]]
        if self._server is None or self._server.framework != wanted:
            self.stop()
            self._server = Server(wanted, self.scratch, self.python.get(wanted))
        return self._server

    def stop(self) -> None:
        """Stop the server, if there is one."""
        if self._server is not None:
            self._server.__exit__()
            self._server = None


class Trial:
    """One fault in one framework-mode: the faulty program, its corrected twin, and both with the tools on.

    eagerly   what TensorFlow did without tracing in the fault's other modes, by program and tools; it is added to: a
              mode that is told to run its functions eagerly runs nothing else than the eager mode does
    """

    def __init__(
        self,
        fault: Fault,
        cell: str,
        server: Server,
        limits: Limits,
        backend: str | None,
        *,
        eagerly: dict | None = None,
    ):
        self.fault, self.cell, self.server, self.limits, self.backend = (fault, cell, server, limits, backend)
        self.eagerly = {} if eagerly is None else eagerly
        self.framework, _, self.mode = cell.partition("-")
        self.folder = server.scratch / f"{fault.id}-{cell}"
        self.program = fault.program(self.framework)
        self.twin: dict | None = None

    def row(self, with_tools: bool, twin: dict | None = None) -> dict:
        """Return the judged row; the scratch folder is gone afterwards.

        twin   what the corrected program did in another mode; None: run it here. ``self.twin`` has it afterwards.
               It serves while nothing depends on what a mode prints or computes: a warning and a number as good as the
               twin's are judged against the twin in this mode.
        """
        try:
            return self._row(with_tools, twin)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _row(self, with_tools: bool, twin: dict | None) -> dict:
        source = self.program.read_text(encoding="utf-8")
        other = self.folder / "corrected" / self.program.name
        other.parent.mkdir(parents=True, exist_ok=True)
        other.write_text(corrected(source), encoding="utf-8")
        faulty = self._play(self.program, ())
        right = self.twin = twin or self._play(other, ())
        row = _blank(self.fault, self.cell) | {"version": self._version(), "status": "ran", "origin": self._origin()}
        judged = self._judge(faulty, right, source)
        if twin and judged["noticed"] in ("warned", "harmless"):
            right = self._play(other, ())
            judged = self._judge(faulty, right, source)
        row |= judged
        row["note"] = self._note(faulty, right)
        if (faulty["result"] is None and faulty["timeout"]) or not _clean(right):
            row["status"] = "failed_to_run"
        if with_tools and row["status"] == "ran" and row["noticed"] in ("silent", "warned"):
            row |= self._further_runs(other, right)
        return row

    def _play(self, program: Path, switched_on: tuple[str, ...]) -> dict:
        """Return what came of a program, and in ``program`` where it stood."""
        eager = self.framework == "tensorflow" and (self.mode == "eager" or tools.EAGERLY in switched_on)
        run = (program == self.program, frozenset(switched_on) - {tools.EAGERLY})
        if eager and run in self.eagerly:
            return self.eagerly[run]
        answer = {**self._run(program, switched_on), "program": str(program)}
        if eager:
            self.eagerly[run] = answer
        return answer

    def _run(self, program: Path, switched_on: tuple[str, ...]) -> dict:
        # What tools find, they find in the graph: generating code for it would add minutes and nothing else.
        backend = GRAPH_ONLY if switched_on else self.backend
        return self.server.play(
            {
                "program": str(program),
                "framework": self.framework,
                "mode": self.mode,
                "tools": switched_on,
                "backend": backend,
                "scratch": str(self.folder),
                "timeout_s": self.limits.timeout_s,
                "memory_limit_mib": self.limits.memory_mib,
            }
        )

    def _origin(self) -> str:
        digest = hashlib.sha256(self.program.read_bytes()).hexdigest()[:12]
        return f"{self.fault.id}/{self.program.name} sha256:{digest}"

    def _version(self) -> str:
        versions = self.server.versions
        if self.framework == "keras":
            return f"keras {versions['keras']}, tensorflow {versions['tensorflow']}"
        return versions["torch" if self.framework == "pytorch" else "tensorflow"]

    def _judge(self, faulty: dict, right: dict, source: str) -> dict:
        result = faulty["result"] or _crashed(faulty)
        value, wanted = result["value"], right["result"] or {}
        harm = judging.does_harm(value, wanted.get("value"), self.fault.measure)
        notice, stage, at = judging.notices(faulty["lines"], right["lines"], str(self.program), right["program"])
        noticed = judging.outcome(result["exception"], notice, harm)
        message = result["message"] if noticed == "noticed" else notice
        message = judging.normalise(message, str(self.program))
        row = {
            "noticed": noticed,
            "measure": self.fault.measure.what,
            "value_faulty": _number(value),
            "value_corrected": _number(wanted.get("value")),
            "stage": {"noticed": result["stage"], "warned": stage}.get(noticed, "never"),
            "exception": result["exception"],
            "harm": self._harm(value, wanted.get("value"), harm),
        }
        if noticed in ("noticed", "warned"):
            text = judging.normalise(result["traceback"], str(self.program)) if noticed == "noticed" else message
            row |= self._message(message, text, source)
            row["seconds"] = round((result["end"] if noticed == "noticed" else at) - result["start"], 3)
        return row

    def _message(self, message: str, text: str, source: str) -> dict:
        found = judging.places(text)
        lines, omission = faulty_lines(source)
        inside, below = judging.position(found, PROGRAM, lines)
        rule = self.fault.rule
        return {
            "line_in_traceback": None if omission else inside,
            "frames_below": below,
            "user_frames": judging.of_user(found, PROGRAM),
            "frames": len(found),
            "message_chars": len(message),
            "message_lines": len(message.splitlines()),
            "names_shape": judging.names_shapes(message, rule("shapes", self.framework)),
            "names_object": judging.names_any(message, rule("object", self.framework)),
            "names_remedy": judging.names_any(message, rule("remedy", self.framework)),
            "message": message,
            "places": judging.short(found),
        }

    def _harm(self, value: float | None, wanted: float | None, harm: bool | None) -> str:
        if value is None or wanted is None:
            return ""
        text = f"{self.fault.measure.what}: {_number(value)} instead of {_number(wanted)}"
        return text if harm else f"none ({text})"

    def _note(self, faulty: dict, right: dict) -> str:
        if faulty["result"] is None and faulty["timeout"]:
            return f"no end within {self.limits.timeout_s:g} s"
        if not _clean(right):
            result = right["result"] or _crashed(right)
            return f"the corrected twin fails: {result['exception']}: {judging.normalise(result['message'], '')[:300]}"
        return ""

    def _further_runs(self, other: Path, right: dict) -> dict:
        """Run both again with the tools on, until one notices: what they say of the faulty one alone is what counts.

        right  what the corrected twin did without tools: where the faulty program with tools on says no more than
               that, the tools have noticed nothing, and the twin need not run with them
        """
        tried, unusable = [], ""
        for switched_on in tools.for_runs(self.framework, self.mode, self.fault.kind):
            tried += switched_on
            outcome, message = self._with_tools(other, right, switched_on)
            message = judging.normalise(message, str(self.program))[:2000]
            if outcome == "unusable":
                unusable = unusable or message
            elif outcome != "silent":
                break
        if outcome == "silent" and unusable:
            outcome, message = "unusable", unusable
        return {"tools": "; ".join(tried), "noticed_by_tools": outcome, "tools_message": message}

    def _with_tools(self, other: Path, right: dict, switched_on: tuple[str, ...]) -> tuple[str, str]:
        """Return what the tools of one run notice, and their words."""
        faulty = self._play(self.program, switched_on)
        result = faulty["result"] or _crashed(faulty)
        notice, _, _ = judging.notices(faulty["lines"], right["lines"], str(self.program), right["program"])
        if not (result["exception"] or notice or result["shown"]):
            return "silent", ""
        right = self._play(other, switched_on)
        good = right["result"] or _crashed(right)
        notice, _, _ = judging.notices(faulty["lines"], right["lines"], str(self.program), right["program"])
        if good["exception"]:
            words = good["message"].replace(right["program"], PROGRAM)
            return "unusable", f"corrected twin: {good['exception']}: {words}"
        if result["exception"]:
            return "noticed", f"{result['exception']}: {result['message']}"
        if notice:
            return "warned", notice
        if result["shown"] != good["shown"]:
            return "shown", f"summary: {result['shown']} trainable values instead of {good['shown']}"
        return "silent", ""


def not_applicable(fault: Fault, cell: str) -> dict:
    """Return the row of a mode in which the fault makes no sense, with the reason."""
    return _blank(fault, cell) | {"status": "not_applicable", "note": fault.not_applicable[cell]}


def as_cell(value: object) -> object:
    """Return a value as the table has it: yes, no, or nothing."""
    return {True: "yes", False: "no", None: ""}.get(value, value) if value is None or isinstance(value, bool) else value


def _blank(fault: Fault, cell: str) -> dict:
    framework, _, mode = cell.partition("-")
    return dict.fromkeys(COLUMNS, "") | {
        "date": datetime.now(UTC).date().isoformat(),
        "fault": fault.id,
        "kind": fault.kind,
        "framework": framework,
        "mode": mode,
    }


def _clean(answer: dict) -> bool:
    return answer["result"] is not None and not answer["result"]["exception"]


def _crashed(answer: dict) -> dict:
    """Return the result of a program that took its process with it: that is noticed, if not kindly."""
    text = "\n".join(line for _, line in answer["lines"] if not line.startswith(judging.MARK))[-4000:]
    stages = [json.loads(line[1:]) for _, line in answer["lines"] if line.startswith(judging.MARK)]
    first = stages[0][1] if stages else 0.0
    last = answer["lines"][-1][0] if answer["lines"] else first
    code = answer["code"]
    return {
        "value": None,
        "exception": "timeout" if answer["timeout"] else f"signal {-code}" if code < 0 else f"exit code {code}",
        "message": text,
        "traceback": text,
        "stage": stages[-1][0] if stages else "definition",
        "start": first,
        "end": last,
        "shown": [],
    }


def _number(value: float | None) -> object:
    if value is None:
        return ""
    return float(f"{value:.4g}") if math.isfinite(value) else str(value)
