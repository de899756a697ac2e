"""github/innovationgraph with the embedded rows, a quarter more, and topics and economies that do not count."""

from __future__ import annotations

import numpy as np

from tests.loopback.server import Service
from tests.loopback.services import _github

REPOSITORY = "github/innovationgraph"
NEW = "2025Q4"
settings = _github.settings


def truth(seed: int = 0) -> dict[tuple, int]:
    """Return ``{(quarter, economy, framework): developers}``."""
    rng = np.random.default_rng(seed)
    new = {
        (NEW, economy, name): int(rng.integers(100, 2000)) for economy in ("US", "IN") for name in ("pytorch", "keras")
    }
    new[NEW, "US", "tensorflow"] = 440
    return _github.keyed(_github.embedded("github_innovation_graph")) | new


def content(seed: int = 0) -> bytes:
    """Return ``data/topics.csv``."""
    rows = [(n, name, economy, *period.split("Q")) for (period, economy, name), n in truth(seed).items()]
    quarters = sorted({period for period, _, _ in truth(seed)})
    rows += [(7206, "python", "EU", *period.split("Q")) for period in quarters]
    rows += [(101, "pytorch", "KR", "2021", "1"), (150, "caffe, the coffee", "US", "2021", "1")]
    np.random.default_rng(seed).shuffle(rows)
    lines = [",".join(f'"{v}"' if "," in str(v) else str(v) for v in row) for row in rows]
    return ("num_pushers,topic,iso2_code,year,quarter\n" + "\n".join(lines) + "\n").encode()


def service(seed: int = 0) -> Service:
    """Return the service of a good day."""
    return _github.repository(REPOSITORY, {"data/topics.csv": content(seed), "README.md": b"# Innovation graph\n"})
