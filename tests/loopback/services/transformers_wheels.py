"""A package index with wheels that hold as many modules as the embedded rows say, and a release more."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from functools import cache

import numpy as np

from tests.loopback.server import Request, Response, Service
from tests.loopback.services._github import embedded

NEW = "5.24.0"
FRAMEWORKS = ("pytorch", "tensorflow", "jax")
FIXED = ("", "tf_", "flax_")


def settings(base: str) -> dict:
    """Return the settings under which pip asks this service and no other."""
    return {"base_url": f"{base}/simple", "pace_s": 0, "backoff_s": [0], "cooldown_s": 0}


@cache
def releases(seed: int = 0) -> dict[str, tuple[str, tuple[int, int, int]]]:
    """Return ``{release: (day, modules of each framework)}``."""
    found: dict[str, tuple[str, dict[str, int]]] = {}
    for row in embedded("transformers_wheels"):
        found.setdefault(row["stratum"], (row["period"], {}))[1][row["framework"]] = row["count"]
    table = {release: (day, tuple(counts[name] for name in FRAMEWORKS)) for release, (day, counts) in found.items()}
    return table | {NEW: ("2026-11-20", (530 + int(np.random.default_rng(seed).integers(0, 20)), 0, 0))}


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(day, release, framework): modules}``."""
    return {
        (day, release, framework): count
        for release, (day, counts) in releases(seed).items()
        for framework, count in zip(FRAMEWORKS, counts, strict=True)
    }


@cache
def wheel(release: str, day: str, counts: tuple[int, int, int], more: tuple[tuple[str, bytes], ...] = ()) -> bytes:
    """Return a wheel with that many modules, beside files that look like modules and count for nothing."""
    newest = (*map(int, day.split("-")), 10, 0, 0)
    generic = {
        "transformers/modeling_utils.py": b"import torch",
        "transformers/modeling_tf_outputs.py": b"import tensorflow",
        "transformers/models/auto/modeling_flax_auto.py": b"",
        "transformers/models/transfo_xl/modeling_transfo_xl_utilities.py": b"import torch",
        "transformers/models/old/modeling_old.py": b"# a Pytorch version lies elsewhere, see pytorch.org",
        "transformers/models/a/configuration_a.py": b"import torch",
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (prefix, count) in enumerate(zip(FIXED, counts, strict=True)):
            for model in range(count):
                name = f"transformers/models/m{model}/modeling_{prefix}m{model}.py"
                archive.writestr(zipfile.ZipInfo(name, newest), b"import torch\n" if number == 0 else b"\n")
        for name, content in generic.items():
            archive.writestr(zipfile.ZipInfo(name, (2018, 1, 1, 0, 0, 0)), content)
        meta = f"Metadata-Version: 2.1\nName: transformers\nVersion: {release}\n\nText\n".encode()
        for name, content in ((f"transformers-{release}.dist-info/METADATA", meta), *more):
            archive.writestr(zipfile.ZipInfo(name, newest), content)
        info = f"transformers-{release}.dist-info"
        archive.writestr(zipfile.ZipInfo(f"{info}/WHEEL", newest), "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(zipfile.ZipInfo(f"{info}/RECORD", newest), "")
    return buffer.getvalue()


def wheels(seed: int = 0) -> dict[str, bytes]:
    """Return ``{release: wheel}``."""
    return {release: wheel(release, day, counts) for release, (day, counts) in releases(seed).items()}


def index(files: Mapping[str, bytes]) -> Service:
    """Return a package index with these wheels, in the form of PEP 503."""

    def answer(request: Request) -> Response:
        if request.path == "/simple/transformers/":
            links = [
                f'<a href="../../files/transformers-{release}-py3-none-any.whl#sha256='
                f'{hashlib.sha256(content).hexdigest()}">transformers-{release}-py3-none-any.whl</a><br/>'
                for release, content in files.items()
            ]
            page = f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>"
            return Response(page.encode(), headers={"Content-Type": "text/html"})
        release = request.path.removeprefix("/files/transformers-").removesuffix("-py3-none-any.whl")
        return Response(files[release]) if release in files else Response(b"no such file", 404)

    return answer


def service(seed: int = 0) -> Service:
    """Return the index of a good day."""
    return index(wheels(seed))
