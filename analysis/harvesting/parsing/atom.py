"""Atom pages of the arXiv query API."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import day, identifier, leaf, tree, unexpected

ATOM = "{http://www.w3.org/2005/Atom}"
ARXIV = "{http://arxiv.org/schemas/atom}"
OPENSEARCH = "{http://a9.com/-/spec/opensearch/1.1/}"

_FIELDS = {
    f"{ATOM}id": "id",
    f"{ATOM}title": "title",
    f"{ATOM}summary": "abstract",
    f"{ATOM}published": "submitted",
    f"{ATOM}updated": "updated",
    f"{ARXIV}comment": "comments",
    f"{ARXIV}journal_ref": "journal_ref",
    f"{ARXIV}doi": "doi",
}
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
    root = tree(data)
    if root.tag != f"{ATOM}feed":
        raise unexpected(root, "an Atom feed")
    # The error entry first: its page need not carry the counts.
    records = [_record(entry) for entry in root.iterfind(f"{ATOM}entry")]
    total, start, per_page = (_number(root, name) for name in ("totalResults", "startIndex", "itemsPerPage"))
    return Feed(total, start, per_page, records)


def _record(entry: Element) -> dict[str, object]:
    found: dict[str, str] = {}
    categories, authors, primary = [], [], ""
    for node in entry:
        tag = node.tag
        if tag in _FIELDS:
            name = _FIELDS[tag]
            if name in found:
                raise Violation(f"an entry has two elements {name!r}")
            found[name] = leaf(node)
        elif tag == f"{ATOM}category":
            categories.append(node.get("term", ""))
        elif tag == f"{ATOM}author":
            authors.append(leaf(_name(node)))
        elif tag == f"{ARXIV}primary_category":
            primary = node.get("term", "")
    address = found.get("id", "")
    if "/api/errors" in address:
        raise Violation(f"arXiv answers with an error: {found.get('abstract') or address}", retry=False)
    match = _ID.fullmatch(address)
    if not match:
        raise Violation(f"an entry has no arXiv identifier but {address[:80]!r}")
    submitted, updated = found.get("submitted", ""), found.get("updated", "")
    for time in (submitted, updated):
        if not _TIME.fullmatch(time):
            raise Violation(f"{match[1]}: {time[:40]!r} is not a time")
    return {
        "arxiv_id": identifier(match[1]),
        "version": match[2] or "",
        "title": found.get("title", ""),
        "abstract": found.get("abstract", ""),
        "comments": found.get("comments", ""),
        "categories": " ".join(categories),
        "primary_category": primary,
        "authors": "; ".join(authors),
        "created": day(submitted[:10], f"{match[1]}: published"),
        "updated": day(updated[:10], f"{match[1]}: updated"),
        "submitted": submitted,
        "datestamp": "",
        "doi": found.get("doi", ""),
        "journal_ref": found.get("journal_ref", ""),
        "license": "",
        "deleted": False,
    }


def _name(author: Element) -> Element:
    name = author.find(f"{ATOM}name")
    if name is None:
        raise Violation("an author has no name")
    return name


def _number(root: Element, name: str) -> int:
    text = root.findtext(f"{OPENSEARCH}{name}", "").strip()
    if not (text.isascii() and text.isdecimal()):
        raise Violation(f"{name} is {text[:40]!r} instead of a count")
    return int(text)
