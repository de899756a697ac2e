"""A start from a warm interpreter is an ordinary start, but for the import."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import warm

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux hands a process over like this")
#: A module that nothing imports by itself: it is there in a fork and not there otherwise.
MARK = "colorsys"
PROGRAM = f"""
import os, sys, time
print(sys.argv[1:], os.getcwd(), os.environ["SAID"], sys.stdin.read(), {MARK!r} in sys.modules, flush=True)
if "sleep" in sys.argv:
    print(os.getpid(), flush=True)
    time.sleep(60)
if "kill" in sys.argv:
    os.kill(os.getpid(), 9)
print("to stderr", file=sys.stderr)
sys.exit(3)
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    with warm.interpreters(tmp_path_factory.mktemp("warm"), {"python": (MARK,)}, dict(os.environ)) as found:
        yield found["python"]


@pytest.fixture
def start(python, tmp_path):
    (tmp_path / "asked.py").write_text(PROGRAM)

    def run(*arguments, **variables):
        return subprocess.Popen(
            [python, "-m", "asked", *arguments],
            cwd=tmp_path,
            env=os.environ | {"SAID": "yes"} | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return run


def test_it_has_the_askers_arguments_folder_variables_and_streams_and_ends_as_the_program_ends(start, tmp_path):
    process = start("one", "two words")
    said, complained = process.communicate("heard", timeout=30)
    assert said == f"['one', 'two words'] {tmp_path} yes heard True\n"
    assert complained == "to stderr\n" and process.returncode == 3


def test_a_variable_that_decides_at_import_gets_an_ordinary_start(start):
    said, _ = (process := start(OMP_NUM_THREADS="7")).communicate("", timeout=30)
    assert said.endswith(" False\n") and process.returncode == 3


def test_a_program_that_is_killed_says_so(start):
    (process := start("kill")).communicate("", timeout=30)
    assert process.returncode == -signal.SIGKILL


def test_the_program_ends_with_who_asked_for_it(start):
    process = start("sleep")
    process.stdin.close()
    process.stdout.readline()
    program = int(process.stdout.readline())
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{program}").exists():
        assert time.monotonic() < deadline, "the program outlived who asked for it"
        time.sleep(0.02)
    for stream in (process.stdout, process.stderr):
        stream.close()


def test_where_nothing_could_be_imported_every_start_is_an_ordinary_one(tmp_path):
    with warm.interpreters(tmp_path, {"python": ("no_such_module",)}, dict(os.environ)) as found:
        done = subprocess.run([found["python"], "-m", "this"], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0 and "Beautiful is better" in done.stdout
