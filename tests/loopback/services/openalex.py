"""OpenAlex's grouped counts of works by year."""

from __future__ import annotations

import json

import numpy as np

from tests.loopback.server import Request, Response, Service

KEY = "k3y/with+odd=signs"
YEARS = range(2015, 2026)
NAMES = ("pytorch", "tensorflow", "keras")
STRATUM = "title, abstract and available full text"


def settings(base: str) -> dict:
    """Return the settings under which the source asks this service at once and without waiting."""
    return {"base_url": base, "pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}


def counts(name: str | None, seed: int = 0) -> dict[int, int]:
    """Return the works of each year; nobody named PyTorch in 2015."""
    rng = np.random.default_rng([seed, len(name or "")])
    low, high = (10, 9_000) if name else (9_000_000, 10_000_000)
    found = {year: int(rng.integers(low, high)) for year in YEARS}
    return {year: n for year, n in found.items() if (name, year) != ("pytorch", 2015)}


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(year, stratum, framework): works}``."""
    return {(str(year), STRATUM, name): counts(name, seed).get(year, 0) for name in NAMES for year in YEARS}


def grouped(found: dict[int, int]) -> dict:
    """Return the answer's form: the largest group first."""
    ordered = sorted(found.items(), key=lambda pair: -pair[1])
    groups = [{"key": str(year), "key_display_name": str(year), "count": n} for year, n in ordered]
    meta = {"count": sum(found.values()), "groups_count": len(groups), "page": 1, "per_page": 200}
    return {"meta": meta, "results": [], "group_by": groups}


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""

    def answer(request: Request) -> Response:
        if request.get("api_key") != KEY:
            return Response(b'{"error": "API key required"}', 401)
        window = "from_publication_date:2015-01-01,to_publication_date:2025-12-31"
        if request.path != "/works" or request.get("filter") != window or request.get("group_by") != "publication_year":
            return Response(b'{"error": "Invalid query parameters"}', 400)
        return Response(json.dumps(grouped(counts(request.get("search"), seed))).encode())

    return answer
