"""The hub with cfahlgren1/hub-stats: a revision, its listing, and a small parquet file behind a redirect."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import UTC, datetime
from functools import cache

import numpy as np

from tests.loopback.server import Request, Response, Service

REVISION = "0123456789abcdef0123456789abcdef01234567"
HOME = "datasets/cfahlgren1/hub-stats"
MONTHS = ("2026-07", "2026-08", "2026-09", "2026-10")
TAGS = {"pytorch": "pytorch", "tf": "tensorflow", "jax": "jax", "keras": "keras", "onnx": "onnx"}


def settings(base: str) -> dict:
    """Return the settings under which the source asks this service at once and without waiting."""
    waits = {"pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}
    return {"base_url": base, "redirect_hosts": ["127.0.0.1"], "max_bytes": 1 << 24} | waits


@cache
def models(seed: int = 0) -> list[tuple[str, tuple[str, ...]]]:
    """Return month and tags of every model; some are of this month, some of the day of the hub's first dates."""
    rng = np.random.default_rng(seed)
    months = (*MONTHS, "2026-11", "2022-03")
    tags = (*TAGS, "safetensors", "license:mit")
    return [(months[rng.integers(0, 6)], tuple(t for t in tags if rng.random() < 0.3)) for _ in range(3000)]


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, stratum, framework): models}``."""
    return {
        (text, "Hugging Face hub", framework): sum(month == text and tag in tags for month, tags in models(seed))
        for text in MONTHS
        for tag, framework in TAGS.items()
    }


@cache
def parquet(seed: int = 0) -> bytes:
    """Return models.parquet."""
    import polars as pl

    created = [datetime(int(text[:4]), int(text[5:]), 7, tzinfo=UTC) for text, _ in models(seed)]
    table = pl.DataFrame(
        {
            "id": [f"someone/model-{n}" for n in range(len(created))],
            "createdAt": created,
            "tags": [list(tags) for _, tags in models(seed)],
        }
    )
    buffer = io.BytesIO()
    table.write_parquet(buffer)
    return buffer.getvalue()


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""
    content = parquet(seed)
    lfs = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 135}

    def answer(request: Request) -> Response:
        if request.path == f"/api/{HOME}":
            return Response(json.dumps({"sha": REVISION, "lastModified": "2026-11-22T03:00:00.000Z"}).encode())
        if request.path == f"/api/{HOME}/tree/{REVISION}":
            entry = {"type": "file", "oid": "1" * 40, "size": len(content), "path": "models.parquet", "lfs": lfs}
            return Response(
                json.dumps([{"type": "file", "oid": "2" * 40, "size": 9, "path": "README.md"}, entry]).encode()
            )
        if request.path == f"/{HOME}/resolve/{REVISION}/models.parquet":
            return Response(b"", 302, {"Location": f"{request.base}/cdn/file"})
        return Response(content) if request.path == "/cdn/file" else Response(b"Not Found", 404)

    return answer
