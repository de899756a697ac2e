"""Downloads of PyPI packages over 30 days, from the monthly releases of hugovk/top-pypi-packages.

Each month is a tag ``YYYY.MM`` of the repository; the file at a tag never changes. A month's row is that of its tag and
covers roughly the month before. Only months after those that stand are asked for, one small request to find the tags
and one file each; a tag that does not exist is a missing month. A package below the list's cut has no row: not zero.

Verified against the public repository: the file's name and form (2025 and 2026: ``rows`` of ``download_count`` and
``project``, ``last_update``), that its torch of April 2025 is the embedded row, and the workflow that tags each month.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources import _github
from analysis.sources._shared import figure, mapping, month, months, note, only, sequence, shown, standing, whole

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
    "onnxruntime": "onnx",
    "mxnet": "mxnet",
    "paddlepaddle": "paddlepaddle",
}
PATH = "top-pypi-packages.min.json"
TAG = re.compile(r"refs/tags/(20\d\d)\.(0[1-9]|1[0-2])", re.ASCII)
UPDATED = re.compile(r"(20\d\d-\d\d)-\d\d \d\d:\d\d:\d\d", re.ASCII)
BYTES = 900_000


def plan(run: Run) -> Plan:
    """One request for the tags of each year since, and a file for each month that is not known yet."""
    new = _wanted(run)
    years = len({text[:4] for text in new})
    return Plan(years + len(new), len(new) * BYTES, f"{len(new)} months, where they exist", exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield what is carried on, and the list of each new month."""
    rows = standing(run)
    wanted, known = _wanted(run), max(row["period"] for row in rows)
    years = sorted({text[:4] for text in [known, *wanted]}) if wanted else []
    tags = {tag for year in years for tag in _tags(run, year)}
    if wanted and known not in tags:
        raise Violation(f"the tags lack {known}, which stood before: the list is not whole")
    yield Piece({"kind": "carried"}, note(run, f"{run.source.id}: months before", rows))
    for text in run.progress(sorted(tags.intersection(wanted)), "month"):
        address = f"{run.settings['repository']}/{text.replace('-', '.')}/{PATH}"
        judge = lambda answer, text=text: _judge(answer, text)  # noqa: E731
        yield Piece({"kind": "list", "month": text}, run.client.get(address, judge=judge, since=date.min))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Join the new months to those that stand."""
    figures = []
    for carried in sequence(only(pieces, "carried").answer.json(), "the months before"):
        row = mapping(carried, "a month before")
        if PACKAGES.get(str(row.get("stratum"))) != row.get("framework"):
            raise Violation("a month before names no package of ours")
        text, count = month(row.get("period"), "month"), whole(row.get("count"), "downloads")
        figures.append(figure(run.source.indicator, text, row["stratum"], row["framework"], count))
    for piece in pieces:
        if piece.label["kind"] == "list":
            text = month(piece.label["month"], "month")
            counts = _downloads(piece.answer)
            figures += [figure(run.source.indicator, text, name, PACKAGES[name], n) for name, n in counts.items()]
    periods = sorted({row["period"] for row in figures})
    gaps = sorted(set(months(periods[0], periods[-1])) - set(periods))
    return Snapshot(
        tables={},
        figures=figures,
        span=f"{periods[0]}/{periods[-1]}",
        upstream=f"{run.settings['repository']} {periods[-1].replace('-', '.')}",
        notes=f"months without a list: {', '.join(gaps) or 'none'}",
    )


def check(run: Run) -> list[Finding]:
    """Say which months of this year have a tag."""
    found = sorted(_tags(run, str(run.today.year)))
    return [Finding("months of this year with a tag", " ".join(found) or "none", "every month up to now", bool(found))]


def _wanted(run: Run) -> list[str]:
    known = {row["period"] for row in standing(run)}
    return months(max(known), f"{run.today:%Y-%m}")[1:]


def _tags(run: Run, year: str) -> set[str]:
    """Return the months of a year that have a tag."""

    def judge(answer: Answer) -> None:
        _refs(answer, year)

    address = f"{run.settings['api_base_url'].rstrip('/')}/repos/{run.settings['repository']}"
    answer = run.client.get(
        f"{address}/git/matching-refs/tags/{year}.", judge=_github.within_budget(judge), accept=(200, 403, 429)
    )
    return _refs(answer, year)


def _refs(answer: Answer, year: str) -> set[str]:
    found = set()
    for entry in sequence(answer.json(), "the tags"):
        name = mapping(entry, "a tag").get("ref")
        if not isinstance(name, str) or not name.startswith(f"refs/tags/{year}."):
            raise Violation(f"asked for tags of {year}, got {shown(name)}")
        if match := TAG.fullmatch(name):
            found.add(f"{match[1]}-{match[2]}")
    return found


def _judge(answer: Answer, text: str) -> None:
    content = mapping(answer.json(), "the list")
    updated = UPDATED.fullmatch(str(content.get("last_update")))
    if updated is None or updated[1] != text:
        raise Violation(f"the list of {text} was made {shown(content.get('last_update'))}")
    if not {"torch", "tensorflow"} <= set(_downloads(answer)):
        raise Violation("torch or tensorflow is not in the list")


def _downloads(answer: Answer) -> dict[str, int]:
    """Return the downloads of our packages; checks that the whole list is in order and names nothing twice."""
    content = mapping(answer.json(), "the list")
    found: dict[str, int] = {}
    seen, before = set(), None
    for entry in sequence(content.get("rows"), "the list's rows"):
        row = mapping(entry, "a row")
        name = row.get("project")
        count = whole(row.get("download_count"), "download_count")
        if not isinstance(name, str) or name in seen:
            raise Violation(f"the list holds {shown(name)} twice, or no name")
        if before is not None and count > before:
            raise Violation("the list is not in order of downloads")
        seen.add(name)
        before = count
        if name in PACKAGES:
            found[name] = count
    if len(seen) < 1000:
        raise Violation(f"the list holds {len(seen)} packages instead of thousands")
    return found
