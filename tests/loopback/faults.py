"""Every failure of a source that is on record, as a fault on the loopback server.

A kind of fault changes one good answer, or says that it does not apply to it. A ``Storm`` is a mix of kinds under a
seed, each at a position of its own; some pass after a few tries, some stay for the whole run.
"""

from __future__ import annotations

import gzip
import json
import re
import socket
import struct
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from math import inf
from urllib.parse import quote

import numpy as np

from tests.loopback import papers
from tests.loopback.server import Loopback, Request, Response, Service
from tests.loopback.services import arxiv_oai, arxiv_query

QUERY, OAI, ARCHIVE = "arxiv_query", "arxiv_oai", "pwc_archive"
ARXIV = frozenset({QUERY, OAI})
STALL_S = 1.6  # longer than the read timeout of the configuration (survey.QUICK)
TOO_LONG = 3 << 20  # bytes; more than max_bytes of the configuration (survey.LIMITS)
CIRCLE = "/round-and-round"


@dataclass(frozen=True)
class Reset(Response):
    """The connection is reset before a byte of the answer."""


class Faulty(Loopback):
    """The loopback server with resets, and without the wait for acknowledgements that small answers suffer from."""

    def __init__(self, services: Mapping[str, Service], fault=None):
        super().__init__(services, fault)
        self._server.RequestHandlerClass.disable_nagle_algorithm = True
        told = self._server.handle_error
        # A client that gives up is part of the game; anything else is a fault of the service.
        self._server.handle_error = lambda *a: None if isinstance(sys.exc_info()[1], ConnectionError) else told(*a)

    @staticmethod
    def _send(handler, response: Response) -> None:
        if isinstance(response, Reset):
            handler.close_connection = True
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.connection.close()
        else:
            Loopback._send(handler, response)


@dataclass(frozen=True)
class Hit:
    """A good answer that a fault may change.

    earlier  the good texts of the same list before this one, by url
    """

    request: Request
    response: Response
    rng: np.random.Generator
    seed: int
    earlier: Mapping[str, str]

    @property
    def text(self) -> str:
        """The decoded body."""
        return decoded(self.response).decode()

    def with_text(self, text: str) -> Response | None:
        """Return the answer with another text, None if it is the same."""
        return None if text == self.text else with_body(self.response, text.encode())


@dataclass(frozen=True)
class Kind:
    """A kind of fault.

    change    returns the changed answer, or None where it does not apply
    services  those it belongs to; empty: every one
    rereads   whether it may make a list be read again from its start, pages that were right included
    """

    name: str
    change: Callable[[Hit], Response | None]
    services: frozenset[str] = frozenset()
    rereads: bool = False


def decoded(response: Response) -> bytes:
    """Return the body as it was before it was compressed."""
    return gzip.decompress(response.body) if response.headers.get("Content-Encoding") == "gzip" else response.body


def with_body(response: Response, body: bytes) -> Response:
    """Return the answer with another body, compressed as it was."""
    packed = gzip.compress(body, mtime=0) if response.headers.get("Content-Encoding") == "gzip" else body
    return replace(response, body=packed)


def plain(response: Response, body: bytes) -> Response:
    """Return the answer with this body, not compressed."""
    return replace(response, body=body, headers={k: v for k, v in response.headers.items() if k != "Content-Encoding"})


# --- the wire


def _cut(hit: Hit) -> Response | None:
    return replace(hit.response, cut_at=_inside(hit, hit.response.body)) if hit.response.body else None


def _cut_chunked(hit: Hit) -> Response | None:
    return replace(_cut(hit), chunked=True) if hit.response.body else None


def _cut_quietly(hit: Hit) -> Response | None:
    """The length fits the cut body: only its content can tell."""
    body = hit.response.body
    return replace(hit.response, body=body[: _inside(hit, body)], chunked=_coin(hit)) if len(body) > 1 else None


def _cut_text(hit: Hit) -> Response | None:
    body = decoded(hit.response)
    return plain(hit.response, body[: _inside(hit, body)]) if len(body) > 1 else None


def _cut_character(hit: Hit) -> Response | None:
    """The cut goes through a character of several bytes."""
    body = decoded(hit.response)
    places = [k for k, byte in enumerate(body) if byte & 0xC0 == 0x80] if _is_text(hit) else []
    if not places:
        return None
    changed = plain(hit.response, body[: int(hit.rng.choice(places))])
    return replace(changed, chunked=_coin(hit))


