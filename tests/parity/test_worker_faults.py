"""What goes wrong in a worker becomes a row with its status; the other cells go on."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from reproductions import harness, machine
from reproductions.client import Runtime, Worker
from reproductions.errors import WorkerFailed
from reproductions.spec import Cell

pytestmark = pytest.mark.frameworks
ONE_MODE = (
    "workload.yaml",
    "sizes: {conv1: 32",
    "modes: {pytorch: [eager], tensorflow: [function]}\nsizes: {conv1: 32",
)
LIMIT = ("workload.yaml", "timeout_s: 120", "timeout_s: 60")
FAULTS = {
    "crash": ("os._exit(7)", "failed", "exit code 7 during"),
    "hang": ("time.sleep(3600)", "timeout", "no answer to 'first' within 3 s; stopped"),
    "memory": ("hog.append(bytearray(2 ** 40))", "oom", "MemoryError"),
    "killed": ("os.kill(os.getpid(), 9)", "oom", "killed by the system"),
    "error": ("raise ValueError('no such layer')", "failed", "ValueError: no such layer"),
    "unsupported": ("raise NotImplementedError('not here')", "unsupported", "not here"),
}


def hurry(monkeypatch):
    """Wait for three seconds once PyTorch has started: the workload's limit, waited for in full, must allow a start."""
    ready = Worker.ready

    def ready_then_hurry(worker):
        answer = ready(worker)
        assert worker.timeout_s == 60, "the workload's own limit"
        if worker.cell.framework == "pytorch":
            worker.timeout_s = 3
        return answer

    monkeypatch.setattr(Worker, "ready", ready_then_hurry)


@pytest.mark.parametrize("fault", FAULTS)
def test_faulty_side_becomes_a_row_and_the_other_is_measured(variant, digits, tmp_path, monkeypatch, request, fault):
    if fault == "hang":
        hurry(monkeypatch)
    # How a process ends is tried with ordinary starts; what one says may be said by a fork.
    python = request.getfixturevalue("interpreters") if fault in ("memory", "error", "unsupported") else {}
    code, status, words = FAULTS[fault]
    workload = variant(
        "cnn_mnist",
        "faulty",
        ONE_MODE,
        LIMIT,
        (
            "pytorch.py",
            "    def forward(self, images):\n",
            f"    def forward(self, images):\n        import os, time\n        hog = []\n        {code}\n",
        ),
    )
    rows = harness.measure(
        workload,
        workload.preset("smoke"),
        harness.Options(Runtime(digits, python=python), folder=tmp_path / "u"),
        checked=None,
        out=tmp_path / "m.csv",
    )
    failures = [row for row in rows if row["status"] != "ok"]
    assert [row["status"] for row in failures] == [status] and words in failures[0]["note"], failures
    assert failures[0]["framework"] == "pytorch"
    assert {row["framework"] for row in rows if row["kind"] == "block"} == {"tensorflow"}
    with (tmp_path / "m.csv").open() as handle:
        assert len(list(csv.DictReader(handle))) == len(rows)
    assert not list((tmp_path / "u").glob("*.jsonl")), "a finished journal is removed"


@pytest.fixture
def open_worker(workloads, tmp_path):
    """Return a function that starts a worker of the small convolutional classifier."""
    workload = workloads["cnn_mnist"]

    def start(cell, runtime):
        return Worker(
            workload,
            workload.preset("smoke"),
            cell,
            runtime=runtime,
            environment="tuned",
            scratch=tmp_path,
            log=tmp_path / "log",
        )

    return start


def test_memory_limit_stops_a_worker_as_out_of_memory(open_worker, digits):
    runtime = Runtime(digits, device="cpu", memory_limit_mib=256)
    with pytest.raises(WorkerFailed) as caught, open_worker(Cell("tensorflow", "eager"), runtime) as worker:
        worker.ready()
        worker.ask("first", phase="train", seed=1, batch_size=256, batches=1)
    assert caught.value.status == "oom", caught.value.message


@pytest.mark.parametrize("framework", ["pytorch", "tensorflow"])
def test_gpu_that_is_not_there_is_said(open_worker, digits, framework):
    if machine.describe()["gpus"]:
        pytest.skip("this machine has a GPU")
    with (
        pytest.raises(WorkerFailed, match="sees no GPU; set device: auto or cpu") as caught,
        open_worker(Cell(framework, "eager"), Runtime(digits, device="gpu")) as worker,
    ):
        worker.ready()
    assert caught.value.status == "unsupported"


def test_interpreter_that_is_not_there_is_said(open_worker, digits):
    with pytest.raises(WorkerFailed, match=r"cannot be started .*correct config key python\.pytorch"):
        open_worker(Cell("pytorch", "eager"), Runtime(digits, python={"pytorch": "/nowhere/python"}))


def test_worker_ends_with_its_parent(digits, tmp_path):
    code = f"""
import time
from pathlib import Path
from reproductions import registry
from reproductions.client import Runtime, Worker
from reproductions.spec import Cell
w = registry.find("cnn_mnist")
here = Path({str(tmp_path)!r})
worker = Worker(w, w.preset("smoke"), Cell("pytorch", "eager"), runtime=Runtime(Path({str(digits)!r})),
                environment="tuned", scratch=here, log=here / "log")
worker.ready()
print(worker._process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        worker = int(parent.stdout.readline())
        parent.send_signal(signal.SIGKILL)
    for _ in range(50):
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")


def test_interrupted_measurement_resumes_without_repeating_a_block(variant, digits, tmp_path, monkeypatch):
    workload = variant("cnn_mnist", "short", ONE_MODE)
    options = harness.Options(Runtime(digits), folder=tmp_path / "u")
    add, seen = harness.Journal.add, []

    def add_then_stop(journal, row):
        add(journal, row)
        seen.append(row)
        if sum(r["kind"] == "block" for r in seen) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(harness.Journal, "add", add_then_stop)
    with pytest.raises(KeyboardInterrupt):
        harness.measure(workload, workload.preset("smoke"), options, checked=None, out=tmp_path / "m.csv")
    monkeypatch.setattr(harness.Journal, "add", add)
    finished = [json.loads(line) for path in (tmp_path / "u").glob("*.jsonl") for line in path.read_text().splitlines()]
    rows = harness.measure(workload, workload.preset("smoke"), options, checked=None, out=tmp_path / "m.csv")
    assert rows[: len(finished)] == finished, "what was finished stands as it was"
    blocks = [row for row in rows if row["kind"] == "block"]
    identities = [tuple(row[name] for name in harness.Block.__dataclass_fields__) for row in blocks]
    assert len(identities) == len(set(identities)) == len(harness.plan(workload, workload.preset("smoke"), options))
    assert len({row["session"] for row in blocks}) == 2
