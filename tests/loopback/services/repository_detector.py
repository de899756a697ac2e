"""Source archives of repositories on a good day, for the official repositories of the ``pwc_live`` service."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections import Counter
from collections.abc import Mapping

from tests.loopback.server import Request, Response, Service
from tests.loopback.services import pwc_live

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CHANGED = 1_760_000_000  # October 2025
NOTEBOOK = json.dumps({"cells": [{"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n"]}]})
# What a repository may look like, and the label it must get; None is a repository that is gone.
SHAPES: tuple[tuple[str, Mapping[str, str] | None], ...] = (
    ("pytorch", {"train.py": "import torch\n", "README.md": "import tensorflow", "third_party/a.py": "import jax\n"}),
    ("pytorch", {"notebooks/one.ipynb": NOTEBOOK}),
    ("pytorch", {"requirements.txt": "numpy\ntorch==2.1 # not tensorflow\n", "run.sh": "python -m x\n"}),
    ("tf", {"model.py": "from tensorflow import keras\n", "setup.py": "install_requires=['tensorflow>=2']\n"}),
    ("jax", {"src/net.py": "import flax.linen as nn\nimport jax.numpy as jnp\n"}),
    ("mixed", {"a.py": "import torch\n", "b.py": "import tensorflow as tf\n"}),
    ("keras3_unknown", {"fit.py": "import keras\nfrom keras import ops\n"}),
    ("none", {"main.py": "import numpy as np\nprint('import torch')\n", "go.mod": "module x\n"}),
    ("missing", None),
)
CALIBRATION_LABELS = ("pytorch", "tf", "jax", "none")


def service(seed: int = 0) -> Service:
    """Return the service: ``/{owner}/{name}/tar.gz/HEAD``."""

    def answer(request: Request) -> Response:
        owner, name, *rest = request.path.strip("/").split("/")
        if rest != ["tar.gz", "HEAD"]:
            return Response(b"404: Not Found", 404)
        _, files = shape(f"github.com/{owner}/{name}".lower(), seed)
        if files is None:
            return Response(b"404: Not Found", 404, {"Content-Type": "text/plain; charset=utf-8"})
        return Response(archive(files, f"{name}-{COMMIT}"), 200, {"Content-Type": "application/x-gzip"}, chunked=True)

    return answer


def shape(address: str, seed: int = 0) -> tuple[str, Mapping[str, str] | None]:
    """Return the label and the files of a repository."""
    digest = hashlib.sha256(f"{seed} {address}".encode()).digest()
    return SHAPES[digest[0] % len(SHAPES)]


def archive(files: Mapping[str, str | bytes], top: str = "repository-HEAD", changed: int = CHANGED) -> bytes:
    """Return a tar.gz in the form of a repository host: a global record with the commit, one top folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"comment": COMMIT}) as tar:
        folder = tarfile.TarInfo(top + "/")
        folder.type, folder.mtime = tarfile.DIRTYPE, changed
        tar.addfile(folder)
        for path, content in sorted(files.items()):
            data = content.encode() if isinstance(content, str) else content
            info = tarfile.TarInfo(f"{top}/{path}")
            info.size, info.mtime = len(data), changed
            tar.addfile(info, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)


def official(seed: int = 0) -> dict[str, set[str]]:
    """Return the official repositories by month, as ``pwc_live`` links them."""
    found: dict[str, set[str]] = {}
    for paper in pwc_live.papers(seed):
        month = found.setdefault(paper["published"][:7], set())
        for entry in paper["repositories"] or ():
            if entry["is_official"] and entry["url"] not in pwc_live.ODD_URLS:
                month.add(pwc_live._plain(entry["url"]))
    return found


def truth(seed: int = 0, sample: int = 400, draw_seed: str = "framework-survey-1") -> dict[tuple[str, str], int]:
    """Return ``{(month, label): repositories}`` of the sample, without any of the source's code."""
    found: Counter[tuple[str, str]] = Counter()
    for month, addresses in official(seed).items():
        order = sorted(
            (hashlib.sha256("\n".join((draw_seed, month, address)).encode()).hexdigest(), address)
            for address in addresses
        )
        for _, address in order[:sample]:
            known = address.startswith("github.com/") and address.count("/") == 2
            found[month, shape(address, seed)[0] if known else "unsupported"] += 1
    return dict(found)


def labelled(seed: int = 0, each: int = 12) -> list[dict]:
    """Return rows of the archive's links: official repositories with the label that an old labeller might give."""
    rows = []
    for place in range(each * len(CALIBRATION_LABELS)):
        url = f"https://github.com/old-lab/work-{place}"
        true = shape(url.removeprefix("https://"), seed)[0]
        label = true if true in CALIBRATION_LABELS else CALIBRATION_LABELS[place % len(CALIBRATION_LABELS)]
        rows.append(
            {
                "paper_url": f"https://paperswithcode.com/paper/invented-{place}",
                "paper_arxiv_id": f"{19 + place % 3}01.{90000 + place:05d}",
                "repo_url": url,
                "is_official": True,
                "framework": label,
            }
        )
    # Twice, once with another label: says nothing. Not official, not on GitHub: not in the frame.
    first = rows[0]
    rows.append({**first, "repo_url": "https://github.com/old-lab/two-labels", "framework": "tf"})
    rows.append({**first, "repo_url": "https://github.com/Old-Lab/two-labels/", "framework": "pytorch"})
    rows.append({**first, "repo_url": "https://github.com/old-lab/unofficial", "is_official": False})
    rows.append({**first, "repo_url": "https://gitlab.com/old-lab/elsewhere"})
    return rows
