"""The target usability: said first, killed, taken up again, landed, tabulated."""

import json
import os
import re
import signal
import subprocess
import sys

import psutil
import pytest

from analysis import usability
from tests.conftest import environment
from tests.workflow.test_workflow import wait_for

pytestmark = [pytest.mark.workflow, pytest.mark.frameworks]


def configured(folder):
    return ["--cores", "2", "usability", "--config", "usability=smoke", f"measurements={folder}"]


def test_the_target_plans_three_measurements_one_at_a_time(project, snakemake):
    done = snakemake(project, "-n", "usability")
    for rule in ("run_paired_programs", "plant_faults", "measure_first_contact"):
        assert re.search(rf"^{rule} +1$", done.stdout, re.M)
    assert done.stdout.count("nothing else runs meanwhile") == 3 and "tabulate_usability" not in done.stdout


def test_killed_target_goes_on_lands_and_then_has_nothing_to_do(project, snakemake, root, tmp_path):
    folder = tmp_path / "measurements"
    running = subprocess.Popen(
        [sys.executable, "-m", "snakemake", *configured(folder)],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(project),
        start_new_session=True,
    )
    wait_for(lambda: len(finished(folder)) >= 1, every_s=0.05)
    mine = [psutil.Process(running.pid), *psutil.Process(running.pid).children(recursive=True)]
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    psutil.wait_procs(mine, timeout=30)
    kept = finished(folder)
    done = snakemake(project, *configured(folder))
    assert f"{len(kept) + 1} of 3: " in done.stdout and f" {len(kept)} of 3: " not in done.stdout
    assert "plant the faults in each mode (smoke size)" in done.stdout and "draws the page from it" in done.stdout
    (measured,) = usability.read(folder, root / "workflow" / "schemas")
    assert {row["size"] for row in measured.programs} == {"smoke"}
    assert {row["status"] for row in measured.programs} == {"ok"}
    assert {row["status"] for row in measured.faults} <= {"ran", "not_applicable"}
    assert measured.contact and set(measured.listings) == {"train_classifier"}
    card = json.loads((folder / measured.machine / "machine.json").read_text())
    assert card["machine"] == measured.machine
    assert not list(folder.glob("*/unfinished/*"))
    assert "Nothing to be done" in snakemake(project, *configured(folder)).stdout
    command = [sys.executable, "-m", "analysis", "usability", "--measurements", folder, "--out", tmp_path / "results"]
    subprocess.run(command, cwd=project, check=True, env=environment(project))
    made = {path.stem for path in (tmp_path / "results" / "tables").iterdir()}
    assert made == set(usability.COLUMNS)


def finished(folder):
    """The runs of paired programs that are in the journal."""
    paths = folder.glob("*/unfinished/usability_programs.jsonl")
    lines = [line for path in paths for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
    return [row for row in map(json.loads, lines) if "task" in row]
