"""How the end of a child process is told: memory that ran out is never called a failure of the framework."""

import os
import sys

import pytest

from reproductions.errors import WorkerFailed
from reproductions.process import Child, status

DYING_WORDS = [
    "OpenBLAS error: Memory allocation still failed after 10 retries, giving up.",
    "cannot allocate memory for thread-local data: ABORT",
    "terminate called after throwing an instance of 'std::bad_alloc'",
]


def _end(tmp_path, words, code=1):
    program = f"import sys; sys.stdin.readline(); print({words!r}, file=sys.stderr); sys.exit({code})"
    child = Child(
        [sys.executable, "-c", program], environment=os.environ, folder=tmp_path, log=tmp_path / "log", timeout_s=30
    )
    with child, pytest.raises(WorkerFailed) as caught:
        child.ask("start")
    return caught.value


@pytest.mark.parametrize("words", DYING_WORDS)
def test_a_process_that_dies_for_memory_is_out_of_memory(tmp_path, words):
    assert _end(tmp_path, words).status == "oom"


def test_a_process_is_not_judged_by_what_another_wrote_into_its_log(tmp_path):
    assert _end(tmp_path, DYING_WORDS[0]).status == "oom"
    later = _end(tmp_path, "no such operation", code=3)
    assert (later.status, later.message) == (
        "failed",
        "the process ended with exit code 3 during 'start'; see log",
    )


def test_an_error_that_memory_led_to_is_out_of_memory():
    def raised(error, cause):
        try:
            try:
                raise cause
            except type(cause):
                raise error  # noqa: B904 - its context is the point
        except Exception as caught:
            return caught

    assert status(raised(ImportError("numpy._core"), MemoryError())) == "oom"
    assert status(ImportError("x.so: failed to map segment from shared object")) == "oom"
    assert status(raised(ValueError("shapes"), KeyError("x"))) == "failed"
    assert status(SystemError("error return without exception set")) == "failed"  # no limit is set in this process
    assert status(NotImplementedError("no such mode")) == "unsupported"
