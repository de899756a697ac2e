"""arXiv by OAI-PMH: the same records in bulk, and afterwards only what was modified.

The date filter is the day of the last modification, never of submission: a list is a month of modifications of one set,
with an end once the month is over and without one while it runs, so that a broken list costs a month and not the whole
harvest. A resumption token dies at midnight UTC: the pages of a list belong to one reading, and a list that was broken
off on an earlier day is read again from its start. Deleted records take the paper away.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from urllib.parse import quote, unquote

from analysis.harvesting.cache import Answer
from analysis.harvesting.client import AGAIN, Refused
from analysis.harvesting.errors import Violation
from analysis.harvesting.parsing import oai
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.periods import months_between
from analysis.sources import _arxiv

PATH = "/oai"
BYTES_A_PAGE = 800_000  # compressed, for the plan
MOST_PAGES = 10_000  # a list of tokens that never ends is a fault


class Broken(Violation):
    """The pages of a list do not belong together, or its token is dead: the list has to be read again."""

    def __init__(self, reason: str):
        super().__init__(reason, retry=False)


@dataclass(frozen=True)
class List:
    """Modifications of one set from ``first`` on, to ``last`` if the month is over."""

    set: str
    first: date
    last: date | None

    def __str__(self) -> str:
        return f"{self.set} from {self.first} {f'to {self.last}' if self.last else 'on'}"

    @property
    def params(self) -> list[tuple[str, str]]:
        """The parameters of the first request."""
        until = [("until", self.last.isoformat())] if self.last else []
        start = [("verb", "ListRecords"), ("metadataPrefix", "arXiv"), ("set", self.set)]
        return [*start, ("from", self.first.isoformat()), *until]

    @property
    def category(self) -> str:
        """The category that every record of the set has: ``cs:cs:LG`` is cs.LG; ``cs`` is any that begins with cs."""
        _, *rest = self.set.split(":")
        return ".".join(rest) if rest else self.set


@dataclass
class Reader:
    """What is known of a list while its pages are read."""

    list: List
    ids: set[str] = field(default_factory=set)
    pages: int = 0
    token: str | None = None

    def judge(self, page: oai.OaiPage) -> None:
        """Raise Violation unless the page belongs to this list."""
        if self.pages and not page.records:
            raise Violation("a page without records in the middle of a list")
        if not page.records and page.token:
            raise Violation("a page without records that says there is more")
        if page.token is not None and page.token == self.token:
            raise Broken("the token leads back to its own page")
        ids = [record["arxiv_id"] for record in page.records]
        if len(set(ids)) < len(ids):
            raise Violation("an identifier stands twice on the page")
        if not self.ids.isdisjoint(ids):
            raise Broken("an identifier of an earlier page comes again")
        first, last = self.list.first.isoformat(), self.list.last.isoformat() if self.list.last else "9999"
        outside = next((r for r in page.records if not first <= r["datestamp"] <= last), None)
        if outside:
            what = f"{outside['arxiv_id']} was modified on {outside['datestamp']}, outside {self.list}"
            raise self._ignored(f"{what}: the date filter was ignored")
        strange = next((r for r in page.records if not r["deleted"] and not self._in_set(r["categories"])), None)
        if strange:
            raise self._ignored(f"{strange['arxiv_id']} is not in {self.list.set}: the set was ignored")

    def _ignored(self, what: str) -> Violation:
        """A later page has its filters from the token before it, which then is as wrong as the page."""
        return Broken(what) if self.pages else Violation(what)

    def _in_set(self, categories: str) -> bool:
        wanted = self.list.category
        return any(category == wanted or category.startswith(wanted + ".") for category in categories.split())

    def take(self, page: oai.OaiPage) -> None:
        """Count a judged page in."""
        self.ids.update(record["arxiv_id"] for record in page.records)
        self.pages += 1
        self.token = page.token


def lists(run: Run) -> list[List]:
    """Return the lists: every set by every month since the setting ``since``; null means the month before last."""
    this = run.today.replace(day=1)
    start = run.settings["since"] or f"{(this - timedelta(days=32)).replace(day=1):%Y-%m}"
    months = months_between(start, f"{this:%Y-%m}")
    return [
        List(name, month, _end(month) if month < this else None) for name in run.settings["sets"] for month in months
    ]


def _end(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def _since(run: Run, wanted: List) -> date:
    """A month that is over is read once, from the day after its end on; the running one once a day."""
    return wanted.last + timedelta(days=1) if wanted.last else run.today


def plan(run: Run) -> Plan:
    """Return the pages that are not kept, estimated by the setting ``expected_pages`` a list."""
    requests = 0
    for wanted in lists(run):
        kept, complete = 0, False
        try:
            for _, page in _kept(run, wanted):
                kept, complete = kept + 1, page.token is None
        except Violation:
            kept = 0
        requests += 0 if complete else max(run.settings["expected_pages"] - kept, 1)
    return Plan(requests, requests * BYTES_A_PAGE, f"{len(lists(run))} lists", exact=requests == 0)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield every page of every list."""
    for wanted in run.progress(lists(run), "list"):
        for pause_s in [*run.settings["backoff_s"], None]:
            try:
                pieces = list(_read(run, wanted))
            except Refused as refused:
                if not isinstance(refused.violation, Broken | oai.BadToken):
                    raise
                _forget(run, wanted, refused.violation.reason)
                if pause_s is None:
                    raise
                run.say(f"{wanted}: {refused.violation.reason}; reading the list again from the start")
                run.client.pause(pause_s)
                continue
            yield from pieces
            break