def _empty_body(hit: Hit) -> Response | None:
    return plain(hit.response, b"") if hit.response.body else None


def _too_many(hit: Hit) -> Response:
    return Response(b"Rate exceeded.", 429, {"Content-Type": "text/plain"})


def _too_many_wait(hit: Hit) -> Response:
    soon = format_datetime(datetime.now(UTC), usegmt=True)
    wait = str(hit.rng.choice(["0", "1", soon]))
    return Response(b"Rate exceeded.", 429, {"Content-Type": "text/plain", "Retry-After": wait})


def _unavailable_wait(hit: Hit) -> Response:
    return Response(b"Retry after 1 seconds", 503, {"Content-Type": "text/plain", "Retry-After": "1"})


def _first_byte_timeout(hit: Hit) -> Response:
    words = b"<html><head><title>503 first byte timeout</title></head><body><h1>Error 503</h1></body></html>"
    return Response(words, 503, {"Content-Type": "text/html; charset=utf-8"})


def _html(hit: Hit) -> Response:
    words = b"\n<!DOCTYPE html>\n<html lang=en><title>Oops</title><p>Something went wrong. <p>Please come back later."
    return Response(words, 200, {"Content-Type": "text/html"})


def _circle(hit: Hit) -> Response:
    return Response(b"", 302, {"Location": f"{hit.request.base}{CIRCLE}"})


def _foreign(hit: Hit) -> Response:
    return Response(b"", 301, {"Location": "http://elsewhere.invalid/data"})


def _strange_encoding(hit: Hit) -> Response | None:
    packed = gzip.compress(decoded(hit.response), mtime=0)
    bare = plain(hit.response, decoded(hit.response))
    if not bare.body:
        return None
    return (
        replace(bare, headers=dict(bare.headers) | {"Content-Encoding": "br"}),
        replace(bare, headers=dict(bare.headers) | {"Content-Encoding": "gzip"}),
        replace(bare, body=packed),
        replace(bare, body=packed + b"\0" * 9, headers=dict(bare.headers) | {"Content-Encoding": "gzip"}),
    )[hit.rng.integers(4)]


def _endless(hit: Hit) -> Response | None:
    """White space behind the content: harmless to a parser, but far longer than an answer may be."""
    body = decoded(hit.response)
    return replace(plain(hit.response, body + b" " * TOO_LONG), chunked=_coin(hit)) if body else None


def _stall(hit: Hit) -> Response | None:
    return replace(hit.response, stall_s=STALL_S) if len(hit.response.body) > 1 else None


# --- XML


def _entity_bomb(hit: Hit) -> Response | None:
    lines = ['<!ENTITY a0 "PyTorch ">', *(f'<!ENTITY a{k} "{f"&a{k - 1};" * 10}">' for k in range(1, 10))]
    return _declare(hit, f"<!DOCTYPE lolz [{''.join(lines)}]>", "&a9;")


def _doctype(hit: Hit) -> Response | None:
    return _declare(hit, '<!DOCTYPE feed SYSTEM "http://elsewhere.invalid/feed.dtd">', "")


def _declare(hit: Hit, declaration: str, title: str) -> Response | None:
    head, mark, rest = hit.text.partition("?>\n")
    return hit.with_text(f"{head}{mark}{declaration}\n{rest.replace('<title>', f'<title>{title}', 1)}")


def _utf16(hit: Hit) -> Response:
    text = hit.text.replace("UTF-8", "UTF-16")
    return with_body(hit.response, text.encode(str(hit.rng.choice(["utf-16", "utf-16-le", "utf-16-be"]))))


def _hostile_title(hit: Hit) -> Response | None:
    words = "&lt;script&gt;alert(1)&lt;/script&gt; =cmd()|' /C calc'!A0 {{7*7}} ../../x &#x202e; , \" ; "
    titles = [match.end() for match in re.finditer("<title>", hit.text)][1 if hit.request.service == QUERY else 0 :]
    if not titles:
        return None
    place = int(hit.rng.choice(titles))
    return hit.with_text(hit.text[:place] + words + hit.text[place:])


# --- arXiv's query API


