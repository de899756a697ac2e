"""The profile for Slurm against a real cluster of two nodes on this machine, one of which dies in the middle.

It needs Debian's slurm-wlm and munge, the extra `slurm` of this project, root, and no Slurm of the machine's own: jobs
find their cluster at /etc/slurm/slurm.conf alone, which is written for the test and taken away after it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from reproductions import attempts
from tests.conftest import environment

CONF = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("slurmctld", "slurmd", "munged", "squeue", "sinfo", "sbatch")
NODES = ("node1", "node2")


def missing() -> str:
    """Return why no cluster can be made here, or nothing."""
    if absent := [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")]:
        return f"no {', '.join(absent)}: install slurm-wlm and munge"
    if os.geteuid() != 0:
        return "only root may start the daemons"
    return f"{CONF} is there: this machine has a Slurm of its own" if CONF.exists() else ""


pytestmark = [pytest.mark.workflow, pytest.mark.slurm, pytest.mark.skipif(bool(missing()), reason=missing() or "none")]


def free_ports(count):
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports


def configuration(folder, host, ports):
    control, *nodes = ports
    lines = [
        *("ClusterName=test", f"SlurmctldHost={host}(127.0.0.1)", "SlurmUser=root", "SlurmdUser=root"),
        *("AuthType=auth/munge", f"AuthInfo=socket={folder}/munge.sock", "CredType=cred/munge"),
        *(
            f"SlurmctldPort={control}",
            f"SlurmctldPidFile={folder}/slurmctld.pid",
            f"SlurmdPidFile={folder}/slurmd.%n.pid",
        ),
        *(f"StateSaveLocation={folder}/state", f"SlurmdSpoolDir={folder}/spool.%n"),
        *(f"SlurmctldLogFile={folder}/slurmctld.log", f"SlurmdLogFile={folder}/slurmd.%n.log"),
        *("ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "JobAcctGatherType=jobacct_gather/none"),
        *("AccountingStorageType=accounting_storage/none", "MpiDefault=none", "SwitchType=switch/none"),
        *("SelectType=select/cons_tres", "SelectTypeParameters=CR_Core", "SchedulerType=sched/backfill"),
        *("ReturnToService=2", "SlurmdTimeout=10", "KillWait=2", "MinJobAge=300", "SlurmdParameters=config_overrides"),
        *(
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=20000 State=UNKNOWN"
            for name, port in zip(NODES, nodes, strict=True)
        ),
        "PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
    ]
    return "\n".join(lines) + "\n"


def daemon(folder, name):
    """Return the process of a daemon, which writes its number some time after its command has returned."""
    file, deadline = folder / f"{name}.pid", time.monotonic() + 20
    while not file.exists() or not file.read_text().strip():
        assert time.monotonic() < deadline, f"{name} did not start"
        time.sleep(0.1)
    return psutil.Process(int(file.read_text()))


@pytest.fixture
def cluster(tmp_path):
    """Two nodes; yields a function that powers one off with everything that runs on it."""
    folder = tmp_path
    for name in ("state", *(f"spool.{node}" for node in NODES)):
        (folder / name).mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(1024))
    (folder / "munge.key").chmod(0o600)
    CONF.parent.mkdir(exist_ok=True)
    CONF.write_text(configuration(folder, socket.gethostname().split(".")[0], free_ports(1 + len(NODES))))
    munge = {
        "key-file": "munge.key",
        "socket": "munge.sock",
        "pid-file": "munged.pid",
        "log-file": "munged.log",
        "seed-file": "seed",
    }
    search = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin"}
    started = []
    try:
        for command in (
            ["munged", "--force", *(f"--{key}={folder / value}" for key, value in munge.items())],
            ["slurmctld", "-c"],
            *(["slurmd", "-N", node] for node in NODES),
        ):
            subprocess.run(command, check=True, env=search, timeout=30)
        for name in ("munged", "slurmctld", *(f"slurmd.{node}" for node in NODES)):
            started.append(daemon(folder, name))
        deadline = time.monotonic() + 60
        while (
            subprocess.run(["sinfo", "-h", "-t", "idle", "-o", "%D"], capture_output=True, text=True).stdout.strip()
            != "2"
        ):
            assert time.monotonic() < deadline, (folder / "slurmctld.log").read_text()[-2000:]
            time.sleep(1)

        def power_off(node):
            jobs = subprocess.run(
                ["squeue", "-h", "-t", "R", "-w", node, "-o", "%A"], capture_output=True, text=True, check=True
            ).stdout.split()
            stepped = [
                process
                for process in psutil.process_iter(["name", "cmdline"])
                if any(f"slurmstepd: [{job}." in " ".join(process.info["cmdline"] or []) for job in jobs)
            ]
            found = [daemon(folder, f"slurmd.{node}"), *stepped]
            for process in [child for parent in found for child in parent.children(recursive=True)] + found:
                if process.is_running():
                    process.kill()
            return jobs

        yield power_off
    finally:
        CONF.unlink()
        for process in reversed(started):
            if process.is_running():
                process.kill()


def test_a_node_that_dies_in_the_middle_costs_one_attempt(project, cluster, cache, tmp_path):
    pytest.importorskip("snakemake_executor_plugin_slurm", reason="the extra slurm is not installed")
    folder = tmp_path / "copy"
    shutil.copytree(project, folder, ignore=shutil.ignore_patterns("results", "logs", ".snakemake"))
    target = "results/smoke/measurements/cnn_mnist.csv"
    command = ["--profile", "profiles/slurm", target, "--config", f"cache={cache}"]
    with (tmp_path / "output").open("w") as output:
        run = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *command],
            cwd=folder,
            env=environment(folder),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            journal = folder / attempts.JOURNAL
            measuring, deadline = None, time.monotonic() + 400
            while measuring is None:
                assert run.poll() is None and time.monotonic() < deadline, (tmp_path / "output").read_text()[-4000:]
                found = [row for row in attempts.read(journal) if row["command"].startswith("measure")]
                blocks = list((folder / "results/smoke/unfinished").glob("*.jsonl"))
                measuring = found[0] if found and blocks else None
                time.sleep(1)
            (node,) = subprocess.run(
                ["squeue", "-h", "-t", "R", "-j", measuring["slurm_job"], "-o", "%N"], capture_output=True, text=True
            ).stdout.split()
            assert measuring["slurm_job"] in cluster(node)
            assert run.wait(timeout=500) == 0, (tmp_path / "output").read_text()[-4000:]
        finally:
            run.kill()
            run.wait()
    assert (folder / target).exists()
    tried = [row for row in attempts.read(journal) if row["command"].startswith("measure")]
    assert len(tried) == 2, "the lost attempt stays on record"
    assert not {"ended", "stopped"} & set(tried[0]) and "ended" in tried[1]
    assert tried[0]["slurm_job"] != tried[1]["slurm_job"]