def _kept(run: Run, wanted: List) -> Iterator[tuple[Answer, oai.OaiPage]]:
    """Yield the kept pages of a list from its first one as far as they follow each other; raises Violation."""
    for answer in _chain(run, wanted):
        yield answer, oai.parse(answer.read())


def _chain(run: Run, wanted: List) -> Iterator[Answer]:
    """Yield the kept answers of a list; it ends behind one that can no longer be read."""
    since, forms = _since(run, wanted), [run.client.url(PATH, wanted.params)]
    for _ in range(MOST_PAGES):
        answer = next(filter(None, (run.client.known(form, since=since) for form in forms)), None)
        if answer is None:
            return
        yield answer
        try:
            token = oai.parse(answer.read()).token
        except Violation:
            return
        if token is None:
            return
        since, forms = date.fromisoformat(answer.retrieved[:10]), _forms(token)


def _read(run: Run, wanted: List) -> Iterator[Piece]:
    reader, last_day = Reader(wanted), None
    for answer in _chain(run, wanted):
        try:
            page = oai.parse(answer.read())
            reader.judge(page)
        except Violation as violation:
            raise Refused(run.source.id, answer.url, Broken(violation.reason), AGAIN) from None
        yield Piece({"list": str(wanted), "page": reader.pages}, answer)
        reader.take(page)
        last_day = date.fromisoformat(answer.retrieved[:10])
    if reader.token is not None and last_day != datetime.now(UTC).date():
        # Its token died at midnight, and what was modified since may have moved within the list. The day of the clock
        # counts, not that of the run, which may have begun before midnight.
        address = run.client.url(PATH, wanted.params)
        raise Refused(run.source.id, address, Broken("it was broken off on an earlier day"), AGAIN)
    while reader.token is not None or not reader.pages:
        if reader.pages > MOST_PAGES:
            address = run.client.url(PATH, wanted.params)
            raise Refused(run.source.id, address, Violation(f"more than {MOST_PAGES} pages"), "report this")
        answer, page = _ask(run, wanted, reader)
        yield Piece({"list": str(wanted), "page": reader.pages}, answer)
        reader.take(page)


def _ask(run: Run, wanted: List, reader: Reader) -> tuple[Answer, oai.OaiPage]:
    parsed: dict[str, oai.OaiPage] = {}

    def judge(answer: Answer) -> None:
        page = parsed["page"] = oai.parse(answer.read())
        reader.judge(page)

    since = _since(run, wanted) if reader.token is None else None
    # Reports differ on whether the service wants the token as it stands or encoded once more.
    forms = [run.client.url(PATH, wanted.params)] if reader.token is None else _forms(reader.token)
    for number, form in enumerate(forms, start=1):
        # What is kept under this address but does not follow the pages before is of a reading that was given up.
        run.client.forget(form, reason="of an earlier reading of its list")
        try:
            answer = run.client.get(form, judge=judge, since=since)
            return answer, parsed["page"]
        except Refused as refused:
            if not isinstance(refused.violation, oai.BadToken) or number == len(forms):
                raise
    raise AssertionError("unreachable: the last form returns or raises")


def _forms(token: str) -> tuple[str, str]:
    """Return the two requests that a token may stand for: as it stands, and encoded once more."""
    return tuple(
        f"{PATH}?verb=ListRecords&resumptionToken={text}"
        for text in (quote(unquote(token), safe=""), quote(token, safe=""))
    )


def _forget(run: Run, wanted: List, reason: str) -> None:
    for answer in list(_chain(run, wanted)):
        run.client.cache.forget(answer.key, reason)


def extract(run: Run, pieces: Iterable[Piece]) -> Snapshot:
    """Return papers by month and category, the papers that name a framework, and the figures.

    Whole are the months from the first list on: a paper submitted since then has been modified since then.
    """
    months = [wanted.first for wanted in lists(run) if wanted.last]
    return _arxiv.snapshot(
        run,
        pieces,
        oai.parse,
        stratum="chosen categories (OAI-PMH)",
        first=f"{min(months):%Y-%m}",
        last=f"{max(months):%Y-%m}",
    )


def check(run: Run) -> list[Finding]:
    """Say what the service says of itself, and how it writes an empty list."""
    identify = run.client.get(PATH, [("verb", "Identify")], judge=_is_oai).read().decode("utf-8", "replace")
    empty = List(run.settings["sets"][0], run.today + timedelta(days=400), None)
    answer = run.client.get(PATH, empty.params, judge=_is_oai)
    text = answer.read().decode("utf-8", "replace")
    return [
        Finding("granularity", _between(identify, "granularity"), "YYYY-MM-DD", ">YYYY-MM-DD<" in identify),
        Finding("deleted records", _between(identify, "deletedRecord"), "persistent", ">persistent<" in identify),
        Finding("earliest datestamp", _between(identify, "earliestDatestamp"), "2005-09-16; not relied on"),
        Finding("an empty list", _between(text, "error") or "no error", "noRecordsMatch", "noRecordsMatch" in text),
    ]


def _is_oai(answer: Answer) -> None:
    if b"<OAI-PMH" not in answer.read(1 << 22):
        raise Violation("not an OAI-PMH answer")


def _between(text: str, tag: str) -> str:
    _, _, rest = text.partition(f"<{tag}")
    return rest.partition(">")[2].partition("<")[0].strip()[:120]
