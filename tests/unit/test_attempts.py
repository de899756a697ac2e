"""The journal of attempts: what the workflow started, and which of it was lost."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import pytest

from reproductions import attempts, exclusive

SCRIPT = """
import os, sys
from pathlib import Path
from reproductions.attempts import recorded
with recorded(["measure", "cnn_mnist"], Path("results")):
    if sys.argv[1] == "lost":
        os._exit(9)
    if sys.argv[1] == "stopped":
        raise SystemExit(3)
"""


@pytest.fixture
def run(tmp_path, root):
    def start(how, **variables):
        environment = {**os.environ, "PYTHONPATH": str(root), "SURVEY_RUN": "1@elsewhere", **variables}
        subprocess.run([sys.executable, "-c", SCRIPT, how], cwd=tmp_path, env=environment, check=False)
        return attempts.read(tmp_path / attempts.JOURNAL)

    return start


def test_a_lost_attempt_has_a_start_and_no_end(run):
    run("lost", SLURM_JOB_ID="17")
    lost, again = run("ended")
    assert {"started", "node", "slurm_job"} <= set(lost) and not {"ended", "stopped"} & set(lost)
    assert again["command"] == "measure cnn_mnist" and "ended" in again and "slurm_job" not in again


def test_an_error_is_told_from_an_end(run):
    (row,) = run("stopped")
    assert "stopped" in row and "ended" not in row


def test_a_command_by_hand_leaves_no_journal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SURVEY_RUN", raising=False)
    with attempts.recorded(["measure"], tmp_path):
        pass
    assert attempts.read() == []


def test_a_half_written_line_is_passed_over(tmp_path):
    path = tmp_path / "attempts.jsonl"
    path.write_text('{"attempt": "a", "started": "x"}\n{"attempt": "b", "sta')
    assert [row["attempt"] for row in attempts.read(path)] == ["a"]


@pytest.mark.parametrize(
    ("variable", "pid"),
    [(f"12@{platform.node()}", 12), ("12@another-node", None), ("12", 12), ("", None), ("x", None)],
)
def test_the_workflow_is_watched_on_its_own_machine_alone(monkeypatch, variable, pid):
    monkeypatch.setenv("SURVEY_RUN", variable)
    assert exclusive.workflow_pid() == pid
    assert exclusive.this_run() == f"{os.getpid()}@{platform.node()}"
