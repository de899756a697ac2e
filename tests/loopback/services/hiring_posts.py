"""ryanwi/hiringtrends with the embedded months and one more, written as the project's minified script."""

from __future__ import annotations

import numpy as np

from tests.loopback.server import Service
from tests.loopback.services import _github

REPOSITORY = "ryanwi/hiringtrends"
NEW = "2024-06"
STRATUM = "Hacker News Who is hiring"
TERMS = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "keras": "Keras"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
settings = _github.settings


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, stratum, framework): posts}``."""
    rng = np.random.default_rng(seed)
    new = {(NEW, STRATUM, name): int(rng.integers(0, 9)) for name in TERMS}
    return _github.keyed(_github.embedded("hiringtrends")) | new


def totals(seed: int = 0) -> dict[str, int]:
    """Return the posts of each month."""
    rows = _github.embedded("hiringtrends")
    return {row["period"]: int(row["total"]) for row in rows} | {NEW: 300 + seed % 50}


def script(seed: int = 0) -> str:
    """Return the newest data file, newest month first."""
    counts, written = truth(seed), []
    for period, total in sorted(totals(seed).items(), reverse=True):
        terms = ",".join(
            f'{term}:{{count:{counts[period, STRATUM, name]},percentage:.49,full_term:"{term}",rank:8}}'
            for name, term in TERMS.items()
        )
        month = f"{MONTHS[int(period[5:]) - 1]}{period[2:4]}"
        other = '".NET":{count:9,percentage:2.2,full_term:".NET",rank:48}'
        written.append(f'{{month:"{month}",num_comments:{total},points:549,terms:{{{other},{terms}}}}}')
    return f"data=[{','.join(written)}];\n"


def files(seed: int = 0) -> dict[str, bytes]:
    """Return the repository's files: the newest data file and an older one."""
    newest = f"web/data/data-{NEW.replace('-', '')}01.js"
    return {
        newest: script(seed).encode(),
        "web/data/data-20240501.js": b"data=[];",
        "web/index.html": b"",
        "README.md": b"",
    }


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""
    return _github.repository(REPOSITORY, files(seed))
