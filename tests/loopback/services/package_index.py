"""A package index as pip meets it: recorded answers of the real one (PEP 691), and the metadata files beside wheels."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tests.loopback.server import Request, Response, Service

RECORDED = Path(__file__).resolve().parents[2] / "fixtures" / "protocols" / "package_index"
JSON = "application/vnd.pypi.simple.v1+json"
#: The file of a wheel that says how it was built, in the shape of the real ones, and a release that no longer has it.
BUILDS = {
    "torch": (
        "torch/version.py",
        "from typing import Optional\n\ncuda: Optional[str] = '13.0'\nhip: Optional[str] = None\n",
    ),
    "tensorflow": (
        "tensorflow/python/platform/build_info.py",
        "import collections\n\nbuild_info = collections.OrderedDict([('cuda_version', '12.5.1'), "
        "('is_rocm_build', False), ('cuda_compute_capabilities', ['sm_60', 'compute_90'])])\n",
    ),
}
UNSAID = "2.22.0rc0"


def settings(base: str) -> dict:
    """Return the settings under which pip's session asks this service and no other."""
    return {
        "base_url": f"{base}/simple",
        "pace_s": 0,
        "backoff_s": [0],
        "cooldown_s": 0,
        "packages": sorted(projects()),
        "routes": False,
    }


@cache
def projects() -> dict[str, dict]:
    """Return the recorded answers by package, each file's metadata hash that of the metadata served here."""
    found = {}
    for path in sorted(RECORDED.glob("*.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        for file in content["files"]:
            if file.get("core-metadata"):
                file["core-metadata"] = {"sha256": hashlib.sha256(metadata(file["filename"])).hexdigest()}
        found[content["name"]] = content
    return found


@cache
def metadata(filename: str) -> bytes:
    """Return the recorded head of a wheel's metadata, or that of a release that requires nothing."""
    name, version, *_ = filename.split("-")
    path = RECORDED / f"{name}-{version}.metadata"
    if path.exists():
        return path.read_bytes()
    return f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\n".encode()


@cache
def wheel(filename: str) -> bytes:
    """Return a wheel that holds nothing but its metadata, and bytes that nobody has to read."""
    name, version, *_ = filename.split("-")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(f"{name}/__init__.py", b"\0" * 300_000)
        if name in BUILDS and not version.startswith(UNSAID):
            archive.writestr(*BUILDS[name])
        archive.writestr(f"{name}-{version}.dist-info/METADATA", metadata(filename))
        archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
    return buffer.getvalue()


def part(content: bytes, asked: str) -> Response:
    """Return the part of a file that a Range header asks for."""
    headers = {"Accept-Ranges": "bytes", "Content-Type": "application/octet-stream"}
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", asked)
    if not found:
        return Response(content, headers=headers)
    first = int(found[1]) if found[1] else len(content) - int(found[2])
    last = min(int(found[2]), len(content) - 1) if found[1] and found[2] else len(content) - 1
    headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
    return Response(content[first : last + 1], 206, headers)


def index(answers: Mapping[str, dict]) -> Service:
    """Return an index with these answers; it speaks HTML to whoever does not ask for JSON, as the real one does."""

    def answer(request: Request) -> Response:
        parts = request.path.strip("/").split("/")
        if parts[0] == "simple" and len(parts) == 2 and parts[1] in answers:
            if JSON not in request.headers.get("accept", ""):
                return Response(b"<!DOCTYPE html><html><body></body></html>", headers={"Content-Type": "text/html"})
            return Response(json.dumps(answers[parts[1]]).encode(), headers={"Content-Type": JSON})
        if parts[0] == "files" and parts[-1].endswith(".whl.metadata"):
            return Response(metadata(parts[-1].removesuffix(".metadata")))
        if parts[0] == "files" and parts[-1].endswith(".whl"):
            return part(wheel(parts[-1]), request.headers.get("range", ""))
        return Response(b"404 Not Found", 404)

    return answer


def service(seed: int = 0) -> Service:
    """Return the index of a good day."""
    return index(projects())
