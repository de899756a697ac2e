"""Asking a service over HTTP, politely and mistrustfully.

One request at a time at the service's own pace; every answer is on disk before it is looked at; it counts once the
source's own judgement has accepted it. What may pass with time is asked again, slower each time; what may not, fails at
once with the page and the remedy.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus, urlencode, urljoin, urlsplit

from analysis.harvesting.cache import PIECE, Answer, Cache
from analysis.harvesting.clock import Clock, Stopped
from analysis.harvesting.errors import SourceError, Violation
from reproductions.errors import SurveyError
from reproductions.files import explain

RETRY_STATUSES = frozenset({408, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524})
REDIRECTS = frozenset({301, 302, 303, 307, 308})
AGAIN = "run the same command again later; what was finished is kept"
SECRET = frozenset({"authorization", "x-api-key"})
EXCERPT = 300

Judge = Callable[[Answer], None]
Parameters = Sequence[tuple[str, object]] | Mapping[str, object]


class Refused(SourceError):
    """An answer that asking again does not mend; ``violation`` is what the judge said."""

    def __init__(self, source: str, page: str, violation: Violation, remedy: str):
        super().__init__(source, page, violation.reason, remedy)
        self.violation = violation


class TooLong(SourceError):
    """An answer that is longer than it may be."""


class _Again(Exception):
    """What may be gone when we ask again.

    reason   what was wrong this time
    wait_s   seconds the service asks us to wait; None: the usual, growing wait
    crowded  whether the service says that we ask too often
    kept     file of the answer that was judged unusable, if one came
    """

    def __init__(self, reason: str, wait_s: float | None = None, *, crowded: bool = False, kept: Path | None = None):
        super().__init__(reason)
        self.reason, self.wait_s, self.crowded, self.kept = reason, wait_s, crowded, kept


@dataclass(frozen=True)
class _Request:
    """One request: the fields are the arguments of :meth:`Client.get`; ``address`` is shown, ``asked`` holds keys."""

    address: str
    asked: str
    key: str
    judge: Judge | None
    accept: Sequence[int]
    headers: Mapping[str, str]
    body: str
    max_bytes: int
    spent: Callable[[Answer], str | None] | None


class Client:
    """Requests of one source.

    source      id of the source, for messages
    settings    the source's settings: base_url, pace_s, timeout_s, deadline_s, backoff_s, cooldown_s, too_many,
                max_bytes, redirect_hosts (see data/sources.yaml)
    cache       where answers are kept
    clock       the service's clock
    user_agent  who we are, with a contact
    today       the day of this run, UTC: an answer of this day is not asked again
    session     who sends the requests instead of a session of our own; used and failing like one of ``requests``
    """

    def __init__(
        self,
        source: str,
        settings: Mapping,
        cache: Cache,
        clock: Clock,
        *,
        user_agent: str,
        today: date,
        say: Callable[[str], None] = lambda text: None,
        session: Any = None,
    ):
        import requests

        self.source, self.settings, self.cache, self.clock = source, settings, cache, clock
        self.today, self.say = today, say
        self.requests, self.received = 0, 0  # asked over the network in this run, and bytes that came
        self._crowded = 0
        self._secrets: set[str] = set()
        self._session = session or requests.Session()
        if session is None:
            self._session.headers["User-Agent"] = user_agent
            self._session.auth = lambda request: request  # no password from a .netrc file

    def url(self, path: str, params: Parameters = ()) -> str:
        """Return the full address of a path below the base url, or of an absolute address, with its parameters."""
        address = path if "://" in path else self.settings["base_url"].rstrip("/") + "/" + path.lstrip("/")
        query = urlencode(list(params.items() if isinstance(params, Mapping) else params))
        return f"{address}{'&' if '?' in address else '?'}{query}" if query else address

    def key(self, url: str, body: str = "") -> str:
        """Return what an answer is found by: a hash of address and body, free of keys."""
        return hashlib.sha256(f"{url}\n{body}".encode()).hexdigest()[:24]

    def known(self, path: str, params: Parameters = (), *, since: date | None = None, body: str = "") -> Answer | None:
        """Return the kept answer if there is one, without asking anybody."""
        return self.cache.find(self.key(self.url(path, params), body), since or self.today)

    def forget(self, path: str, params: Parameters = (), *, reason: str, body: str = "") -> None:
        """Set the kept answers to a request aside, so that it is asked again."""
        self.cache.forget(self.key(self.url(path, params), body), reason)

    def hide(self, text: str) -> None:
        """Leave a text, such as the address of this machine's own package index, out of every message and record."""
        self._secrets.add(text)

    def pause(self, seconds: float) -> None:
        """Wait before something that consists of several requests is begun again."""
        time.sleep(seconds)

    def get(
        self,
        path: str,
        params: Parameters = (),
        *,
        judge: Judge | None = None,
        since: date | None = None,
        accept: Sequence[int] = (200,),
        headers: Mapping[str, str] | None = None,
        secrets: Mapping[str, str] | None = None,
        body: str = "",
        max_bytes: int | None = None,
        compressed: bool = True,
        spent: Callable[[Answer], str | None] | None = None,
    ) -> Answer:
        """Return the accepted answer to one request: from the cache if it is there, otherwise from the service.

        path        below ``base_url``, or an absolute address
        params      of the query, in this order
        judge       raises Violation if the answer must not be counted; called once, before the answer is kept
        since       first day whose answer will do: default today, ``date.min`` for what never changes
        accept      statuses that are answers; any other is an error
        headers     further request headers
        secrets     query parameters that are sent but never kept, shown or logged
        body        sent by POST instead of GET where it is not empty
        max_bytes   refuse a longer body (default: the setting)
        compressed  whether to let the service compress; switch off for files that are compressed already
        spent       says of a refused answer (429, 403, 5xx) why the day's budget is gone, or None
        raises      SourceError after the last try, with page and remedy; Refused at once where asking again is no use
        """
        address = self.url(path, params)
        key = self.key(address, body)
        found = self._sound(key, since or self.today)
        if found is not None:
            return found
        headers = dict(headers or {})
        self._secrets |= {*(secrets or {}).values(), *(headers[name] for name in headers if name.lower() in SECRET)}
        request = _Request(
            address=address,
            asked=self.url(address, secrets or {}),
            key=key,
            judge=judge,
            accept=accept,
            headers={"Accept-Encoding": "gzip" if compressed else "identity"} | headers,
            body=body,
            max_bytes=max_bytes or self.settings["max_bytes"],
            spent=spent,
        )
        waits = self.settings["backoff_s"]
        for attempt, usual_s in enumerate([*waits, None], start=1):
            try:
                return self._ask(request)
            except _Again as again:
                self._crowded += again.crowded
                if usual_s is None or self._crowded > self.settings["too_many"]:
                    kept = f" (the last answer is kept in {again.kept})" if again.kept else ""
                    raise self._error(address, f"{again.reason}, after {_times(attempt)}{kept}", AGAIN) from None
                wait_s = usual_s if again.wait_s is None else max(again.wait_s, usual_s)
                if again.wait_s is not None:
                    self.clock.rest(wait_s, again.reason)
                if wait_s > self.settings["patience_s"]:
                    raise self._error(address, f"{again.reason}; it asks to wait {wait_s:.0f} s", AGAIN) from None
                self.say(f"{self._clean(address)}: {again.reason}; asking again in {wait_s:g} s")
                if again.wait_s is None:
                    time.sleep(wait_s)
        raise AssertionError("unreachable: the last try returns or raises")

    def _sound(self, key: str, since: date) -> Answer | None:
        """Return the kept answer if it is still what came; one that changed on disk is set aside."""
        found = self.cache.find(key, since)
        try:
            if found is not None:
                found.verify()
        except SurveyError as error:
            self.cache.forget(key, str(error))
            return None
        return found

    def _ask(self, request: _Request) -> Answer:
        import requests

        try:
            with self.clock.turn(), self.cache.scratch(request.key) as scratch:
                self.requests += 1
                try:
                    with self._send(request) as response:
                        answer = self._receive(response, request, scratch)
                    return self._weigh(answer, request)
                except requests.RequestException as error:
                    raise _Again(f"no whole answer ({self._words(error)})") from error
                except _Again as again:
                    if again.wait_s is not None:
                        self.clock.rest(again.wait_s, again.reason)  # before anybody else has the turn
                    raise
        except Stopped as stopped:
            raise self._error(request.address, str(stopped), "run it again then") from None

    def _send(self, request: _Request):
        """Return the open response, after redirects to hosts that the settings name."""
        send = dict(request.headers)
        address, allowed = request.asked, self.settings["redirect_hosts"]
        for _ in range(6):
            response = self._session.request(
                "POST" if request.body else "GET",
                address,
                data=request.body.encode() or None,
                headers=send,
                timeout=tuple(self.settings["timeout_s"]),
                allow_redirects=False,
                stream=True,
            )
            if response.status_code not in REDIRECTS or "location" not in response.headers:
                return response
            response.close()
            before, address = urlsplit(address), urljoin(address, response.headers["location"])
            after = urlsplit(address)
            same = (after.scheme, after.netloc) == (before.scheme, before.netloc)
            known = any(after.hostname == host or f"{after.hostname}".endswith("." + host) for host in allowed)
            if not (same and allowed) and not (known and after.scheme in ("https", before.scheme)):
                where = self._clean(address)
                raise self._error(request.address, f"redirects to {where}, which is not expected", "check base_url")
            if not same:
                send = {name: value for name, value in send.items() if name.lower() not in SECRET}
        raise _Again("redirects in a circle")

    def _receive(self, response, request: _Request, scratch: Path) -> Answer:
        """Write the body as it comes over the wire; a body that is too long or takes too long is given up."""
        until = time.monotonic() + self.settings["deadline_s"]
        digest, length = hashlib.sha256(), 0
        pieces = response.raw.stream(PIECE, decode_content=False)
        try:
            # Closing writes what is left, so it may fail as well.
            with scratch.open("wb") as handle:
                while (piece := self._next(pieces)) is not None:
                    length += len(piece)
                    if length > request.max_bytes:
                        what = f"the body is longer than {request.max_bytes} bytes"
                        remedy = "raise max_bytes if that is right"
                        raise TooLong(self.source, self._clean(request.address), what, remedy)
                    if time.monotonic() > until:
                        raise _Again(f"the body took longer than {self.settings['deadline_s']:g} s")
                    digest.update(piece)
                    handle.write(piece)
        except OSError as error:
            raise explain(error, scratch) from error
        self.received += length
        return Answer(
            path=scratch,
            url=self._clean(request.address),
            status=response.status_code,
            headers={name.lower(): self._clean(value) for name, value in response.headers.items()},
            retrieved=datetime.now(UTC).isoformat(timespec="microseconds"),
            sha256=digest.hexdigest(),
            bytes=length,
            key=request.key,
        )

    def _next(self, pieces: Iterator[bytes]) -> bytes | None:
        try:
            return next(pieces, None)
        except Exception as error:  # urllib3 raises its own kinds here; all mean that the body did not come
            raise _Again(f"the body was cut short ({self._words(error)})") from error

    def _weigh(self, answer: Answer, request: _Request) -> Answer:
        """Return the answer at its place in the cache if it may be counted."""
        if answer.status not in request.accept:
            self._explain(answer, request)
        try:
            if answer.status == 200 and _looks_like_html(answer):
                raise Violation("an HTML page came instead of data")
            if request.judge is not None:
                request.judge(answer)
            elif answer.encoding:
                answer.read()  # raises where the body was cut
        except Violation as violation:
            kept = self._reject(answer, violation.reason)
            if violation.retry:
                raise _Again(violation.reason, kept=kept) from None
            remedy = f"the answer is kept in {kept}; {AGAIN}"
            raise Refused(self.source, answer.url, violation, remedy) from None
        return self.cache.keep(answer)

    def _explain(self, answer: Answer, request: _Request) -> None:
        """Raise what a status that is no answer means."""
        reason = request.spent(answer) if request.spent else None
        if reason:
            self.clock.rest(_seconds_to_midnight(), reason)
            raise self._error(answer.url, f"today's budget is spent: {reason}", "run it again tomorrow")
        wait_s = _retry_after(answer.headers)
        if answer.status == 429:
            cooldown_s = self.settings["cooldown_s"] if wait_s is None else wait_s
            raise _Again("429, too many requests", cooldown_s, crowded=True)
        if answer.status in RETRY_STATUSES:
            raise _Again(f"status {answer.status}{self._excerpt(answer)}", wait_s)
        what = f"status {answer.status}{self._excerpt(answer)}"
        kept = self._reject(answer, what)
        raise self._error(answer.url, what, f"the answer is kept in {kept}; check the settings of the source")

    def _error(self, address: str, what: str, remedy: str) -> SourceError:
        return SourceError(self.source, self._clean(address), self._clean(what), remedy)

    def _reject(self, answer: Answer, reason: str) -> Path:
        """Keep an unusable answer for a person to look at, without the keys that an error page may repeat."""
        content = answer.path.read_bytes() if self._secrets else b""
        cleaned = content
        for text in self._spellings():
            cleaned = cleaned.replace(text.encode(), b"***")
        if cleaned != content:
            answer.path.write_bytes(cleaned)
            answer = replace(answer, bytes=len(cleaned), sha256=hashlib.sha256(cleaned).hexdigest())
        return self.cache.reject(answer, self._clean(reason))

    def _words(self, error: Exception) -> str:
        return self._clean(f"{type(error).__name__}: {error}")[:EXCERPT]

    def _excerpt(self, answer: Answer) -> str:
        words = self._clean(" ".join(_head(answer).decode("utf-8", "replace").split()))[:EXCERPT]
        return f" ({words})" if words else ""

    def _clean(self, text: str) -> str:
        """Return the text without any key that was sent."""
        for spelling in self._spellings():
            text = text.replace(spelling, "***")
        return text

    def _spellings(self) -> set[str]:
        """Return every way in which a key that was sent may be written."""
        return {form for secret in self._secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))}


def _times(count: int) -> str:
    return "one try" if count == 1 else f"{count} tries"


def _head(answer: Answer) -> bytes:
    try:
        with answer.open() as handle:
            return handle.read(4096)
    except Violation:
        return b""


def _looks_like_html(answer: Answer) -> bool:
    head = _head(answer).lstrip(b"\xef\xbb\xbf \t\r\n")[:256].lower()
    return head.startswith((b"<!doctype html", b"<html"))


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header in either of its two forms, or None."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        return max((parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds(), 0.0) if value else None
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds_to_midnight() -> float:
    now = datetime.now(UTC)
    return 86_400 - (now.hour * 3600 + now.minute * 60 + now.second) + 60
