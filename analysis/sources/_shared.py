"""What several sources need: strict values, what stood before, and answers that a source writes for itself."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Run
from analysis.harvesting.snapshots import FIGURES
from reproductions.errors import SurveyError

EMBEDDED = Path(__file__).resolve().parents[2] / "data" / "adoption_figures.csv"
LARGEST = 10**12  # no count of any source comes near; a larger one is a fault
_WHOLE = re.compile(r"[0-9]{1,15}", re.ASCII)
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])", re.ASCII)


def whole(value: object, what: str) -> int:
    """Return a count given as a whole number or as its digits; anything else raises Violation."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST:
        raise Violation(f"{what}: {shown(value)} is not a count")
    return value


def mapping(value: object, what: str) -> Mapping:
    """Return a JSON object; anything else raises Violation."""
    if not isinstance(value, dict):
        raise Violation(f"{what} is {shown(value)} and not an object")
    return value


def sequence(value: object, what: str) -> list:
    """Return a JSON array; anything else raises Violation."""
    if not isinstance(value, list):
        raise Violation(f"{what} is {shown(value)} and not a list")
    return value


def month(value: object, what: str) -> str:
    """Return a month written 2024-03; anything else raises Violation."""
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise Violation(f"{what}: {shown(value)} is not a month")
    return value


def shown(value: object) -> str:
    """Return a value as it may stand in a message: short, one line, printable."""
    return ascii(value)[:60]


def next_month(text: str) -> str:
    """Return the month after ``2024-03``."""
    year, number = int(text[:4]), int(text[5:])
    return f"{year + number // 12}-{number % 12 + 1:02d}"


def months(first: str, last: str) -> list[str]:
    """Return the months from ``first`` to ``last``, both included."""
    found = []
    while first <= last:
        found.append(first)
        first = next_month(first)
    return found


def decoded(answer: Answer, limit: int) -> str:
    """Return a body as text; what is not UTF-8 raises Violation."""
    try:
        return answer.read(limit).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Violation(f"the body is not UTF-8: {error}") from error


def table(text: str, columns: Iterable[str], what: str) -> list[dict[str, str]]:
    """Return the rows of a CSV text with exactly these columns; a row of another length raises Violation."""
    columns = list(columns)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise Violation(f"{what}: not a CSV table: {error}") from error
    if not rows or rows[0] != columns:
        raise Violation(f"{what}: the columns are {shown(rows[0] if rows else '')}, expected {','.join(columns)}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(columns):
            raise Violation(f"{what}: row {number} has {len(row)} fields instead of {len(columns)}")
    return [dict(zip(columns, row, strict=True)) for row in rows[1:]]


def figure(indicator: str | None, period: str, stratum: str, framework: str, count: int) -> dict:
    """Return a row of figures whose source does not say out of how many."""
    return {
        "indicator": indicator,
        "period": period,
        "stratum": stratum,
        "framework": framework,
        "count": count,
        "total": None,
    }


def standing(run: Run) -> list[dict]:
    """Return the figures that stand now: those of the last snapshot, or the embedded ones that it supersedes."""
    before = run.latest()
    if before is not None:
        rows = before.rows(FIGURES)
    else:
        with EMBEDDED.open(encoding="utf-8", newline="") as handle:
            rows = [row for row in csv.DictReader(handle) if row["source"] in run.source.supersedes]
    return [
        {name: row[name] for name in ("indicator", "period", "stratum", "framework")}
        | {"count": int(row["count"]), "total": int(row["total"]) if row["total"] else None}
        for row in rows
    ]


def note(run: Run, name: str, content: object) -> Answer:
    """Keep ``content`` as an answer of the source's own, so that parsing needs nothing but the kept answers.

    name  what it holds: ``pypi:transformers wheels``
    """
    body = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    cache, key = run.client.cache, run.client.key(name)
    digest = hashlib.sha256(body).hexdigest()
    known = cache.find(key, run.today)
    if known is not None and known.sha256 == digest:
        return known
    with cache.scratch(key) as path:
        try:
            path.write_bytes(body)
        except OSError as error:
            from reproductions.files import explain

            raise explain(error, path) from error
        return cache.keep(
            Answer(
                path=path,
                url=name,
                status=200,
                headers={},
                retrieved=datetime.now(UTC).isoformat(timespec="microseconds"),
                sha256=digest,
                bytes=len(body),
                key=key,
            )
        )


def only(pieces: Iterable, kind: str):
    """Return the one piece whose label has this ``kind``; raises SurveyError if there is another number of them."""
    found = [piece for piece in pieces if piece.label.get("kind") == kind]
    if len(found) != 1:
        raise SurveyError(f"{len(found)} kept answers of the kind {kind!r} instead of one; fetch the source again")
    return found[0]
