"""EvanLi/Github-Ranking with files of the months that are not embedded, and files of days that do not count."""

from __future__ import annotations

import csv
import io

import numpy as np

from tests.loopback.server import Service
from tests.loopback.services import _github

REPOSITORY = "EvanLi/Github-Ranking"
COLUMNS = [
    "rank",
    "item",
    "repo_name",
    "stars",
    "forks",
    "language",
    "repo_url",
    "username",
    "issues",
    "last_commit",
    "description",
]
NAMES = {
    "pytorch/pytorch": "pytorch",
    "tensorflow/tensorflow": "tensorflow",
    "keras-team/keras": "keras",
    "jax-ml/jax": "jax",
}
DAYS = ("2021-11-03", "2026-09-01", "2026-10-02", "2026-11-01")  # the first ranking of each new month
settings = _github.settings


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(month, repository, framework): stars}``."""
    return _github.keyed(_github.embedded("github_ranking")) | {
        (day[:7], name, NAMES[name]): count for day in DAYS for name, count in stars(day, seed).items()
    }


def stars(day: str, seed: int = 0) -> dict[str, int]:
    """Return the stars of one day; Keras is in no list of October 2026."""
    rng = np.random.default_rng([seed, int(day.replace("-", ""))])
    base = {
        "pytorch/pytorch": 103_000,
        "tensorflow/tensorflow": 197_000,
        "keras-team/keras": 64_000,
        "jax-ml/jax": 33_000,
    }
    return {
        name: n + int(rng.integers(0, 900)) for name, n in base.items() if (name, day) != ("keras-team/keras", DAYS[2])
    }


def ranking(day: str, seed: int = 0) -> bytes:
    """Return one day's file: each repository in two lists, the second a few stars later."""
    counts = {"freeCodeCamp/freeCodeCamp": 453_286} | stars(day, seed)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for item, later in (("top-100-stars", 0), ("Python", 3)):
        for rank, (name, count) in enumerate(counts.items(), start=1):
            owner, repo = name.split("/")
            words = 'a "quoted", \u2028odd description'
            row = [
                rank,
                item,
                repo,
                count + later,
                9,
                "Python",
                f"https://github.com/{name}",
                owner,
                1,
                f"{day}T03:00:00Z",
            ]
            writer.writerow([*row, words])
    return buffer.getvalue().encode()


def files(seed: int = 0) -> dict[str, bytes]:
    """Return the repository's files: of known months, of new months, and later days of them."""
    days = (*DAYS, "2018-12-18", "2026-08-01", "2026-10-03", "2026-11-02")
    return {f"Data/github-ranking-{day}.csv": ranking(day, seed) for day in days} | {
        "Data/notes.txt": b"",
        "README.md": b"",
    }


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""
    return _github.repository(REPOSITORY, files(seed))