@dataclass(frozen=True)
class _Page:
    """A page of the query API taken apart, to be put together again with something wrong."""

    query: str
    held: Sequence[papers.Paper]
    start: int
    size: int

    @property
    def whole(self) -> list[papers.Paper]:
        return sorted(arxiv_query.select(self.held, self.query), key=lambda p: (p.submitted, p.arxiv_id))

    @property
    def found(self) -> list[papers.Paper]:
        return self.whole[self.start : self.start + self.size]

    def text(self, found: Sequence[papers.Paper] | None = None, **changes: int) -> str:
        given = {"total": len(self.whole), "start": self.start, "size": self.size} | changes
        return arxiv_query.feed(self.query, self.found if found is None else list(found), **given)


def _page(hit: Hit) -> _Page | None:
    if hit.response.status != 200:
        return None
    held = [paper for paper in papers.papers(hit.seed) if not paper.deleted]
    get = hit.request.get
    return _Page(get("search_query"), held, int(get("start")), int(get("max_results")))


def _of_page(change: Callable[[Hit, _Page], str | None]) -> Callable[[Hit], Response | None]:
    """Make a fault of a function that returns the text of the wrong page, or None."""

    def fault(hit: Hit) -> Response | None:
        page = _page(hit)
        text = None if page is None else change(hit, page)
        return None if text is None else with_body(hit.response, text.encode())

    return fault


def _spurious_empty(hit: Hit, page: _Page) -> str | None:
    return page.text([]) if page.found else None


def _zero_results(hit: Hit, page: _Page) -> str | None:
    return page.text([], total=0) if page.found else None


def _short_page(hit: Hit, page: _Page) -> str | None:
    if len(page.found) < 2:
        return None
    stay = sorted(hit.rng.choice(len(page.found), hit.rng.integers(1, len(page.found)), replace=False))
    return page.text([page.found[k] for k in stay])


def _reordered(hit: Hit, page: _Page) -> str | None:
    order = hit.rng.permutation(len(page.found))
    return page.text([page.found[k] for k in order]) if list(order) != sorted(order) else None


def _descending(hit: Hit, page: _Page) -> str | None:
    turned = page.whole[::-1][page.start : page.start + page.size]
    return page.text(turned) if turned != page.found else None


def _twice_on_page(hit: Hit, page: _Page) -> str | None:
    if len(page.found) < 2:
        return None
    k = int(hit.rng.integers(1, len(page.found)))
    return page.text([*page.found[:k], page.found[k - 1], *page.found[k + 1 :]])


def _earlier_entries(hit: Hit, page: _Page) -> str | None:
    """The page begins with entries of the one before: its own are pushed out, or the start was ignored."""
    if not page.start or not page.found:
        return None
    back = page.size if _coin(hit) else int(hit.rng.integers(1, page.size))
    return page.text(page.whole[page.start - back :][: len(page.found)])


def _changed_total(hit: Hit, page: _Page) -> str | None:
    return page.text(total=max(len(page.whole) + int(hit.rng.choice([-3, -1, 1, 2, 25])), 1))


def _wrong_start(hit: Hit, page: _Page) -> str:
    return page.text(start=page.start + int(hit.rng.integers(1, 20)))


def _dates_ignored(hit: Hit, page: _Page) -> str | None:
    return _other_query(page, re.sub(r"\[\d+ TO \d+\]", "[202001010000 TO 203001010000]", page.query))


def _dates_shifted(hit: Hit, page: _Page) -> str | None:
    """The window of another month, as when a cache mixes its answers up."""
    first = re.search(r"\[\d{4}(\d\d)", page.query)[1]
    return _other_query(page, page.query.replace(f"2024{first}", f"2024{int(first) % 3 + 1:02d}"))


def _categories_ignored(hit: Hit, page: _Page) -> str | None:
    everything = " OR ".join(f"cat:{name}" for name in papers.CHOSEN + papers.OTHER)
    return _other_query(page, re.sub(r"\([^)]*\)", f"({everything})", page.query))


def _other_query(page: _Page, query: str) -> str | None:
    other = replace(page, query=query)
    if other.whole == page.whole:
        return None
    return arxiv_query.feed(page.query, other.found, total=len(other.whole), start=page.start, size=page.size)


def _atom_error(status: int) -> Callable[[Hit], Response]:
    def fault(hit: Hit) -> Response:
        words = hit.rng.choice(["max_results must be an integer", "start must be non-negative", "internal error"])
        return replace(with_body(hit.response, arxiv_query.error(str(words))[1].encode()), status=status)

    return fault


# --- OAI-PMH

_RECORD = re.compile(r"<record>.*?</record>\n", re.S)
_TOKEN = re.compile(r"<resumptionToken.*?</resumptionToken>\n", re.S)


