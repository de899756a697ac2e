"""Semantic Scholar's bulk search: the total and the first page."""

from __future__ import annotations

import json

import numpy as np

from tests.loopback.server import Request, Response, Service

KEY = "s2k-0123456789"
YEARS = range(2023, 2026)
NAMES = ("pytorch", "tensorflow", "keras")


def settings(base: str) -> dict:
    """Return the settings under which the source asks this service at once and without waiting."""
    return {"base_url": base, "first_year": 2023, "pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}


def total(name: str, year: int, seed: int = 0) -> int:
    """Return the papers of a year, more or fewer than a page."""
    return int(np.random.default_rng([seed, len(name), year]).integers(0, 2500))


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(year, stratum, framework): papers}``."""
    return {(str(year), "title and abstract", name): total(name, year, seed) for name in NAMES for year in YEARS}


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""

    def answer(request: Request) -> Response:
        if request.headers.get("x-api-key") != KEY:
            return Response(b'{"message": "Too Many Requests."}', 429)
        name, year = request.get("query"), request.get("year")
        if request.path != "/paper/search/bulk" or name not in NAMES:
            return Response(b'{"error": "no such path"}', 404)
        found = total(name, int(year), seed)
        papers = [{"paperId": f"{name}{n}", "year": int(year)} for n in range(min(found, 1000))]
        return Response(json.dumps({"total": found, "token": None, "data": papers}).encode())

    return answer
