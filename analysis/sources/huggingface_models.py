"""Models on the Hugging Face hub by month of creation and framework tag, from the daily dump cfahlgren1/hub-stats.

The hub's own list would take thousands of pages; the dump is one parquet file of about a gigabyte, so this source is
off by default. Its revision is resolved first; the file must have the length and sha256 that the revision's listing
gives. Only the columns ``createdAt`` and ``tags`` are read, as a stream. A model may carry several tags.

Verified in public code that reads it: name and place of the file, the columns and their kinds. Not verified: whether
the dump is still made daily, and the listing's ``lfs`` entry for this file (the form is that of the hub's interface).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import figure, mapping, month, months, only, sequence, shown, whole

TAGS = {"pytorch": "pytorch", "tf": "tensorflow", "jax": "jax", "keras": "keras", "onnx": "onnx"}
STRATUM = "Hugging Face hub"
FILE = "models.parquet"
FIRST = "2022-03"  # the hub set every earlier creation to 2022-03-02
SHA = re.compile(r"[0-9a-f]{40}", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}", re.ASCII)
BYTES = 1_200_000_000


def plan(run: Run) -> Plan:
    """The revision, its listing, one large file."""
    return Plan(3, BYTES, "one parquet file of about a gigabyte, unless this revision is here", exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the revision and the file at it."""
    home = f"datasets/{run.settings['repository']}"
    head = run.client.get(f"api/{home}", judge=_check_revision)
    yield Piece({"kind": "revision"}, head)
    at = _revision(head)
    listing = run.client.get(f"api/{home}/tree/{at}", judge=_check_listing, since=date.min)
    length, digest = _listed(listing)

    def judge(answer: Answer) -> None:
        if (answer.bytes, answer.sha256) != (length, digest):
            raise Violation(f"{answer.bytes} bytes arrived with another sha256 than the listing gives")
        _counts(answer)

    path = f"{home}/resolve/{at}/{FILE}"
    yield Piece({"kind": "models"}, run.client.get(path, judge=judge, since=date.min, compressed=False))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Count models by month and tag; the running month is left out."""
    counts, totals = _counts(only(pieces, "models").answer)
    last = f"{run.today:%Y-%m}"
    known = [text for text in sorted(totals) if FIRST < text < last]
    if not known or known != months(known[0], known[-1]):
        raise Violation("the months of the dump do not follow each other without a gap")
    figures = [
        figure(run.source.indicator, text, STRATUM, framework, counts[text, tag]) | {"total": totals[text]}
        for text in known
        for tag, framework in TAGS.items()
    ]
    revision = _revision(only(pieces, "revision").answer)
    return Snapshot(
        {}, figures=figures, span=f"{known[0]}/{known[-1]}", upstream=f"{run.settings['repository']} {revision}"
    )


def check(run: Run) -> list[Finding]:
    """Say when the dump was made."""
    home = f"datasets/{run.settings['repository']}"
    answer = run.client.get(f"api/{home}", judge=_check_revision)
    made = str(mapping(answer.json(), "the revision").get("lastModified"))[:10]
    return [Finding("day of the newest dump", shown(made), f"{run.today}", made[:7] >= f"{run.today:%Y-%m}")]


def _check_revision(answer: Answer) -> None:
    _revision(answer)


def _check_listing(answer: Answer) -> None:
    _listed(answer)


def _revision(answer: Answer) -> str:
    sha = mapping(answer.json(), "the revision").get("sha")
    if not isinstance(sha, str) or not SHA.fullmatch(sha):
        raise Violation(f"{shown(sha)} is not a revision")
    return sha


def _listed(answer: Answer) -> tuple[int, str]:
    """Return length and sha256 of the file."""
    found = [mapping(entry, "an entry") for entry in sequence(answer.json(), "the listing")]
    entries = [entry for entry in found if entry.get("path") == FILE]
    if len(entries) != 1:
        raise Violation(f"the listing holds {FILE} {len(entries)} times", retry=False)
    lfs = mapping(entries[0].get("lfs"), f"lfs of {FILE}")
    digest = lfs.get("oid")
    if not isinstance(digest, str) or not SHA256.fullmatch(digest):
        raise Violation(f"{shown(digest)} is not a sha256")
    return whole(lfs.get("size"), "size"), digest


def _counts(answer: Answer) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    """Return models by (month, tag) and by month; the two columns are read as a stream."""
    import polars as pl

    try:
        months_ = pl.col("createdAt").cast(pl.String).str.slice(0, 7).alias("month")
        tagged = [pl.col("tags").list.contains(tag).fill_null(value=False).sum().alias(tag) for tag in TAGS]
        query = pl.scan_parquet(answer.path, glob=False).group_by(months_).agg(pl.len().alias("models"), *tagged)
        rows = query.collect(engine="streaming").to_dicts()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise Violation(f"the parquet file cannot be read ({type(error).__name__})") from error
    known = [row for row in rows if row["month"] is not None]  # a model without a time of creation counts for no month
    for row in known:
        month(row["month"], "the month of a creation")
    if not known:
        raise Violation("the dump holds no model")
    return {(r["month"], tag): r[tag] for r in known for tag in TAGS}, {r["month"]: r["models"] for r in known}
