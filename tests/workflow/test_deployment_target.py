"""The target deploy: said first, killed, taken up again, landed, tabulated."""

import csv
import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from analysis import deployment
from tests.conftest import environment
from tests.workflow.test_workflow import wait_for

pytestmark = pytest.mark.workflow
PATH = "torch_eager"


def configured(folder, cache):
    settings = f"deploy={{size: smoke, only: [{PATH}]}}"
    return ["--cores", "2", "deploy", "--config", settings, f"measurements={folder}", f"cache={cache}"]


def test_the_target_plans_two_measurements_one_at_a_time_and_says_what_extras_take(project, snakemake):
    done = snakemake(project, "-np", "deploy", "--config", "deploy={extra: [tfjs]}")
    for rule in ("try_deployment_paths", "load_servers"):
        assert re.search(rf"^{rule} +1$", done.stdout, re.M)
    assert done.stdout.count("nothing else runs meanwhile") == 2 and "tabulate_deployment" not in done.stdout
    assert "--extra tfjs" in done.stdout


def test_the_default_run_only_tabulates(project, snakemake):
    done = snakemake(project, "-n")
    assert "tabulate_deployment" in done.stdout and "try_deployment_paths" not in done.stdout


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("deploy={extra: [tfj]}", "deploy.extra: 'tfj' is not known; did you mean 'tfjs'?"),
        ("deploy={only: [torch_eagre]}", "deploy.only: 'torch_eagre' is not known; did you mean 'torch_eager'?"),
    ],
)
def test_what_does_not_exist_stops_the_run_with_a_suggestion(project, snakemake, setting, expected):
    done = snakemake(project, "-n", "deploy", "--config", setting, check=False)
    assert done.returncode != 0 and expected in done.stdout and "Traceback" not in done.stdout


@pytest.mark.frameworks
def test_killed_target_goes_on_lands_and_then_has_nothing_to_do(project, snakemake, cache, tmp_path):
    folder = tmp_path / "measurements"
    running = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *configured(folder, cache)],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(project),
        start_new_session=True,
    )
    wait_for(lambda: finished(project), every_s=0.05)
    mine = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    psutil.wait_procs(mine, timeout=30)
    kept = finished(project)
    done = snakemake(project, *configured(folder, cache))
    assert f"resuming: {len(kept)} finished pieces are kept" in done.stdout
    assert "try 1 deployment paths with each model (smoke size)" in done.stdout
    assert "draws the page from it" in done.stdout
    (measured,) = deployment.read(folder)
    assert set(measured.matrix["path"]) == {PATH} and set(measured.matrix["status"]) == {"ok"}
    assert measured.size == "smoke" and len(measured.rounds)
    assert "Nothing to be done" in snakemake(project, *configured(folder, cache)).stdout
    command = [sys.executable, "-m", "analysis", "deployment", "--measurements", folder, "--out", tmp_path / "results"]
    subprocess.run(command, cwd=project, check=True, env=environment(project))
    made = {path.stem for path in (tmp_path / "results" / "tables").iterdir()}
    assert made == set(deployment.COLUMNS)
    with (tmp_path / "results" / "tables" / "deployment_paths.csv").open(newline="") as handle:
        ends = {row["path"]: row["outcome"] for row in csv.DictReader(handle)}
    assert ends[PATH] == "measured" and ends["keras_eager"] == "not tried"


def finished(project):
    """The exports that are in the journal."""
    paths = project.glob("results/deployment/smoke/unfinished/deploy.jsonl")
    lines = [line for path in paths for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [row for row in map(json.loads, lines) if "kind" in row]
