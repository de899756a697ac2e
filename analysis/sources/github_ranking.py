"""Github-Ranking: stars of the frameworks' repositories on the first ranking of each month.

One CSV file a day since 2018-12-18 in ``Data/`` of EvanLi/Github-Ranking. Of each month the first file counts, and only
months that neither the last snapshot nor the embedded rows hold are asked for: the others are carried on as they stand.
A repository stands in several lists of one file; its first row counts, and the others must agree within 2 %.

Verified against files of 2019-01-02 and 2026-08-01: name and place of the files, the eleven columns, and that the first
rows of tensorflow and pytorch in the latter are the embedded counts. Not seen: whether jax-ml/jax (formerly google/jax)
enters a list again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources import _github
from analysis.sources._shared import (
    decoded,
    figure,
    mapping,
    month,
    months,
    note,
    only,
    sequence,
    standing,
    table,
    whole,
)

COLUMNS = "rank item repo_name stars forks language repo_url username issues last_commit description"
REPOSITORIES = {
    "pytorch/pytorch": "pytorch",
    "tensorflow/tensorflow": "tensorflow",
    "keras-team/keras": "keras",
    "google/jax": "jax",
    "jax-ml/jax": "jax",
}
FOLDER = "Data"
NAME = re.compile(r"github-ranking-(20\d\d-(?:0[1-9]|1[0-2]))-(\d\d)\.csv", re.ASCII)
FIRST = "2018-12"
AGREE = 0.02
BYTES = 700_000


def plan(run: Run) -> Plan:
    """One file for each month that is not known yet, and three requests to find them."""
    last = f"{run.today:%Y-%m}"
    known = {row["period"] for row in standing(run)}
    new = [text for text in months(FIRST, last) if text not in known]
    return Plan(3 + len(new), 3_000_000 + len(new) * BYTES, f"{len(new)} months, where they exist", exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the commit, what is carried on, and the first ranking of each new month."""
    head = _github.commit(run)
    yield Piece({"kind": "commit"}, head)
    at, tree = _github.named(head)
    rows = standing(run)
    known = {row["period"] for row in rows}
    firsts = first_rankings(_github.folder(run, tree, FOLDER))
    if not firsts:
        raise Violation(f"the repository has no rankings in {FOLDER} any more")
    yield Piece({"kind": "carried"}, note(run, f"{run.source.id}: months before", rows))
    new = [(text, blob) for text, blob in sorted(firsts.items()) if text not in known and text <= f"{run.today:%Y-%m}"]
    for text, blob in run.progress(new, "month"):
        yield Piece({"kind": "ranking", "month": text}, _github.raw(run, at, blob, lambda a: _judge(a, run)))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Join the new months to those that stand."""
    figures = [
        figure(run.source.indicator, month(row["period"], "month"), row["stratum"], row["framework"], row["count"])
        for row in map(_carried, sequence(only(pieces, "carried").answer.json(), "the months before"))
    ]
    for piece in pieces:
        if piece.label["kind"] == "ranking":
            text = month(piece.label["month"], "month")
            stars = _stars(piece.answer, run)
            figures += [figure(run.source.indicator, text, name, REPOSITORIES[name], n) for name, n in stars.items()]
    at, _ = _github.named(only(pieces, "commit").answer)
    periods = sorted({row["period"] for row in figures})
    gaps = sorted(set(months(periods[0], periods[-1])) - set(periods))
    return Snapshot(
        tables={},
        figures=figures,
        span=f"{periods[0]}/{periods[-1]}",
        upstream=f"{run.settings['repository']} {at}",
        notes=f"months without a ranking: {', '.join(gaps) or 'none'}",
    )


def check(run: Run) -> list[Finding]:
    """Say what the newest ranking holds, and how far its lists disagree about one repository."""
    at, tree = _github.named(_github.commit(run))
    text, blob = max(first_rankings(_github.folder(run, tree, FOLDER)).items())
    stars = _stars(_github.raw(run, at, blob, lambda answer: _judge(answer, run)), run)
    found = ", ".join(f"{name} {count}" for name, count in sorted(stars.items()))
    both = {"pytorch/pytorch", "tensorflow/tensorflow"} <= set(stars)
    return [Finding(f"repositories in the first ranking of {text}", found, "pytorch and tensorflow", both)]


def first_rankings(blobs: dict) -> dict[str, _github.Blob]:
    """Return the first file of each month."""
    firsts: dict[str, _github.Blob] = {}
    for name in sorted(blobs):
        match = NAME.fullmatch(name)
        if match:
            firsts.setdefault(match[1], blobs[name])
    return firsts


def _judge(answer: Answer, run: Run) -> None:
    if not _stars(answer, run):
        raise Violation("no framework's repository is in the ranking")


def _stars(answer: Answer, run: Run) -> dict[str, int]:
    """Return the stars of the frameworks' repositories: of the first row of each."""
    stars: dict[str, int] = {}
    for row in table(decoded(answer, run.settings["max_bytes"]), COLUMNS.split(), "the ranking"):
        name = row["repo_url"].removeprefix("https://github.com/").lower()
        if name not in REPOSITORIES:
            continue
        count = whole(row["stars"], name)
        if count < 1 or abs(count - stars.get(name, count)) > AGREE * count:
            raise Violation(f"{name} has {stars.get(name)} stars in one list and {count} in another")
        stars.setdefault(name, count)
    return stars


def _carried(row: object) -> dict:
    row = mapping(row, "a month before")
    if row.get("framework") != REPOSITORIES.get(str(row.get("stratum"))):
        raise Violation("a month before names no repository of ours")
    return {**row, "count": whole(row.get("count"), "stars")}
