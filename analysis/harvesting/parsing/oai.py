"""OAI-PMH pages of arXiv in the formats ``arXiv`` and ``arXivRaw``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import RECORD_COLUMNS, day, identifier, leaf, tree, unexpected

OAI = "{http://www.openarchives.org/OAI/2.0/}"
ARXIV = "{http://arxiv.org/OAI/arXiv/}"
RAW = "{http://arxiv.org/OAI/arXivRaw/}"

# Written out for both formats: one look-up of the whole tag is cheaper than cutting its namespace off.
_FIELDS = {
    f"{space}{tag}": column
    for space in (ARXIV, RAW)
    for tag, column in {
        "id": "arxiv_id",
        "title": "title",
        "abstract": "abstract",
        "comments": "comments",
        "categories": "categories",
        "created": "created",
        "updated": "updated",
        "doi": "doi",
        "journal-ref": "journal_ref",
        "license": "license",
    }.items()
}
_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # never the locale's
_AUTHOR = (f"{ARXIV}forenames", f"{ARXIV}keyname", f"{ARXIV}suffix")
_RAW_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) \d\d:\d\d:\d\d (?:GMT|UTC)", re.ASCII)


class BadToken(Violation):
    """The resumption token is not or no longer valid (they die at midnight UTC): begin the list again."""


@dataclass(frozen=True)
class OaiPage:
    """A page of ListRecords.

    response_date  when the server answered (ISO time); the next harvest starts from the last one's
    records        one dict a record, keys ``RECORD_COLUMNS``; a deleted one has only id, datestamp and deleted=True
    token          resumption token exactly as given, or None at the end of the list
    expires        expirationDate of the token, or None
    """

    response_date: str
    records: list[dict[str, object]]
    token: str | None
    expires: str | None


def parse(data: bytes) -> OaiPage:
    """Return the page; ``noRecordsMatch`` is a page without records.

    raises  BadToken for badResumptionToken; Violation for every other error of the server, for a page that is cut,
            malformed or not OAI-PMH, and for a record without identifier, metadata or date
    """
    root = tree(data)
    if root.tag != f"{OAI}OAI-PMH":
        raise unexpected(root, "OAI-PMH")
    response_date = root.findtext(f"{OAI}responseDate", "").strip()
    error = root.find(f"{OAI}error")
    if error is not None:
        _refuse(error)
        return OaiPage(response_date, [], None, None)
    pages = root.findall(f"{OAI}ListRecords")
    if len(pages) != 1 or not response_date:
        raise Violation("the answer has no list of records or no responseDate")
    records, token, expires = [], None, None
    for node in pages[0]:
        if node.tag == f"{OAI}record":
            records.append(_record(node))
        elif node.tag == f"{OAI}resumptionToken":
            token, expires = (node.text or "").strip() or None, node.get("expirationDate")
    if not records:
        raise Violation("a list of records without records")
    return OaiPage(response_date, records, token, expires)


def _refuse(error: Element) -> None:
    code, text = error.get("code", ""), (error.text or "").strip()
    if code == "noRecordsMatch":
        return
    kind = BadToken if code == "badResumptionToken" else Violation
    raise kind(f"the server answers {code}: {text}", retry=False)


def _record(node: Element) -> dict[str, object]:
    header = node.find(f"{OAI}header")
    if header is None:
        raise Violation("a record has no header")
    name = identifier(header.findtext(f"{OAI}identifier", "").strip().removeprefix("oai:arXiv.org:"))
    record = dict.fromkeys(RECORD_COLUMNS, "")
    record["arxiv_id"] = name
    record["datestamp"] = day(header.findtext(f"{OAI}datestamp", "").strip()[:10], f"{name}: datestamp")
    record["deleted"] = header.get("status") == "deleted"
    if record["deleted"]:
        return record
    metadata = node.find(f"{OAI}metadata")
    if metadata is None or len(metadata) != 1:
        raise Violation(f"{name}: the record has no metadata")
    _read(metadata[0], record)
    record["primary_category"] = record["categories"].partition(" ")[0]
    day(record["created"], f"{name}: created")
    if record["updated"]:
        day(record["updated"], f"{name}: updated")
    return record


def _read(paper: Element, record: dict[str, object]) -> None:
    """Fill ``record`` from the element of one paper; both formats."""
    found = {}
    for node in paper:
        tag = node.tag
        if tag in _FIELDS:
            column = _FIELDS[tag]
            if column in found:
                raise Violation(f"{record['arxiv_id']}: two elements {column!r}")
            found[column] = leaf(node)
        elif tag == f"{ARXIV}authors":
            record["authors"] = "; ".join([_author(author) for author in node])
        elif tag == f"{RAW}authors":
            record["authors"] = _raw_authors(leaf(node))
        elif tag == f"{RAW}version":
            _version(node, record)
    if found.get("arxiv_id") != record["arxiv_id"]:
        raise Violation(f"{record['arxiv_id']}: the metadata are of {found.get('arxiv_id')!r}")
    record.update(found)


def _author(node: Element) -> str:
    parts = {part.tag: part.text or "" for part in node}
    names = [parts[tag].strip() for tag in _AUTHOR if parts.get(tag)]
    return " ".join(names)


def _raw_authors(text: str) -> str:
    """Cut the one line that arXivRaw gives at commas and "and", without what stands in brackets."""
    names = re.split(r",\s*(?:and\s+)?|\s+and\s+", re.sub(r"\([^()]*\)", "", text))
    return "; ".join(name.strip() for name in names if name.strip())


def _version(node: Element, record: dict[str, object]) -> None:
    number, text = node.get("version", ""), node.findtext(f"{RAW}date", "").strip()
    match = _RAW_DATE.fullmatch(text)
    if not match or match[2] not in _MONTHS:
        raise Violation(f"{record['arxiv_id']} {number}: {text[:40]!r} is not a date")
    written = f"{match[3]}-{_MONTHS.index(match[2]):02}-{int(match[1]):02}"
    record["version"] = number
    record["created" if number == "v1" else "updated"] = written
