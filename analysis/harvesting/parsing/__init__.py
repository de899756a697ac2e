"""Pages of arXiv as records: Atom of the query API and OAI-PMH give rows of one shape.

Strict on purpose: a page that is cut, of another kind or without identifiers raises
``analysis.harvesting.errors.Violation`` and is never read in part. Only the standard library is used.
"""

from __future__ import annotations

import re
from datetime import date
from xml.etree import ElementTree

from analysis.harvesting.errors import Violation

RECORD_COLUMNS = (
    "arxiv_id",  # without version, the string as given: 2401.90010 keeps its zero; cs/0610046
    "version",  # "v2", or "" where the answer does not tell
    "title",
    "abstract",
    "comments",
    "categories",  # separated by spaces, in the order given
    "primary_category",  # named by Atom; in OAI-PMH the first category
    "authors",  # joined by "; "
    "created",  # YYYY-MM-DD of the first version
    "updated",  # YYYY-MM-DD of the newest version, or ""
    "submitted",  # ISO time of the first version, Atom only
    "datestamp",  # YYYY-MM-DD of the last change of the metadata, OAI-PMH only
    "doi",
    "journal_ref",
    "license",
    "deleted",  # bool; every other column is a str
)

# Four digits after the point until 2014, five since: an id that went through a float (1911.13250 -> 1911.1325) fails.
_IDENTIFIER = re.compile(
    r"(?:(?:0[7-9]|1[0-4])(?:0[1-9]|1[0-2])\.\d{4}|(?:1[5-9]|[2-9]\d)(?:0[1-9]|1[0-2])\.\d{5,6}"
    r"|[a-z-]+(?:\.[A-Za-z-]+)?/\d{7})",
    re.ASCII,
)
_ENCODING = re.compile(rb"<\?xml[^>]*?\bencoding\s*=\s*[\"']([^\"']*)[\"']")
_NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"\x00")


def tree(data: bytes) -> ElementTree.Element:
    """Return the root of a UTF-8 document without DOCTYPE.

    raises  Violation for anything else: cut or malformed, HTML, DOCTYPE or ENTITY, another encoding
    """
    _refuse_encodings(data)
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        if _is_html(data):
            raise Violation("an HTML page instead of XML")
        raise Violation("the page declares a DOCTYPE or ENTITY, which no answer of arXiv does", retry=False)
    try:
        return ElementTree.fromstring(data)  # noqa: S314 - entities cannot be declared without a DOCTYPE
    except ElementTree.ParseError as error:
        if not data.strip():
            raise Violation("an empty body") from None
        if _is_html(data):
            raise Violation("an HTML page instead of XML") from None
        raise Violation(f"cut or not well-formed XML ({error})") from None


def unexpected(root: ElementTree.Element, wanted: str) -> Violation:
    """Return the violation for a document that is not ``wanted``."""
    name = root.tag.rpartition("}")[2]
    return Violation("an HTML page instead of XML" if name == "html" else f"root element {name!r} instead of {wanted}")


def leaf(node: ElementTree.Element) -> str:
    """Return the text of an element with its white space collapsed; an element inside it raises Violation."""
    if len(node):
        raise Violation(f"element {node.tag!r} holds elements where text is expected")
    text = node.text
    if not text:
        return ""
    # Only where needed: split and join of every abstract would cost a tenth of the whole parsing.
    text = text.replace("\n", " ")
    if "\t" in text or "\r" in text:
        text = text.replace("\t", " ").replace("\r", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text.strip(" ")


def identifier(text: str) -> str:
    """Return ``text`` if it is an arXiv identifier without version, else raise Violation."""
    if not _IDENTIFIER.fullmatch(text):
        raise Violation(f"{text[:80]!r} is not an arXiv identifier")
    return text


def day(text: str, what: str) -> str:
    """Return ``text`` if it is a real date as YYYY-MM-DD, else raise Violation naming ``what``."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise Violation(f"{what}: {text[:40]!r} is not a date")


def _refuse_encodings(data: bytes) -> None:
    # expat follows byte-order marks and declarations; in another encoding the search for DOCTYPE would be blind.
    if data.startswith(_NOT_UTF8) or b"\x00" in data[:4]:
        raise Violation("the page is not UTF-8", retry=False)
    declared = _ENCODING.match(data.removeprefix(b"\xef\xbb\xbf")[:256])
    if declared and declared[1].lower() not in (b"utf-8", b"us-ascii"):
        raise Violation(f"the page declares the encoding {declared[1][:40]!r} instead of UTF-8", retry=False)


def _is_html(data: bytes) -> bool:
    start = data[:2048].lower()
    return b"<html" in start or b"<!doctype html" in start