def _is_list(hit: Hit) -> bool:
    return "<ListRecords>" in hit.text


def _later(hit: Hit) -> bool:
    return hit.request.get("resumptionToken") is not None


def _no_records(hit: Hit) -> Response | None:
    """An empty list, with the token of the next page or without."""
    if not _is_list(hit):
        return None
    text = _RECORD.sub("", hit.text)
    return hit.with_text(text if _coin(hit) else _TOKEN.sub("", text))


def _nothing_in_the_middle(hit: Hit) -> Response | None:
    return _oai_error(hit, "noRecordsMatch", "The combination of the values results in an empty list.")


def _dead_token(hit: Hit) -> Response | None:
    return _oai_error(hit, "badResumptionToken", "The value of the resumptionToken argument is invalid or expired.")


def _oai_error(hit: Hit, code: str, words: str) -> Response | None:
    return hit.with_text(arxiv_oai.error(hit.request, code, words)) if _later(hit) else None


def _bad_argument(hit: Hit) -> Response:
    return hit.with_text(arxiv_oai.error(hit.request, "badArgument", "from date too early"))


def _own_token(hit: Hit) -> Response | None:
    asked = hit.request.get("resumptionToken")
    if asked is None or not _TOKEN.search(hit.text):
        return None
    return hit.with_text(re.sub(r"(<resumptionToken[^>]*>)[^<]*", lambda m: m[1] + quote(asked, safe=""), hit.text))


def _oai_twice_on_page(hit: Hit) -> Response | None:
    records = _RECORD.findall(hit.text)
    if not records:
        return None
    one = str(hit.rng.choice(records))
    return hit.with_text(hit.text.replace(one, one + one, 1))


def _oai_earlier_entries(hit: Hit) -> Response | None:
    """The records of an earlier page under the token of this one."""
    pages = [text for text in hit.earlier.values() if _RECORD.search(text) and text != hit.text]
    if not _later(hit) or not pages or not _is_list(hit):
        return None
    old = "".join(_RECORD.findall(pages[hit.rng.integers(len(pages))]))
    begun = hit.text.index("<record>")
    return hit.with_text(hit.text[:begun] + old + _RECORD.sub("", hit.text[begun:]))


def _oai_reordered(hit: Hit) -> Response | None:
    records = _RECORD.findall(hit.text)
    order = hit.rng.permutation(len(records))
    if list(order) == sorted(order):
        return None
    begun = hit.text.index("<record>")
    return hit.with_text(hit.text[:begun] + "".join(records[k] for k in order) + _RECORD.sub("", hit.text[begun:]))


def _set_ignored(hit: Hit) -> Response | None:
    return _other_list(hit, "set")


def _oai_dates_ignored(hit: Hit) -> Response | None:
    return _other_list(hit, "from", "until")


def _other_list(hit: Hit, *ignored: str) -> Response | None:
    """The first page of the list without some of its arguments."""
    if _later(hit):
        return None
    held = sorted(papers.papers(hit.seed), key=lambda paper: (paper.datestamp, paper.arxiv_id))
    given = {name: hit.request.get(name) for name in ("metadataPrefix", "set", "from", "until") if name not in ignored}
    if arxiv_oai.select(held, given) == arxiv_oai.select(held, dict(hit.request.query)):
        return None
    return hit.with_text(arxiv_oai.page(hit.request, arxiv_oai.select(held, given), given, arxiv_oai.PAGE_SIZE))


def _no_metadata(hit: Hit) -> Response | None:
    return hit.with_text(re.sub(r"<metadata>.*?</metadata>\n", "", hit.text, count=1, flags=re.S))


# --- the archive


def _wrong_bytes(hit: Hit) -> Response | None:
    """One bit of a file is wrong: only its sha256 can tell."""
    if not _is_file(hit):
        return None
    body = bytearray(hit.response.body)
    body[hit.rng.integers(8, len(body) - 8)] ^= 1 << hit.rng.integers(8)
    return replace(hit.response, body=bytes(body))


def _cut_parquet(hit: Hit) -> Response | None:
    return _cut_quietly(hit) if _is_file(hit) else None


def _pointer(hit: Hit) -> Response | None:
    words = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    return replace(hit.response, body=words) if _is_file(hit) else None


def _wrong_checksum(hit: Hit) -> Response | None:
    return _tree(hit, lambda entry: entry["lfs"].update(oid=hit.rng.bytes(32).hex()))


