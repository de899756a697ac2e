"""ClickHouse's public SQL below ``/`` and pypistats below ``/recent``, as they answer on 2026-11-22."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta

import numpy as np

from tests.loopback.server import Request, Response, Service

TODAY = date(2026, 11, 22)
PACKAGES = {
    "torch": "pytorch",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-intel": "tensorflow",
    "tf-nightly": "tensorflow",
    "tflite-runtime": "tensorflow",
    "keras": "keras",
    "jax": "jax",
    "jaxlib": "jax",
    "onnxruntime": "onnx",
    "mxnet": "mxnet",
    "paddlepaddle": "paddlepaddle",
}
MAIN = {"torch", "tensorflow", "keras", "jax", "onnxruntime", "mxnet", "paddlepaddle"}
WITH, WITHOUT = "with mirrors (ClickHouse)", "without mirrors (pypistats)"
META = [
    {"name": "month", "type": "Date"},
    {"name": "project", "type": "String"},
    {"name": "download_count", "type": "Int64"},
]


def settings(base: str) -> dict:
    """Return the settings under which the source asks this service at once and without waiting."""
    waits = {"pace_s": 0, "recent_pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0}
    return {"base_url": base, "recent_base_url": f"{base}/recent"} | waits


def _months(first: date, last: date) -> list[str]:
    found, day = [], first
    while day <= last:
        found.append(f"{day:%Y-%m}")
        day = (day.replace(day=28) + timedelta(days=4)).replace(day=1)
    return found


def history(seed: int = 0) -> dict[tuple[str, str], int]:
    """Return ``{(package, month): downloads}`` with mirrors; JAX begins in 2019."""
    rng = np.random.default_rng(seed)
    return {
        (package, text): int(rng.integers(1_000_000, 90_000_000))
        for package in PACKAGES
        for text in _months(date(2016, 1, 1), date(2026, 10, 1))
        if not (package.startswith("jax") and text < "2019-01")
    }


def days(package: str, seed: int = 0) -> dict[date, int]:
    """Return the downloads of the last 180 days without mirrors."""
    rng = np.random.default_rng([seed, len(package)])
    return {TODAY - timedelta(days=back): int(rng.integers(10_000, 90_000)) for back in range(180, 0, -1)}


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, stratum, framework): downloads}``."""
    table = {
        (text, WITH, PACKAGES[package]): count for (package, text), count in history(seed).items() if package in MAIN
    }
    for package in MAIN:
        for text in _months(date(2026, 6, 1), date(2026, 10, 1)):
            count = sum(n for day, n in days(package, seed).items() if f"{day:%Y-%m}" == text)
            table[text, WITHOUT, PACKAGES[package]] = count
    return table


def clickhouse(rows: list[dict]) -> dict:
    """Return ClickHouse's envelope around rows."""
    return {
        "meta": META,
        "data": rows,
        "rows": len(rows),
        "rows_before_limit_at_least": len(rows),
        "statistics": {"elapsed": 0.1, "rows_read": 9, "bytes_read": 99},
    }


def rows(seed: int = 0) -> list[dict]:
    """Return the rows of the SQL's answer."""
    ordered = sorted((text, package, count) for (package, text), count in history(seed).items())
    return [{"month": f"{text}-01", "project": package, "download_count": str(n)} for text, package, n in ordered]


def recent(package: str, seed: int = 0) -> dict:
    """Return pypistats' answer about a package."""
    data = [{"category": "without_mirrors", "date": f"{day}", "downloads": n} for day, n in days(package, seed).items()]
    return {"data": data, "package": package, "type": "overall_downloads"}


def service(seed: int = 0) -> Service:
    """Return both services of a good day."""

    def answer(request: Request) -> Response:
        if request.method == "POST" and request.get("user") == "demo" and request.get("default_format") == "JSON":
            words = request.body.decode()
            if "pypi.pypi_downloads_per_month" not in words or "month < '2026-11-01'" not in words:
                return Response(b"Code: 62. DB::Exception: Syntax error", 400)
            return Response(json.dumps(clickhouse(rows(seed))).encode())
        match = re.fullmatch(r"/recent/packages/([a-z-]+)/overall", request.path)
        if match and match[1] in PACKAGES and request.get("mirrors") == "false":
            return Response(json.dumps(recent(match[1], seed)).encode())
        return Response(b"not found", 404)

    return answer
