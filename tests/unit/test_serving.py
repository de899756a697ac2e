"""A server's turn: started, checked, loaded, stopped; whatever goes wrong is a row with the reason."""

from __future__ import annotations

import csv
import json
import math
import sys
import types

import numpy as np
import psutil
import pytest

from reproductions.deployment import running, servers, serving
from reproductions.deployment.servers import Job, Server

pytest.importorskip("aiohttp", reason="the generator of load sends with aiohttp (extra deploy)")
ROWS = np.array([[0.25, 0.5], [0.1, 1.0]], np.float32)
EXPECTED = running.Expected(ROWS, np.array([[1.0, 0.0], [1.0, 0.0]], np.float32), 1e-5)
LOAD = running.Load(seconds=0.3, rates=(20, 40), limit_s=3, warm_s=0.1, arrivals=6)


def module(root, **settings):
    """Return a server module that runs the loopback server with the settings."""
    found = types.SimpleNamespace()
    found.SERVER = Server("steady", "steady", "pytorch", "torch", "torch_eager", start_s=settings.pop("start_s", 20))
    program = settings.pop("program", ["-m", "tests.loopback.steady"])
    found.command = lambda job: [
        sys.executable,
        *program,
        json.dumps({"service_ms": 2, "lanes": 4, **settings, "port": job.port}),
    ]
    found.environment = lambda job: {"PYTHONPATH": str(root)}
    return found


@pytest.fixture
def job(tmp_path):
    return Job(
        server="steady",
        path="torch_eager",
        model="cnn_mnist",
        artefact=str(tmp_path / "artefact"),
        scratch=str(tmp_path / "scratch"),
        ports=running.free_ports(),
        threads=1,
        shape=(2,),
        dtype="float32",
    )


