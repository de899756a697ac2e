"""How the end of a child process is told: memory that ran out is never called a failure of the framework."""

import os
import subprocess
import sys

import pytest

from reproductions import process
from reproductions.errors import WorkerFailed
from reproductions.process import Child
from tests.conftest import ROOT

DYING_WORDS = [
    "OpenBLAS error: Memory allocation still failed after 10 retries, giving up.",
    "cannot allocate memory for thread-local data: ABORT",
    "terminate called after throwing an instance of 'std::bad_alloc'",
    "MemoryError: \nMemoryError: ",
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


def status(error, unsupported=(NotImplementedError,)):
    return process.status(error, unsupported)


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


def test_what_cannot_be_imported_is_a_failure_unless_that_was_the_question():
    error = ModuleNotFoundError("No module named 'torch'")
    assert status(error) == "failed"
    assert status(error, (ImportError,)) == "unsupported"


AT_THE_LIMIT = """
import resource
from reproductions.process import status
resource.setrlimit(resource.RLIMIT_DATA, (300 << 20, 300 << 20))
print(status(KeyError("half imported"), ()))
held = []
try:
    while True:
        held.append(bytearray(1 << 20))
except MemoryError:
    held.pop()
print(status(KeyError("half imported"), ()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_an_error_at_the_limit_is_out_of_memory():
    done = subprocess.run([sys.executable, "-c", AT_THE_LIMIT], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["failed", "oom"]
