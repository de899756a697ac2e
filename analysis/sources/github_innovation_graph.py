"""GitHub Innovation Graph: developers of an economy who pushed in a quarter to a repository carrying a topic.

One file, ``data/topics.csv`` of github/innovationgraph, at a commit. A row exists only for 100 or more developers, so
a missing row means fewer than 100: such rows stay absent here and are never zeros.

Verified against the public repository: the path, the five columns and their types (datapackage.json), and by eye that
the rule gives the embedded rows of the first quarter of 2020.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources import _github
from analysis.sources._shared import decoded, figure, only, shown, table, whole

PATH = "topics.csv"
COLUMNS = ("num_pushers", "topic", "iso2_code", "year", "quarter")
FRAMEWORKS = ("pytorch", "tensorflow", "keras", "jax", "onnx")  # topics and framework ids are the same words
FLOOR = 100
FIRST = "2020Q1"
BYTES = 2_000_000


def plan(run: Run) -> Plan:
    """Four requests: commit, two trees, the file; fewer where nothing has changed."""
    return Plan(4, BYTES, "the commit, its trees, one CSV file; the file only if it has changed", exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the commit and the topics file at it."""
    head = _github.commit(run)
    yield Piece({"kind": "commit"}, head)
    at, tree = _github.named(head)
    blob = _github.folder(run, tree, "data").get(PATH)
    if blob is None:
        raise Violation(f"the repository has no data/{PATH} any more")
    yield Piece({"kind": "topics"}, _github.raw(run, at, blob, lambda answer: _check(answer, run)))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the topics file into figures of the chosen economies."""
    at, _ = _github.named(only(pieces, "commit").answer)
    counts = _counts(only(pieces, "topics").answer, run)
    chosen = {key: count for key, count in counts.items() if key[1] in run.settings["economies"]}
    quarters = sorted({period for period, _, _ in counts})
    return Snapshot(
        tables={},
        figures=[figure(run.source.indicator, *key, count) for key, count in sorted(chosen.items())],
        span=f"{quarters[0]}/{quarters[-1]}",
        upstream=f"{run.settings['repository']} {at}",
        notes="a missing row means fewer than 100 developers, not zero",
    )


def check(run: Run) -> list[Finding]:
    """Say which economies name a framework, and which framework topics beyond ours the file has."""
    answer = list(fetch(run))[-1].answer
    counts = _counts(answer, run)
    economies = sorted({economy for _, economy, topic in counts if topic in ("pytorch", "tensorflow")})
    lowest = min(counts.values())
    return [
        Finding("economies with rows for a framework", " ".join(economies), " ".join(run.settings["economies"])),
        Finding("smallest count of the file", str(lowest), f"{FLOOR} or more", lowest >= FLOOR),
    ]


def _check(answer: Answer, run: Run) -> None:
    counts = _counts(answer, run)
    for topic in ("pytorch", "tensorflow"):
        if not any(key[2] == topic for key in counts):
            raise Violation(f"no row of the topic {topic}")


def _counts(answer: Answer, run: Run) -> dict[tuple[str, str, str], int]:
    """Return ``{(quarter, economy, topic): developers}`` of the frameworks' topics; checks every row of the file."""
    counts: dict[tuple[str, str, str], int] = {}
    quarters = set()
    for row in table(decoded(answer, run.settings["max_bytes"]), COLUMNS, PATH):
        developers = whole(row["num_pushers"], "num_pushers")
        year, quarter = whole(row["year"], "year"), whole(row["quarter"], "quarter")
        period = f"{year}Q{quarter}"
        if not 2020 <= year <= run.today.year or not 1 <= quarter <= 4:
            raise Violation(f"{shown(period)} is not a quarter of the graph")
        if (year, 3 * quarter - 2) > (run.today.year, run.today.month):
            raise Violation(f"{period} has not begun")
        quarters.add(period)
        topic, economy = row["topic"], row["iso2_code"]
        if topic not in FRAMEWORKS:
            continue
        if not (len(economy) == 2 and economy.isascii() and economy.isalpha() and economy.isupper()):
            raise Violation(f"{shown(economy)} is not an economy")
        if developers < FLOOR:
            raise Violation(f"{topic} {economy} {period}: {developers} developers, below the floor of {FLOOR}")
        if (period, economy, topic) in counts:
            raise Violation(f"{topic} {economy} {period} comes twice")
        counts[period, economy, topic] = developers
    expected = _quarters(FIRST, max(quarters, default=FIRST))
    if sorted(quarters) != expected:
        raise Violation(f"the quarters are {shown(sorted(quarters))}, not a run from {FIRST}")
    return counts


def _quarters(first: str, last: str) -> list[str]:
    found, year, quarter = [], int(first[:4]), int(first[5:])
    while (text := f"{year}Q{quarter}") <= last:
        found.append(text)
        year, quarter = (year, quarter + 1) if quarter < 4 else (year + 1, 1)
    return found
