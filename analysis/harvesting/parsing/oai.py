"""OAI-PMH pages of arXiv in the formats ``arXiv`` and ``arXivRaw``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from xml.etree.ElementTree import Element

from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import RECORD_COLUMNS, collapse, day, identifier, stream, unexpected

OAI = "{http://www.openarchives.org/OAI/2.0/}"
ARXIV = "{http://arxiv.org/OAI/arXiv/}"
RAW = "{http://arxiv.org/OAI/arXivRaw/}"
_RECORD, _HEADER, _IDENTIFIER, _DATESTAMP, _METADATA = (
    f"{OAI}{name}" for name in ("record", "header", "identifier", "datestamp", "metadata")
)
_DATE = f"{RAW}date"
_KEYNAME, _FORENAMES, _SUFFIX = (f"{ARXIV}{name}" for name in ("keyname", "forenames", "suffix"))

_MONTHS = ("", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # never the locale's
_RAW_DATE = re.compile(r"[A-Z][a-z]{2}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) \d\d:\d\d:\d\d (?:GMT|UTC)", re.ASCII)


class _Tags(NamedTuple):
    """Whole tags of a format, made once: putting them together for every record would cost a tenth of its time."""

    paper: str
    id: str
    title: str
    abstract: str
    comments: str
    categories: str
    authors: str
    created: str
    updated: str
    version: str
    doi: str
    journal_ref: str
    license: str


def _tags(space: str, paper: str) -> _Tags:
    return _Tags(f"{space}{paper}", *(f"{space}{field.replace('_', '-')}" for field in _Tags._fields[1:]))


_ARXIV, _RAW = _tags(ARXIV, "arXiv"), _tags(RAW, "arXivRaw")


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
    root, records = stream(data, f"{OAI}ListRecords", _RECORD, _record)
    if root.tag != f"{OAI}OAI-PMH":
        raise unexpected(root, "OAI-PMH")
    response_date = root.findtext(f"{OAI}responseDate", "").strip()
    error = root.find(f"{OAI}error")
    if error is not None:
        _refuse(error)
        return OaiPage(response_date, [], None, None)
    lists = root.findall(f"{OAI}ListRecords")
    # A record that is still in the tree stands where the stream did not look for it.
    if len(lists) != 1 or not response_date or root.find(f".//{_RECORD}") is not None:
        raise Violation("the answer has not one list of records, or no responseDate")
    if not records:
        raise Violation("a list of records without records")
    tokens = lists[0].findall(f"{OAI}resumptionToken")
    if len(tokens) > 1 or len(lists[0]) != len(tokens):
        raise Violation("the list of records holds something else than records and one resumption token")
    token = (tokens[0].text or "").strip() or None if tokens else None
    return OaiPage(response_date, records, token, tokens[0].get("expirationDate") if tokens else None)


def _refuse(error: Element) -> None:
    code, text = error.get("code", ""), (error.text or "").strip()
    if code == "noRecordsMatch":
        return
    kind = BadToken if code == "badResumptionToken" else Violation
    raise kind(f"the server answers {code}: {text}", retry=False)


def _record(node: Element) -> dict[str, object]:
    header = node.find(_HEADER)
    if header is None:
        raise Violation("a record has no header")
    name = identifier(header.findtext(_IDENTIFIER, "").strip().removeprefix("oai:arXiv.org:"))
    datestamp = day(header.findtext(_DATESTAMP, "").strip()[:10])
    if header.get("status") == "deleted":
        return dict.fromkeys(RECORD_COLUMNS, "") | {"arxiv_id": name, "datestamp": datestamp, "deleted": True}
    metadata = node.find(_METADATA)
    if metadata is None or len(metadata) != 1:
        raise Violation(f"{name}: the record has no metadata")
    paper = metadata[0]
    if paper.tag == _ARXIV.paper:
        return _paper(paper, name, datestamp)
    if paper.tag == _RAW.paper:
        return _raw_paper(paper, name, datestamp)
    raise unexpected(paper, "arXiv or arXivRaw")


def _paper(paper: Element, name: str, datestamp: str) -> dict[str, object]:
    leaves = {node.tag: node.text for node in paper}
    authors = paper.find(_ARXIV.authors)
    nested = 0 if authors is None else len(authors)
    if len(leaves) != len(paper) or sum(map(len, paper)) != nested:
        raise Violation(f"{name}: an element is repeated, or stands where text is expected")
    record = _row(leaves, _ARXIV, name, datestamp)
    record["authors"] = "; ".join(map(_author, authors)) if nested else ""
    record["created"] = day(collapse(leaves.get(_ARXIV.created)))
    record["updated"] = day(collapse(leaves[_ARXIV.updated])) if _ARXIV.updated in leaves else ""
    return record


def _raw_paper(paper: Element, name: str, datestamp: str) -> dict[str, object]:
    leaves = {node.tag: node.text for node in paper}
    versions = paper.findall(_RAW.version)
    if not versions or versions[0].get("version") != "v1":
        raise Violation(f"{name}: the first version is missing")
    if len(leaves) != len(paper) - len(versions) + 1 or sum(map(len, paper)) != sum(map(len, versions)):
        raise Violation(f"{name}: an element is repeated, or stands where text is expected")
    record = _row(leaves, _RAW, name, datestamp)
    record["version"] = versions[-1].get("version", "")
    record["authors"] = _raw_authors(collapse(leaves.get(_RAW.authors)))
    record["created"] = _raw_day(versions[0])
    record["updated"] = _raw_day(versions[-1]) if len(versions) > 1 else ""
    return record


def _row(leaves: dict[str, str | None], tags: _Tags, name: str, datestamp: str) -> dict[str, object]:
    """Return the record of what both formats write alike; ``leaves`` holds the text of each element by its tag."""
    text = leaves.get
    if collapse(text(tags.id)) != name:
        raise Violation(f"{name}: the metadata are of {text(tags.id)!r}")
    categories = collapse(text(tags.categories))
    return {
        "arxiv_id": name,
        "version": "",
        "title": collapse(text(tags.title)),
        "abstract": collapse(text(tags.abstract)),
        "comments": collapse(text(tags.comments)),
        "categories": categories,
        "primary_category": categories.partition(" ")[0],
        "authors": "",
        "created": "",
        "updated": "",
        "submitted": "",
        "datestamp": datestamp,
        "doi": collapse(text(tags.doi)),
        "journal_ref": collapse(text(tags.journal_ref)),
        "license": collapse(text(tags.license)),
        "deleted": False,
    }


def _author(node: Element) -> str:
    family = collapse(node.findtext(_KEYNAME))
    forenames = node.findtext(_FORENAMES)
    suffix = node.findtext(_SUFFIX)
    name = f"{collapse(forenames)} {family}" if forenames else family
    return f"{name} {collapse(suffix)}" if suffix else name


def _raw_authors(text: str) -> str:
    """Cut the one line that arXivRaw gives at commas and "and", without what stands in brackets."""
    names = re.split(r",\s*(?:and\s+)?|\s+and\s+", re.sub(r"\([^()]*\)", "", text))
    return "; ".join(name.strip() for name in names if name.strip())


def _raw_day(version: Element) -> str:
    text = version.findtext(_DATE, "").strip()
    match = _RAW_DATE.fullmatch(text)
    if not match or match[2] not in _MONTHS:
        raise Violation(f"{text[:40]!r} is not a date")
    return day(f"{match[3]}-{_MONTHS.index(match[2]):02}-{int(match[1]):02}")
