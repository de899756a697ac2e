"""Atom pages of the arXiv query API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import collapse, day, identifier, stream, unexpected

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"

# Made once: putting the tags together for every entry would cost a tenth of its time.
_ADDRESS, _TITLE, _SUMMARY, _PUBLISHED, _UPDATED, _CATEGORY, _AUTHOR, _NAME, _LINK = (
    f"{ATOM}{name}" for name in ("id", "title", "summary", "published", "updated", "category", "author", "name", "link")
)
_COMMENT, _JOURNAL, _DOI, _PRIMARY = (
    f"{ARXIV}{name}" for name in ("comment", "journal_ref", "doi", "primary_category")
)
_ID = re.compile(r"https?://arxiv\.org/abs/(.+?)(v[1-9]\d*)?", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)", re.ASCII)


@dataclass(frozen=True)
class Feed:
    """A page of the query API.

    total           papers that the query finds, as the page says
    start           index of the page's first entry, as the page says
    items_per_page  echo of max_results, not the number of entries: never count with it
    records         one dict an entry, keys ``RECORD_COLUMNS``
    """

    total: int
    start: int
    items_per_page: int
    records: list[dict[str, object]]


def parse(data: bytes) -> Feed:
    """Return the page; an empty one is a page without records (whether that can be is for the caller to judge).

    raises  Violation for an error entry of arXiv (with its message, also under status 200), for a page that is cut,
            malformed or not Atom, and for an entry without identifier or date
    """
    root, records = stream(data, f"{ATOM}feed", f"{ATOM}entry", _record)
    if root.tag != f"{ATOM}feed":
        raise unexpected(root, "an Atom feed")
    total, start, per_page = (_number(root, name) for name in ("totalResults", "startIndex", "itemsPerPage"))
    return Feed(total, start, per_page, records)


def _record(entry: Element) -> dict[str, object]:
    leaves = {node.tag: node.text for node in entry}
    text = leaves.get
    address = collapse(text(_ADDRESS))
    if "/api/errors" in address:
        raise Violation(f"arXiv answers with an error: {collapse(text(_SUMMARY)) or address}", retry=False)
    match = _ID.fullmatch(address)
    if not match:
        raise Violation(f"an entry has no arXiv identifier but {address[:80]!r}")
    name = identifier(match[1])
    authors = entry.findall(_AUTHOR)
    categories = [node.get("term", "") for node in entry.findall(_CATEGORY)]
    links = entry.findall(_LINK)
    # Everything but these three stands once, and only authors hold elements.
    single = len(entry) - len(authors) - len(categories) - len(links)
    kinds = bool(authors) + bool(categories) + bool(links)
    if single + kinds != len(leaves) or sum(map(len, entry)) != sum(map(len, authors)):
        raise Violation(f"{name}: an element is repeated, or stands where text is expected")
    submitted, updated = collapse(text(_PUBLISHED)), collapse(text(_UPDATED))
    if not (_TIME.fullmatch(submitted) and _TIME.fullmatch(updated)):
        raise Violation(f"{name}: {submitted[:40]!r} or {updated[:40]!r} is not a time")
    primary = entry.find(_PRIMARY)
    return {
        "arxiv_id": name,
        "version": match[2] or "",
        "title": collapse(text(_TITLE)),
        "abstract": collapse(text(_SUMMARY)),
        "comments": collapse(text(_COMMENT)),
        "categories": " ".join(categories),
        "primary_category": "" if primary is None else primary.get("term", ""),
        "authors": "; ".join([collapse(author.findtext(_NAME)) for author in authors]),
        "created": day(submitted[:10]),
        "updated": day(updated[:10]),
        "submitted": submitted,
        "datestamp": "",
        "doi": collapse(text(_DOI)),
        "journal_ref": collapse(text(_JOURNAL)),
        "license": "",
        "deleted": False,
    }


def _number(root: Element, name: str) -> int:
    text = root.findtext(f"{OPENSEARCH}{name}", "").strip()
    if not (text.isascii() and text.isdecimal()):
        raise Violation(f"{name} is {text[:40]!r} instead of a count")
    return int(text)