def test_a_server_is_started_checked_loaded_and_stopped(root, job):
    found = running.observe(module(root), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"], found["note"]) == ("ok", "load", "")
    assert 0 < found["start_s"] < 20
    assert [block["rate_per_s"] for block in found["blocks"]] == [20, 40]
    assert all(block["answered"] == block["sent"] for block in found["blocks"])
    ours = [p for p in psutil.process_iter(["cmdline"]) if str(job.port) in " ".join(p.info["cmdline"] or [])]
    assert ours == []


def test_the_first_rate_at_which_it_does_not_keep_up_is_the_last(root, job):
    found = running.observe(module(root, service_ms=100, lanes=1), job, EXPECTED, LOAD, seed=1)
    assert found["status"] == "ok"
    assert [block["saturated"] for block in found["blocks"]] == [True]


def test_wrong_answers_are_not_measured(root, job):
    found = running.observe(module(root, value={"logits": [[1.0, 0.1]]}), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("wrong", "check")
    assert "0.1 off" in found["note"]
    assert found["blocks"] == []


def test_answers_of_another_shape_are_wrong(root, job):
    found = running.observe(module(root, value={"logits": [[1.0, 0.0, 0.0]]}), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("wrong", "check")
    assert "shape" in found["note"]


def test_an_answer_without_logits_fails(root, job):
    found = running.observe(module(root, value={"result": 1}), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("failed", "check")
    assert "logits" in found["note"]


def test_a_server_that_ends_at_once_is_said_to(root, job):
    found = running.observe(module(root, program=["-c", "raise SystemExit(3)"]), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("failed", "start")
    assert "exit code 3" in found["note"]


def test_a_server_that_never_answers_is_stopped(root, job):
    silent = module(root, program=["-c", "import time; time.sleep(600)"], start_s=1)
    found = running.observe(silent, job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("timeout", "start")
    assert "within 1 s" in found["note"]


def test_a_server_that_refuses_is_quoted(root, job):
    found = running.observe(module(root, every={"503": 1}, start_s=1), job, EXPECTED, LOAD, seed=1)
    assert (found["status"], found["stage"]) == ("timeout", "start")
    assert "503: refused" in found["note"]


def test_children_of_a_server_end_with_it(root, job, tmp_path):
    program = (
        "import subprocess, sys, time; from pathlib import Path; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True); "
        f"Path({str(tmp_path / 'child')!r}).write_text(str(child.pid)); time.sleep(600)"
    )
    running.observe(module(root, program=["-c", program], start_s=3), job, EXPECTED, LOAD, seed=1)
    child = int((tmp_path / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.49019608, 1e-7, 255 / 256])
def test_a_row_reads_back_to_the_same_floats(value):
    row = np.full((2, 3, 1), value, np.float32)
    body = servers.request(None, row)[1]
    assert (np.asarray(json.loads(json.dumps(body))["inputs"], np.float32)[0] == row).all()


def test_tokens_stay_whole_numbers():
    assert servers.plain(np.array([3, 0], np.int32)) == [3, 0]


def test_a_job_reads_back(job):
    assert Job.read(str(job.save())) == job


def test_starts_are_turned_round_from_restart_to_restart():
    options = serving.Options(models=["a", "b"], restarts=2)
    turns = serving.plan(["x", "y"], options)
    assert [(turn.server, turn.model) for turn in turns[4:]] == [(turn.server, turn.model) for turn in turns[:4][::-1]]
    assert {turn.seed for turn in turns if turn.restart == 0} == {1000}


def block(rate, p50, **changes):
    common = {"rate_per_s": rate, "sent": 10, "answered": 10, "errors": 0, "rejected": 0, "duration_s": 1.0}
    latencies = {"latency_p50_ms": p50, "latency_p95_ms": 2 * p50, "latency_p99_ms": 3 * p50, "send_lag_p99_ms": 0.1}
    return common | latencies | {"achieved_per_s": float(rate), "saturated": False, "reasons": {}} | changes


def observation(*blocks, **changes):
    common = {"status": "ok", "stage": "load", "note": "", "start_s": 2.0, "date": "2026-11-26"}
    return common | {"versions": {"litserve": "1", "torch": None}, "blocks": list(blocks)} | changes


def test_a_row_holds_the_median_and_the_ends_of_the_restarts(root):
    rows = serving.rows_of(module(root), "m", [observation(block(20, 1.0)), observation(block(20, 3.0))], 1)
    assert len(rows) == 1
    [row] = rows
    assert (row["latency_p50_ms"], row["latency_p50_low_ms"], row["latency_p50_high_ms"]) == (2.0, 1.0, 3.0)
    assert (row["sent"], row["restarts"], row["saturated"], row["versions"]) == (20, 2, "false", "litserve 1")
    assert set(row) <= set(serving.COLUMNS)


def test_a_percentile_that_failed_in_one_restart_has_no_value(root):
    failing = block(20, 1.0, latency_p99_ms=None, errors=1, answered=9, reasons={"status 500": 1}, saturated=True)
    [row] = serving.rows_of(module(root), "m", [observation(block(20, 1.0)), observation(failing)], 1)
    assert row["latency_p99_ms"] is None
    assert row["latency_p99_low_ms"] == 3
    assert row["saturated"] == "true"
    assert row["note"] == "1 status 500"
    assert not any(isinstance(value, float) and math.isinf(value) for value in row.values())


def test_a_late_generator_is_noted(root):
    [row] = serving.rows_of(module(root), "m", [observation(block(20, 1.0, send_lag_p99_ms=12.0))], 1)
    assert row["note"] == "the generator itself was 12 ms late"


def test_a_server_that_was_not_started_is_one_row_with_the_reason(root):
    [row] = serving.rows_of(module(root), "m", [], 1, "no docker; get it from Debian")
    assert (row["status"], row["stage"], row["note"]) == ("skipped", "install", "no docker; get it from Debian")
    assert row.get("rate_per_s") is None


def test_a_server_that_failed_is_one_row_with_the_reason(root):
    failed = observation(status="failed", stage="start", note="the server ended with exit code 1; see its log")
    [row] = serving.rows_of(module(root), "m", [failed], 1)
    assert (row["status"], row["stage"]) == ("failed", "start")


def test_rows_of_other_servers_stay(root, tmp_path):
    for name in ("a", "b"):
        rows = serving.rows_of(module(root), "m", [observation(block(20, 1.0))], 1)
        serving._write(tmp_path, [{**row, "server": name} for row in rows])
    with (tmp_path / serving.TABLE).open(newline="") as handle:
        found = list(csv.DictReader(handle))
    assert [row["server"] for row in found] == ["a", "b"]
    assert list(found[0]) == list(serving.COLUMNS)


def test_every_server_is_described():
    found = servers.discover()
    assert {"litserve_pytorch", "litserve_tensorflow", "bentoml_onnx", "ray_serve_onnx"} <= set(found)
    assert {"pytriton_onnx", "torchserve", "tensorflow_serving", "triton_onnx"} <= set(found)
    for name, one in found.items():
        assert one.SERVER.framework in ("pytorch", "tensorflow")
        assert one.SERVER.get, f"{name} does not say how to get it"


def test_the_fair_pair_differs_in_the_framework_alone():
    found = servers.discover()
    torch, tensorflow = found["litserve_pytorch"].SERVER, found["litserve_tensorflow"].SERVER
    assert torch.distributions == tensorflow.distributions == ("litserve",)
    assert (torch.framework, tensorflow.framework) == ("pytorch", "tensorflow")
