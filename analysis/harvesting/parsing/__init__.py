"""Pages of arXiv as records: Atom of the query API and OAI-PMH give rows of one shape.

Strict on purpose: a page that is cut, of another kind or without identifiers raises
``analysis.harvesting.errors.Violation`` and is never read in part. Only the standard library is used.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from functools import lru_cache
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser

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
_PIECE = 1 << 16  # bytes fed at a time: the part of the tree that exists stays in the processor's cache
_WHITE = " \n\t\r"
_NOT_UTF8 = (b"\xff\xfe", b"\xfe\xff", b"\x00")


def stream(
    data: bytes, holder: str, child: str, read: Callable[[Element], dict[str, object]]
) -> tuple[Element, list[dict[str, object]]]:
    """Read a UTF-8 document without DOCTYPE piece by piece, so that its tree is never held as a whole.

    holder   tag of the element that holds the records
    child    tag of a record; ``read`` makes a dict of each, then it leaves the tree
    returns  the root with everything else in it, and the dicts in the order of the document
    raises   Violation for anything else: cut or malformed, HTML, DOCTYPE or ENTITY, another encoding; or what ``read``
             raises
    """
    _refuse_encodings(data)
    # An ENTITY can be declared in a DOCTYPE only: elsewhere the parser itself refuses it.
    if b"<!DOCTYPE" in data:
        if _is_html(data):
            raise Violation("an HTML page instead of XML")
        raise Violation("the page declares a DOCTYPE, which no answer of arXiv does", retry=False)
    try:
        with _no_collection():
            return _stream(data, holder, child, read)
    except ParseError as error:
        if not data.strip():
            raise Violation("an empty body") from None
        if _is_html(data):
            raise Violation("an HTML page instead of XML") from None
        raise Violation(f"cut or not well-formed XML ({error})") from None


def _stream(
    data: bytes, holder: str, child: str, read: Callable[[Element], dict[str, object]]
) -> tuple[Element, list[dict[str, object]]]:
    # An element around the document's root, begun by hand, shows the tree while it grows. The builder itself must be
    # the parser's target: methods written in Python would be called for each tag and cost more than all the rest.
    builder = TreeBuilder()
    around = builder.start("around", {})
    parser = XMLParser(target=builder)  # noqa: S314 - without a DOCTYPE there are no entities to expand
    parent, records = None, []
    for position in range(0, len(data) + _PIECE, _PIECE):
        closing = position >= len(data)
        if closing:
            parser.close()
        else:
            parser.feed(data[position : position + _PIECE])
        if parent is None and len(around):
            parent = around[0] if around[0].tag == holder else around[0].find(holder)
        if parent is not None:
            # All children but the last are complete, as the next one has begun.
            complete = parent[:] if closing else parent[:-1]
            records += [read(node) for node in complete if node.tag == child]
            parent[: len(complete)] = [node for node in complete if node.tag != child]
    return around[0], records


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector of reference cycles away: a tree has none, and walking it again and again costs a fifth."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def unexpected(root: Element, wanted: str) -> Violation:
    """Return the violation for a document that is not ``wanted``."""
    name = root.tag.rpartition("}")[2]
    return Violation("an HTML page instead of XML" if name == "html" else f"root element {name!r} instead of {wanted}")


def collapse(text: str | None) -> str:
    """Return ``text`` with its white space collapsed, None as ""."""
    if not text:
        return ""
    # Only where needed: split and join of every abstract would cost a tenth of the whole parsing.
    text = text.strip(_WHITE).replace("\n", " ")
    if "\t" in text or "\r" in text:
        text = text.replace("\t", " ").replace("\r", " ")
    while "  " in text:
        text = text.replace("  ", " ")
    return text


def identifier(text: str) -> str:
    """Return ``text`` if it is an arXiv identifier without version, else raise Violation."""
    if not _IDENTIFIER.fullmatch(text):
        raise Violation(f"{text[:80]!r} is not an arXiv identifier")
    return text


@lru_cache(maxsize=4096)  # a page of 1,300 records has few distinct days
def day(text: str) -> str:
    """Return ``text`` if it is a real date as YYYY-MM-DD, else raise Violation."""
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise Violation(f"{text[:40]!r} is not a date")


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
