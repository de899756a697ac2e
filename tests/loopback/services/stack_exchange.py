"""The Stack Exchange interface: totals of questions, always as gzip."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import numpy as np

from tests.loopback.server import Request, Response, Service

MONTHS = ("2026-05", "2026-06", "2026-07", "2026-08", "2026-09", "2026-10")
TAGS = ("pytorch", "tensorflow")


def settings(base: str) -> dict:
    """Return the settings under which the source asks this service at once and without waiting."""
    return {"base_url": base, "first_month": MONTHS[0], "pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}


def total(text: str, tag: str | None, seed: int = 0) -> int:
    """Return the questions of a month."""
    rng = np.random.default_rng([seed, int(text.replace("-", "")), len(tag or "")])
    return int(rng.integers(0, 90)) if tag else int(rng.integers(1000, 9000))


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, stratum, framework): questions}``."""
    return {(text, "Stack Overflow", tag): total(text, tag, seed) for text in MONTHS for tag in TAGS}


def packed(content: object, status: int = 200) -> Response:
    """Return an answer as the interface sends it."""
    return Response(gzip.compress(json.dumps(content).encode()), status, {"Content-Encoding": "gzip"})


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""

    def answer(request: Request) -> Response:
        if request.path != "/questions" or request.get("site") != "stackoverflow" or request.get("filter") != "total":
            return packed({"error_id": 400, "error_name": "bad_parameter"}, 400)
        first = datetime.fromtimestamp(int(request.get("fromdate")), UTC)
        last = datetime.fromtimestamp(int(request.get("todate")), UTC)
        if first.day != 1 or f"{first:%Y-%m}" != f"{last:%Y-%m}" or last.hour != 23:
            return packed({"error_id": 400, "error_name": "bad_parameter"}, 400)
        return packed({"total": total(f"{first:%Y-%m}", request.get("tagged"), seed)})

    return answer
