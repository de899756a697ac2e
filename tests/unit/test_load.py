"""The generator of load against a server whose service time is known: nothing it reports can be hidden by waiting."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys

import numpy as np
import pytest

from reproductions.deployment import load
from reproductions.process import Child

pytest.importorskip("aiohttp", reason="the generator of load sends with aiohttp (extra deploy)")
BODY = json.dumps({"inputs": [[0.0, 1.0]]}).encode()


@contextlib.contextmanager
def steady(root, **settings):
    """Run the server in a process of its own; yield the address of its route."""
    command = [sys.executable, "-m", "tests.loopback.steady", json.dumps({"service_ms": 20, **settings})]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline())}/predict"
        finally:
            process.kill()


def drive(url, due, window_s, **options):
    target = load.Target(url, [BODY])
    return asyncio.run(load.drive(target, np.asarray(due), window_s, **options))


def test_arrivals_are_drawn_before_anything_is_sent():
    drawn = load.arrivals(50, 20, np.random.default_rng(1))
    assert (np.diff(drawn) >= 0).all()
    assert drawn[0] >= 0
    assert drawn[-1] < 20
    assert 850 < len(drawn) < 1150  # 1000 in the mean, 32 their deviation
    gaps = np.diff(drawn)
    assert 0.8 < gaps.std() / gaps.mean() < 1.2  # exponential
    assert (load.arrivals(50, 20, np.random.default_rng(1)) == drawn).all()


def test_even_arrivals_are_evenly_spaced():
    assert load.arrivals(4, 1, np.random.default_rng(1), "even").tolist() == [0, 0.25, 0.5, 0.75]


def test_a_rate_without_arrivals_is_refused():
    with pytest.raises(ValueError, match="no arrivals"):
        load.arrivals(0, 1, np.random.default_rng(1))


def test_below_saturation_a_request_takes_the_service_time(root):
    with steady(root, service_ms=20) as url:
        found = load.summarise(drive(url, load.arrivals(10, 2, np.random.default_rng(0), "even"), 2))
    assert (found["sent"], found["answered"], found["errors"], found["rejected"]) == (20, 20, 0, 0)
    assert found["latency_p50_ms"] >= 20
    assert found["latency_p50_ms"] < 60
    assert found["saturated"] is False
    assert found["reasons"] == {}


def test_above_saturation_waiting_grows_and_is_counted(root):
    # One lane of 20 ms answers at most 50 a second; 100 arrive in one.
    with steady(root, service_ms=20) as url:
        found = load.summarise(drive(url, load.arrivals(100, 1, np.random.default_rng(0), "even"), 1))
    assert found["answered"] == 100
    assert found["saturated"] is True
    assert 0 < found["achieved_per_s"] <= 51
    assert found["latency_p99_ms"] >= 900  # the last waited for a second's backlog


def test_a_stall_shows_in_every_request_that_was_due_meanwhile(root):
    # 100 arrive in a second and nothing is worked on for its first 0.6 s. A closed loop would see one slow request.
    with steady(root, service_ms=1, lanes=100, stall_s=[0, 0.6]) as url:
        outcome = drive(url, load.arrivals(100, 1, np.random.default_rng(0), "even"), 1)
    waited = outcome.done - outcome.due
    assert (waited > 0.05).sum() >= 45
    # Who was due later waited less: the end of the stall minus the time at which it was due.
    early, late = waited[5], waited[40]
    assert early - late == pytest.approx(0.35, abs=0.1)


def test_requests_leave_when_they_are_due(root):
    with steady(root, service_ms=1, lanes=10) as url:
        outcome = drive(url, load.arrivals(50, 1, np.random.default_rng(0)), 1)
    lag = outcome.sent - outcome.due
    assert (lag >= 0).all()
    assert np.median(lag) < 0.02


def test_failures_are_counted_by_kind_and_never_answer(root):
    with steady(root, service_ms=1, lanes=50, every={"503": 4, "500": 5, "0": 7}) as url:
        outcome = drive(url, load.arrivals(60, 1, np.random.default_rng(0), "even"), 1)
    found = load.summarise(outcome)
    # Of 1 to 60: 15 are divisible by 4; 12 by 5, of which 3 by 4; 8 by 7, of which 2 by 4 and 1 by 5.
    assert found["rejected"] == 15
    assert found["errors"] == 9 + 5
    assert found["reasons"] == {"connection broken": 5, "status 500": 9}
    assert found["sent"] == found["answered"] + found["rejected"] + found["errors"] == 60
    assert found["latency_p50_ms"] is not None
    assert found["latency_p95_ms"] is None, "a percentile among the failed has no value"


def test_an_answer_that_does_not_come_is_an_error(root):
    with steady(root, service_ms=1, lanes=50, every={"1": 2}) as url:
        found = load.summarise(drive(url, np.linspace(0, 0.1, 10), 0.2, limit_s=0.5))
    assert found["reasons"] == {"unanswered within the limit": 5}
    assert found["answered"] == 5


def test_no_more_requests_are_open_than_allowed(root):
    with steady(root, service_ms=300, lanes=1) as url:
        found = load.summarise(drive(url, np.linspace(0, 0.05, 10), 0.1, in_flight=3))
    assert found["answered"] == 3
    assert found["reasons"] == {"too many in flight": 7}


def test_nobody_listening_is_an_error_each():
    found = load.summarise(drive("http://127.0.0.1:1/predict", [0.0, 0.01], 0.1))
    assert (found["answered"], found["errors"]) == (0, 2)
    assert found["latency_p50_ms"] is None
    assert found["saturated"] is True


@pytest.mark.parametrize(("percent", "wanted"), [(50, 2.0), (75, 3.0), (76, 4.0), (100, 4.0)])
def test_a_percentile_is_one_of_the_values(percent, wanted):
    assert load.percentile(np.array([4.0, 1.0, 3.0, 2.0]), percent) == wanted


def test_a_percentile_of_nothing_or_of_failures_is_none():
    assert load.percentile(np.array([]), 50) is None
    assert load.percentile(np.array([1.0, np.inf]), 50) == 1
    assert load.percentile(np.array([1.0, np.inf]), 51) is None


def test_the_generator_is_a_process_that_is_asked(root, tmp_path):
    from reproductions.environments import worker_environment

    bodies = tmp_path / "bodies.jsonl"
    bodies.write_bytes(BODY + b"\n" + BODY + b"\n")
    with (
        steady(root, service_ms=1, lanes=10) as url,
        Child(
            [sys.executable, "-m", "reproductions.deployment.load"],
            environment=worker_environment("as_shipped", 1, tmp_path),
            folder=tmp_path,
            log=tmp_path / "load.log",
            timeout_s=60,
        ) as child,
    ):
        assert child.ask("start", url=url, bodies=str(bodies))["bodies"] == 2
        answer = child.ask("block", rate_per_s=50, window_s=0.5, seed=1)
    assert answer["summary"]["answered"] == answer["summary"]["sent"] > 5
    assert {row for row, _ in answer["answers"]} == {0, 1}
    assert all(json.loads(text) == {"logits": [[1.0, 0.0]]} for _, text in answer["answers"])
