"""The Papers with Code archive: repositories of papers with the framework label they carried until July 2025.

Two data sets on the Hugging Face hub, each pinned by revision. The hub names size and sha256 of every file at a
revision; what comes must match both. Only parquet is read, by column, and nothing of it is executed. The files are
share-alike and stay in the cache; the counts that land carry the licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from analysis.harvesting.cache import Answer
from analysis.harvesting.client import TooLong
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from reproductions.errors import SurveyError

NEVER_CHANGES = date.min  # a revision is pinned: an answer of any day will do
SHA256 = re.compile(r"[0-9a-f]{64}")
FILE = re.compile(r"data/[A-Za-z0-9._-]+\.parquet")
MAGIC = b"PAR1"
LINKS, PAPERS = "links", "papers"
FIELDS = ("papers_by_field", "clustering_by_field", "clustering_by_field_quarter", "bootstrap_by_field")
CATEGORIES_FROM = "arxiv_query"
DRAWN = ("pytorch", "tensorflow")  # classes of the figures: papers with one of the two and not the other


def plan(run: Run) -> Plan:
    """Return the files that are not kept yet, with their sizes where the hub has named them."""
    requests, size, exact = 0, 0, True
    for part in (LINKS, PAPERS):
        tree = run.client.known(_tree(run, part), since=NEVER_CHANGES)
        if tree is None:
            requests, size, exact = requests + 2, size + run.settings[f"{part}_bytes"], False
            continue
        for name, length, _ in _files(tree):
            if run.client.known(_file(run, part, name), since=NEVER_CHANGES) is None:
                requests, size = requests + 1, size + length
    return Plan(requests, size, "pinned revisions; fetched once", exact=exact)


class Contradicted(SourceError):
    """A file that is not what the hub's list says of it: one of the two is wrong."""


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the file lists and the files of both data sets."""
    for part in (LINKS, PAPERS):
        try:
            pieces = _part(run, part)
        except Contradicted as contradicted:
            # The list may be the wrong one, and it is kept for good: it is asked for once more.
            run.client.forget(_tree(run, part), reason=contradicted.what)
            run.say(f"{contradicted}; asking for the list of files again")
            pieces = _part(run, part)
        yield from pieces


def _part(run: Run, part: str) -> list[Piece]:
    tree = run.client.get(_tree(run, part), judge=_files, since=NEVER_CHANGES)
    pieces = [Piece({"part": part, "file": ""}, tree)]
    for name, length, sha256 in run.progress(_files(tree), f"{part} file"):
        run.say(f"{part}: {name}, {length / 1e6:.0f} MB")
        pieces.append(Piece({"part": part, "file": name}, _get_file(run, part, name, length, sha256)))
    return pieces


def _get_file(run: Run, part: str, name: str, length: int, sha256: str) -> Answer:
    """Return a file that is what the hub names; raises Contradicted where it never is."""
    wrong: list[str] = []

    def judge(answer: Answer) -> None:
        try:
            _judge_file(answer, length, sha256)
        except Violation as violation:
            wrong.append(answer.sha256)
            # Large as they are: what has come twice alike will not come otherwise a third time.
            raise Violation(violation.reason, retry=wrong.count(answer.sha256) < 2) from None

    # One byte more than named is enough to tell a longer file.
    limits = {"compressed": False, "max_bytes": length + 1}
    try:
        return run.client.get(_file(run, part, name), judge=judge, since=NEVER_CHANGES, **limits)
    except SourceError as error:
        if wrong or isinstance(error, TooLong):
            raise Contradicted(error.source, error.page, error.what, error.remedy) from error
        raise


def _tree(run: Run, part: str) -> str:
    repository, revision = run.settings[f"{part}_repository"], run.settings[f"{part}_revision"]
    return f"/api/datasets/{repository}/tree/{revision}/data"


def _file(run: Run, part: str, name: str) -> str:
    repository, revision = run.settings[f"{part}_repository"], run.settings[f"{part}_revision"]
    return f"/datasets/{repository}/resolve/{revision}/{name}"


def _files(answer: Answer) -> list[tuple[str, int, str]]:
    """Return (path, bytes, sha256) of every parquet file that a list of the hub names; raises Violation otherwise."""
    content = answer.json()
    if not isinstance(content, list) or not all(isinstance(entry, dict) for entry in content):
        raise Violation("the list of files is not a list of objects")
    files = []
    for entry in content:
        path, large = entry.get("path"), entry.get("lfs")
        if not isinstance(path, str) or not path.endswith(".parquet"):
            continue
        if not FILE.fullmatch(path) or not isinstance(large, dict):
            raise Violation(f"{path[:80]!r} is not described as a parquet file of the folder data")
        size, sha256 = large.get("size"), large.get("oid")
        if type(size) is not int or size <= 0 or not isinstance(sha256, str) or not SHA256.fullmatch(sha256):
            raise Violation(f"{path}: no size and sha256")
        files.append((path, size, sha256))
    names = sorted(path for path, _, _ in files)
    whole = [f"data/train-{k:05d}-of-{len(names):05d}.parquet" for k in range(len(names))]
    if not files or names != whole:
        raise Violation(f"the parquet files named are not all of one set: {', '.join(names) or 'none'}")
    return sorted(files)


def _judge_file(answer: Answer, length: int, sha256: str) -> None:
    if answer.bytes != length:
        raise Violation(f"{answer.bytes} bytes came instead of {length}")
    if answer.sha256 != sha256:
        raise Violation(f"the sha256 is {answer.sha256}, the hub names {sha256}")
    with answer.open() as handle:
        head = handle.read(4)
        handle.seek(-4, 2)
        if (head, handle.read(4)) != (MAGIC, MAGIC):
            raise Violation("not a parquet file")


def parquet_files(pieces: Iterable[Piece], part: str) -> list[Path]:
    """Return the kept parquet files of ``links`` or ``papers``, in order."""
    return [p.answer.path for p in pieces if p.label["part"] == part and p.label["file"]]


def extract(run: Run, pieces: Iterable[Piece]) -> Snapshot:
    """Return counts of repositories and papers by publication month and label, and the figures of the default rule."""
    import polars as pl

    from analysis import archive_clusters, archive_labels

    pieces = list(pieces)
    files = {part: parquet_files(pieces, part) for part in (LINKS, PAPERS)}
    for part, paths in files.items():
        try:
            rows = sum(pl.scan_parquet(path).select(pl.len()).collect().item() for path in paths)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise _unreadable(run, part, f"cannot be read as parquet ({error})") from error
        if rows != run.settings[f"{part}_rows"]:
            raise _unreadable(run, part, f"{rows} rows instead of {run.settings[f'{part}_rows']}")
    try:
        tables = archive_labels.count(files[LINKS][0], files[PAPERS])
        clusters = archive_clusters.cluster_tables(files[LINKS][0], files[PAPERS])
        fields, note = _fields(run, files)
    except pl.exceptions.PolarsError as error:
        raise _unreadable(run, LINKS, f"does not have the known columns ({error})") from error
    months = sorted(row["month"] for row in tables["papers_by_month"].to_dicts())
    if not months:
        raise _unreadable(run, LINKS, "no link has a paper with a date")
    return Snapshot(
        tables={name: table.to_dicts() for name, table in (tables | clusters).items()} | fields,
        figures=archive_labels.figures(tables).filter(pl.col("framework").is_in(DRAWN)).to_dicts(),
        span=f"{months[0]}/{months[-1]}",
        upstream=" ".join(f"{part} {run.settings[f'{part}_revision'][:10]}" for part in (LINKS, PAPERS)),
        notes=note,
    )


def _fields(run: Run, files: dict[str, list[Path]]) -> tuple[dict[str, list[dict]], str]:
    """Return the tables by field, which need the categories of arXiv's harvest; without it what stood before stays."""
    from analysis import archive_clusters
    from analysis.harvesting import records

    # The harvest of the query API reaches back years; that of OAI-PMH begins with the month before last.
    harvest = replace(run, source=replace(run.source, id=CATEGORIES_FROM)).folder / "work" / "records"
    if records.parts(harvest):
        made = archive_clusters.field_tables(files[LINKS][0], files[PAPERS], records.latest(harvest))
        tables = {name: table.to_dicts() for name, table in made.items()}
        return tables, f"fields by the categories of the harvest of {CATEGORIES_FROM}"
    before = run.latest()
    kept = {name: before.rows(name) if before else [] for name in FIELDS}
    return kept, "" if kept[FIELDS[0]] else f"no fields yet: refresh {CATEGORIES_FROM}, then this source once more"


def _unreadable(run: Run, part: str, what: str) -> SurveyError:
    repository = run.settings[f"{part}_repository"]
    remedy = f"check sources.{run.source.id}.{part}_revision and {part}_rows, then remove its answers from the cache"
    return SourceError(run.source.id, repository, what, remedy)


def check(run: Run) -> list[Finding]:
    """Compare the pinned sizes with what the hub names, and say whether the hub has newer revisions."""
    findings = []
    for part in (LINKS, PAPERS):
        files = _files(run.client.get(_tree(run, part), judge=_files, since=NEVER_CHANGES))
        size, expected = sum(length for _, length, _ in files), run.settings[f"{part}_bytes"]
        near = abs(size - expected) <= run.settings[f"{part}_bytes_off"]
        findings.append(Finding(f"{part}: bytes at the pinned revision", str(size), f"about {expected}", near))
        card = run.client.get(f"/api/datasets/{run.settings[f'{part}_repository']}", judge=lambda a: a.json() and None)
        content = card.json()
        head = content.get("sha") if isinstance(content, dict) else None
        pinned = run.settings[f"{part}_revision"]
        findings.append(Finding(f"{part}: newest revision", str(head), f"{pinned} is pinned"))
    return findings