def _wrong_size(hit: Hit) -> Response | None:
    return _tree(hit, lambda entry: entry["lfs"].update(size=entry["lfs"]["size"] + int(hit.rng.choice([-7, 1, 500]))))


def _no_checksum(hit: Hit) -> Response | None:
    return _tree(hit, lambda entry: entry.pop("lfs"))


def _strange_path(hit: Hit) -> Response | None:
    return _tree(hit, lambda entry: entry.update(path="data/../../../etc/x.parquet"))


def _file_missing(hit: Hit) -> Response | None:
    if "/tree/" not in hit.request.path:
        return None
    entries = json.loads(hit.text)
    del entries[hit.rng.integers(len(entries))]
    return hit.with_text(json.dumps(entries))


def _not_a_list(hit: Hit) -> Response | None:
    odd = ['{"error": "busy"}', "null", "[null]", "[[[", '[{"path": 3}]', '"\\ud800"', "[" * 100_000]
    return hit.with_text(odd[hit.rng.integers(len(odd))]) if "/tree/" in hit.request.path else None


def _tree(hit: Hit, change: Callable[[dict], object]) -> Response | None:
    if "/tree/" not in hit.request.path:
        return None
    entries = json.loads(hit.text)
    change(entries[hit.rng.integers(len(entries))])
    return hit.with_text(json.dumps(entries))


def _is_file(hit: Hit) -> bool:
    return hit.request.path.startswith("/cdn/") and hit.response.status == 200


def _is_text(hit: Hit) -> bool:
    return hit.request.service in ARXIV


def _coin(hit: Hit) -> bool:
    return bool(hit.rng.random() < 0.5)


def _inside(hit: Hit, body: bytes) -> int:
    return int(hit.rng.integers(len(body)))


_Q, _O, _A = frozenset({QUERY}), frozenset({OAI}), frozenset({ARCHIVE})
KINDS = (
    Kind("cut body, length promised", _cut),
    Kind("cut body, chunked", _cut_chunked),
    Kind("cut body, length fits", _cut_quietly),
    Kind("cut text, not compressed", _cut_text),
    Kind("cut inside a character", _cut_character, ARXIV),
    Kind("empty body", _empty_body),
    Kind("429 without Retry-After", _too_many),
    Kind("429 with Retry-After", _too_many_wait),
    Kind("503 with Retry-After", _unavailable_wait),
    Kind("503 first byte timeout", _first_byte_timeout),
    Kind("HTML page, status 200", _html),
    Kind("redirect in a circle", _circle),
    Kind("redirect to a foreign host", _foreign),
    Kind("connection reset", lambda hit: Reset()),
    Kind("stalled socket", _stall),
    Kind("wrong content encoding", _strange_encoding),
    Kind("body far too long", _endless),
    Kind("entity bomb", _entity_bomb, ARXIV),
    Kind("DOCTYPE", _doctype, ARXIV),
    Kind("UTF-16", _utf16, ARXIV),
    Kind("hostile title", _hostile_title, ARXIV),
    Kind("400 with an Atom error", _atom_error(400), _Q),
    Kind("200 with an Atom error", _atom_error(200), _Q),
    Kind("spurious empty page", _of_page(_spurious_empty), _Q),
    Kind("spurious empty page, total 0", _of_page(_zero_results), _Q, rereads=True),
    Kind("short page", _of_page(_short_page), _Q),
    Kind("reordered entries", _of_page(_reordered), _Q),
    Kind("order ignored", _of_page(_descending), _Q, rereads=True),
    Kind("repeated entry on the page", _of_page(_twice_on_page), _Q),
    Kind("entries of an earlier page", _of_page(_earlier_entries), _Q, rereads=True),
    Kind("changing total", _of_page(_changed_total), _Q, rereads=True),
    Kind("wrong start index", _of_page(_wrong_start), _Q),
    Kind("date filter ignored", _of_page(_dates_ignored), _Q, rereads=True),
    Kind("dates of another window", _of_page(_dates_shifted), _Q, rereads=True),
    Kind("category filter ignored", _of_page(_categories_ignored), _Q, rereads=True),
    Kind("OAI: list without records", _no_records, _O),
    Kind("OAI: noRecordsMatch in the middle", _nothing_in_the_middle, _O),
    Kind("OAI: expired token", _dead_token, _O, rereads=True),
    Kind("OAI: badArgument", _bad_argument, _O),
    Kind("OAI: token leads back to its page", _own_token, _O, rereads=True),
    Kind("OAI: repeated entry on the page", _oai_twice_on_page, _O),
    Kind("OAI: entries of an earlier page", _oai_earlier_entries, _O, rereads=True),
    Kind("OAI: reordered entries", _oai_reordered, _O),
    Kind("OAI: set ignored", _set_ignored, _O, rereads=True),
    Kind("OAI: dates ignored", _oai_dates_ignored, _O, rereads=True),
    Kind("OAI: record without metadata", _no_metadata, _O),
    Kind("archive: one wrong bit", _wrong_bytes, _A),
    Kind("archive: cut parquet", _cut_parquet, _A),
    Kind("archive: pointer instead of file", _pointer, _A),
    Kind("archive: wrong checksum named", _wrong_checksum, _A, rereads=True),
    Kind("archive: wrong size named", _wrong_size, _A, rereads=True),
    Kind("archive: no checksum named", _no_checksum, _A),
    Kind("archive: strange path named", _strange_path, _A),
    Kind("archive: file not named", _file_missing, _A, rereads=True),
    Kind("archive: list is none", _not_a_list, _A),
)


