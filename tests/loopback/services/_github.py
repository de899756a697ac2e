"""A repository on the loopback server: its commit and trees below ``/api``, its files below ``/raw``."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from tests.loopback.server import Request, Response, Service

ROOT = Path(__file__).resolve().parents[3]
COMMIT = "8faec9d0123456789abcdef0123456789abcdef0"


def blob_sha(content: bytes) -> str:
    """Return git's checksum of a file."""
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def repository(name: str, files: Mapping[str, bytes], *, commit: str = COMMIT) -> Service:
    """Return a service that holds ``files`` (path: content) at one commit."""
    trees: dict[str, list[dict]] = {}

    def plant(prefix: str) -> str:
        entries, below = [], {}
        for path, content in sorted(files.items()):
            if not path.startswith(prefix):
                continue
            head, slash, _ = path[len(prefix) :].partition("/")
            if slash:
                below[head] = True
            else:
                entries.append({"path": head, "type": "blob", "sha": blob_sha(content), "size": len(content)})
        entries += [{"path": head, "type": "tree", "sha": plant(f"{prefix}{head}/")} for head in below]
        sha = hashlib.sha1(json.dumps([prefix, entries]).encode(), usedforsecurity=False).hexdigest()
        trees[sha] = entries
        return sha

    root = plant("")

    def service(request: Request) -> Response:
        api, raw = f"/api/repos/{name}/", f"/raw/{name}/{commit}/"
        if request.path in (f"{api}commits/HEAD", f"{api}commits/{commit}"):
            return _json({"sha": commit, "commit": {"tree": {"sha": root}}})
        if request.path.startswith(f"{api}git/trees/") and (sha := request.path.rpartition("/")[2]) in trees:
            return _json({"sha": sha, "tree": trees[sha], "truncated": False})
        if request.path.startswith(raw) and request.path[len(raw) :] in files:
            return Response(files[request.path[len(raw) :]], headers={"Content-Type": "text/plain; charset=utf-8"})
        return Response(b"404: Not Found", 404)

    return service


def settings(base: str) -> dict:
    """Return the settings under which a source asks this service at once and without waiting."""
    return {
        "base_url": f"{base}/raw",
        "api_base_url": f"{base}/api",
        "pace_s": 0,
        "backoff_s": [0, 0, 0, 0],
        "cooldown_s": 0,
    }


def embedded(source: str) -> list[dict]:
    """Return the embedded figures of a source, counts as numbers."""
    with (ROOT / "data" / "adoption_figures.csv").open(encoding="utf-8", newline="") as handle:
        return [row | {"count": int(row["count"])} for row in csv.DictReader(handle) if row["source"] == source]


def keyed(rows: list[dict]) -> dict[tuple, int]:
    """Return ``{(period, stratum, framework): count}``."""
    return {(row["period"], row["stratum"], row["framework"]): row["count"] for row in rows}


def _json(content: object) -> Response:
    return Response(json.dumps(content).encode(), headers={"Content-Type": "application/json; charset=utf-8"})
