"""Posts in Hacker News' "Who is hiring" that name a framework, from the monthly data files of ryanwi/hiringtrends.

The newest ``web/data/data-YYYYMMDD.js`` holds every month since April 2011, counted again with the terms of its own
day, so one file replaces all that stood before. It is not JSON but a script, ``data=[{month:"May24",num_comments:409,
terms:{PyTorch:{count:4,...},...}},...];``, whose names are bare and whose fractions may lack their zero. It is read as
text and turned into JSON token by token; nothing of it is run.

Verified against the public repository: names and place of the files, their form (the file of May 2024, and the
program that writes an unminified one), and that its first month is the embedded row. Nothing newer than May 2024 was
found, so a refresh is expected to change nothing until the project goes on. Not verified: how many posts name both.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources import _github
from analysis.sources._shared import decoded, figure, mapping, months, only, sequence, shown, whole

STRATUM = "Hacker News Who is hiring"
TERMS = {"PyTorch": "pytorch", "TensorFlow": "tensorflow", "Keras": "keras"}
FOLDER = "web/data"
NAME = re.compile(r"data-(20\d{6})\.js", re.ASCII)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MONTH = re.compile(rf"({'|'.join(MONTHS)})(\d\d)", re.ASCII)
TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")
      | (?P<number>-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
      | (?P<mark>[\[\]{}:,])
      | (?P<space>\s+)""",
    re.VERBOSE,
)
BYTES = 2_700_000


def plan(run: Run) -> Plan:
    """The commit, three trees and one file."""
    return Plan(
        5, BYTES, "the commit, its trees, the newest data file; the file only if there is a newer one", exact=False
    )


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the commit and the newest data file at it."""
    head = _github.commit(run)
    yield Piece({"kind": "commit"}, head)
    at, tree = _github.named(head)
    files = {name: blob for name, blob in _github.folder(run, tree, FOLDER).items() if NAME.fullmatch(name)}
    if not files:
        raise Violation(f"the repository has no data files in {FOLDER} any more")
    newest = files[max(files)]
    yield Piece(
        {"kind": "posts", "path": newest.path}, _github.raw(run, at, newest, lambda answer: _posts(answer, run))
    )


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the months of the file into figures with the number of posts as the total."""
    at, _ = _github.named(only(pieces, "commit").answer)
    piece = only(pieces, "posts")
    posts = _posts(piece.answer, run)
    figures = [
        figure(run.source.indicator, period, STRATUM, framework, counts[framework]) | {"total": counts["total"]}
        for period, counts in sorted(posts.items())
        for framework in TERMS.values()
    ]
    first, last = min(posts), max(posts)
    gaps = [text for text in months(first, last) if text not in posts]
    return Snapshot(
        tables={},
        figures=figures,
        span=f"{first}/{last}",
        upstream=f"{run.settings['repository']} {at}, {str(piece.label['path']).rpartition('/')[2]}",
        notes=f"months missing: {', '.join(gaps) or 'none'}",
    )


def check(run: Run) -> list[Finding]:
    """Say which is the newest month."""
    posts = _posts(list(fetch(run))[-1].answer, run)
    return [Finding("newest month of the newest data file", max(posts), "2024-05 or later", max(posts) >= "2024-05")]


def read_script(text: str) -> object:
    """Return the value that a script ``data = [...]`` assigns; raises Violation for anything but a literal."""
    head = re.match(r"\s*data\s*=\s*", text)
    if head is None:
        raise Violation("the file does not begin with data=")
    end = len(text.rstrip().rstrip(";"))
    place, words = head.end(), []
    while place < end:
        match = TOKEN.match(text, place, end)
        if match is None:
            raise Violation(f"the script holds {shown(text[place : place + 20])}, which is no literal")
        words.append(_word(match))
        place = match.end()
    try:
        return json.loads("".join(words), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise Violation(f"the script is no literal: {error}") from error


def _word(match: re.Match) -> str:
    """Return a token as JSON writes it."""
    kind, word = match.lastgroup, match.group()
    if kind == "name":
        return (
            word
            if word in ("true", "false", "null") and match.string[match.end() : match.end() + 1] != ":"
            else f'"{word}"'
        )
    if kind == "number":
        whole_part, dot, rest = word.partition(".")
        return (
            f"{whole_part if whole_part not in ('', '-') else whole_part + '0'}{dot}{rest}"
            if dot and rest
            else whole_part
        )
    return "" if kind == "space" else word


def _distinct(pairs: list[tuple[str, object]]) -> dict:
    content = dict(pairs)
    if len(content) != len(pairs):
        raise Violation("the script names a key twice")
    return content


def _posts(answer: Answer, run: Run) -> dict[str, dict[str, int]]:
    """Return ``{month: {framework: posts, total: posts}}``."""
    found: dict[str, dict[str, int]] = {}
    for number, entry in enumerate(sequence(read_script(decoded(answer, run.settings["max_bytes"])), "data")):
        record = mapping(entry, f"month {number}")
        period = _period(record.get("month"))
        if period in found or not "2011-01" <= period <= f"{run.today:%Y-%m}":
            raise Violation(f"{period} comes twice or lies outside 2011 to today")
        terms = mapping(record.get("terms"), f"the terms of {period}")
        total = whole(record.get("num_comments"), f"num_comments of {period}")
        counts = {"total": total}
        for term, framework in TERMS.items():
            count = whole(mapping(terms.get(term), f"{term} in {period}").get("count"), f"{term} in {period}")
            if count > total:
                raise Violation(f"{period}: {count} of {total} posts name {term}")
            counts[framework] = count
        found[period] = counts
    if not found:
        raise Violation("the file holds no month")
    return found


def _period(text: object) -> str:
    match = MONTH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise Violation(f"{shown(text)} is not a month such as May24")
    return f"20{match[2]}-{MONTHS.index(match[1]) + 1:02d}"