def kinds_of(service: str) -> list[Kind]:
    """Return the kinds of fault that a service may have."""
    return [kind for kind in KINDS if not kind.services or service in kind.services]


def named(name: str) -> Kind:
    """Return a kind by its name."""
    return next(kind for kind in KINDS if kind.name == name)


@dataclass
class Fault:
    """A kind at a position.

    at     number of the address (of those it applies to, in order of arrival) that it hits; None: every one
    times  how many answers it spoils
    """

    service: str
    kind: Kind
    at: int | None = 0
    times: float = 1
    seen: list[str] = field(default_factory=list)

    def hits(self, address: str) -> bool:
        """Return whether the answer to this address, to which the kind applies, is to be spoilt."""
        if address not in self.seen:
            self.seen.append(address)
        return self.times > 0 and (self.at is None or self.seen.index(address) == self.at)


class Storm:
    """Faults over the answers of a server: ``Faulty(services, Storm(seed, faults))``.

    injected  ``(service, kind, address)`` of every answer that was spoilt
    given     ``(service, address)`` of every whole answer with status 200 that was left as it is
    """

    def __init__(self, seed: int, faults: Sequence[Fault]):
        self.seed, self.faults = seed, list(faults)
        self.injected: list[tuple[str, str, str]] = []
        self.given: list[tuple[str, str]] = []
        self._rng = np.random.default_rng([seed, 3])
        self._texts: dict[str, dict[str, str]] = {}

    def __call__(self, request: Request, response: Response) -> Response:
        if request.path == CIRCLE:
            return Response(b"", 302, {"Location": f"{request.base}{CIRCLE}"})
        earlier = self._texts.setdefault(request.service, {})
        hit = Hit(request, response, self._rng, self.seed, dict(earlier))
        changed = self._changed(hit)
        if request.service == OAI:
            earlier[request.raw] = hit.text
        if changed is None and response.status == 200:
            self.given.append((request.service, request.raw))
        return response if changed is None else changed

    def _changed(self, hit: Hit) -> Response | None:
        address = hit.request.raw
        for fault in self.faults:
            if fault.service != hit.request.service or fault.times <= 0:
                continue
            changed = fault.kind.change(hit)
            if changed is not None and fault.hits(address):
                fault.times -= 1
                self.injected.append((fault.service, fault.kind.name, address))
                return changed
        return None


def storm(seed: int, services: Sequence[str]) -> Storm:
    """Return a mix of one to four faults a service: half of them pass after a try or a few, half stay."""
    rng = np.random.default_rng([seed, 4])
    found = []
    for service in services:
        kinds = kinds_of(service)
        for _ in range(int(rng.integers(1, 5))):
            kind = kinds[rng.integers(len(kinds))]
            at = None if rng.random() < 0.1 else int(rng.integers(0, 9 if service in ARXIV else 2))
            times = float(rng.choice([1, 1, 2, 3, 4, inf]))
            found.append(Fault(service, kind, at, times))
    return Storm(seed, found)


def counted(injected: Sequence[tuple[str, str, str]]) -> Counter:
    """Return how many answers each kind has spoilt."""
    return Counter(kind for _, kind, _ in injected)
