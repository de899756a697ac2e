"""hugovk/top-pypi-packages: the tags of a year and the list of each month; June 2026 was never made."""

from __future__ import annotations

import json

import numpy as np

from tests.loopback.server import Request, Response, Service
from tests.loopback.services import _github

REPOSITORY = "hugovk/top-pypi-packages"
MONTHS = ("2026-05", "2026-07", "2026-08", "2026-09", "2026-10", "2026-11")
PACKAGES = {
    "torch": "pytorch",
    "tensorflow": "tensorflow",
    "keras": "keras",
    "tensorflow-cpu": "tensorflow",
    "jax": "jax",
}
settings = _github.settings


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, package, framework): downloads}``."""
    new = {(text, name, PACKAGES[name]): n for text in MONTHS for name, n in counts(text, seed).items()}
    return _github.keyed(_github.embedded("top_pypi_packages")) | new


def counts(text: str, seed: int = 0) -> dict[str, int]:
    """Return the downloads of a month."""
    rng = np.random.default_rng([seed, int(text.replace("-", ""))])
    base = {
        "torch": 90_000_000,
        "tensorflow": 22_000_000,
        "keras": 18_000_000,
        "tensorflow-cpu": 1_500_000,
        "jax": 19_000_000,
    }
    return {name: n + int(rng.integers(0, 100_000)) for name, n in base.items()}


def content(text: str, seed: int = 0) -> dict:
    """Return the list of a month."""
    rows = counts(text, seed) | {f"other-{n}": 1_000_000 - n for n in range(1200)}
    ordered = sorted(rows.items(), key=lambda pair: -pair[1])
    return {
        "last_update": f"{text}-01 06:41:02",
        "source": "ClickHouse",
        "total_rows": len(rows),
        "rows": [{"download_count": n, "project": name} for name, n in ordered],
    }


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""

    def answer(request: Request) -> Response:
        prefix = f"/api/repos/{REPOSITORY}/git/matching-refs/tags/"
        if request.path.startswith(prefix):
            tags = [text.replace("-", ".") for text in MONTHS] + ["2026.04", "2026.04.1"]
            year = request.path[len(prefix) :]
            return Response(json.dumps([{"ref": f"refs/tags/{tag}"} for tag in tags if tag.startswith(year)]).encode())
        for text in MONTHS:
            if request.path == f"/raw/{REPOSITORY}/{text.replace('-', '.')}/top-pypi-packages.min.json":
                return Response(json.dumps(content(text, seed)).encode())
        return Response(b"404: Not Found", 404)

    return answer
