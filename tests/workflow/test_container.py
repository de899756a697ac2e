"""The container definition: an image is built from it on a bare Debian, and counts what this machine counts.

It needs Debian's buildah, podman, runc and debootstrap, and root. The frameworks, 3 GB more, are left out of the image
(`EXTRAS=`); the rest of the definition is the same. Nothing is asked of a registry of images: the base is made here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import pytest

PROGRAMS = ("buildah", "podman", "runc", "debootstrap", "apt-get")
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
TABLES = ("adoption_crossings", "adoption_shares")


def missing() -> str:
    """Return why no image can be built here, or nothing."""
    if absent := [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")]:
        return f"no {', '.join(absent)}: install buildah, podman, runc and debootstrap"
    return "" if os.geteuid() == 0 else "only root may build a base image"


pytestmark = [
    pytest.mark.workflow,
    pytest.mark.container,
    pytest.mark.skipif(bool(missing()), reason=missing() or "none"),
]


def call(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False, **options)
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    return done.stdout


@pytest.fixture
def engine(tmp_path):
    """Options that keep images and containers of the test in its own folder, for buildah and podman."""
    with tempfile.TemporaryDirectory(prefix="engine-") as run:  # podman refuses a path of more than 50 characters
        options = ["--storage-driver", "vfs", "--root", str(tmp_path / "images"), "--runroot", run]
        yield options
        subprocess.run(["buildah", *options, "rm", "--all"], capture_output=True, check=False)
        subprocess.run(["buildah", *options, "rmi", "--all", "--force"], capture_output=True, check=False)


@pytest.fixture
def base(tmp_path, engine):
    """A bare Debian with its Python, from the archive that apt uses here; the name of its image."""
    asked = call("apt-get", "indextargets", "--format", "$(CREATED_BY) $(CODENAME) $(REPO_URI)")
    archive, release = next((line.split()[2], line.split()[1]) for line in asked.splitlines() if "Packages " in line)
    system, context = tmp_path / "system", tmp_path / "context"
    context.mkdir()
    include = "--include=ca-certificates,python3-venv"
    call("debootstrap", "--variant=minbase", include, release, str(system), archive)
    with tarfile.open(context / "system.tar", "w") as packed:
        packed.add(system, arcname=".")
    shutil.rmtree(system)
    (context / "Containerfile").write_text("FROM scratch\nADD system.tar /\n")
    call("buildah", *engine, "bud", "--quiet", "--isolation", "chroot", "--tag", "localhost/base", str(context))
    return "localhost/base"


def test_the_image_counts_what_this_machine_counts(project, engine, base, tmp_path):
    # Where the network is watched by a proxy, pip in the image has to trust what pip out here trusts.
    trusted = ["--volume", f"{CERTIFICATES}:{CERTIFICATES}:ro"] if CERTIFICATES.exists() else []
    arguments = ["--build-arg", f"BASE={base}", "--build-arg", "EXTRAS="]
    build = ["bud", "--isolation", "chroot", *arguments, *trusted, "--tag", "localhost/survey", str(project)]
    call("buildah", *engine, *build)
    out = tmp_path / "results"
    out.mkdir()
    podman = [
        "podman",
        *engine,
        "--cgroup-manager",
        "cgroupfs",
        "--runtime",
        shutil.which("runc", path="/usr/sbin:/usr/bin"),
    ]
    limits = ["--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1000:1000"]
    run = ["run", "--rm", "--network", "none", *limits, "--volume", f"{out}:/survey/results", "localhost/survey"]
    call(*podman, *run, "--cores", "2", f"results/tables/{TABLES[0]}.csv")
    here = tmp_path / "here"
    call(sys.executable, "-m", "analysis", "count", "--out", str(here), cwd=project)
    for table in TABLES:
        assert (out / f"tables/{table}.csv").read_bytes() == (here / f"tables/{table}.csv").read_bytes()
