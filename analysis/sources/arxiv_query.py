"""arXiv's query API: every paper of the chosen categories by month, and those that name a framework.

Protocol: the API's user manual (slices of at most 2,000, 30,000 a query, strict dates since November 2025) and what its
users reported: pages that are empty or short although the total says more, totals that change, dates that are ignored.
A month is one window, split where it holds too many; only whole months are asked, and settled ones never again.
"""

from __future__ import annotations

import calendar
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from analysis.harvesting.cache import Answer
from analysis.harvesting.client import AGAIN, Refused
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.parsing import atom
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.periods import months_between
from analysis.sources import _arxiv

PATH = "/api/query"
BYTES_A_RECORD = 600  # compressed, for the plan


class Shifted(Violation):
    """The pages of a window do not belong together: the list moved while it was read."""

    def __init__(self, reason: str):
        super().__init__(reason, retry=False)


class GivenUp(SourceError):
    """A window that cannot be read; what was kept of the windows around it may be at fault and is asked again."""


@dataclass(frozen=True)
class Window:
    """The days ``first`` to ``last``, both included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first}/{self.last}"

    def halves(self) -> tuple[Window, Window] | None:
        """Return two windows of about half the days, or None for a single day."""
        if self.first == self.last:
            return None
        middle = self.first + (self.last - self.first) // 2
        return Window(self.first, middle), Window(middle + timedelta(days=1), self.last)

    @property
    def whole_month(self) -> bool:
        """Whether it is a month from its first to its last day."""
        return self.first.day == 1 and self.last == _end(self.first)


@dataclass
class Reader:
    """What is known of a window while its pages are read."""

    window: Window
    page_size: int
    categories: frozenset[str]
    total: int | None = None
    ids: set[str] = field(default_factory=set)
    last: str = ""

    @property
    def done(self) -> bool:
        """Whether every paper of the window has been read."""
        return self.total is not None and len(self.ids) >= self.total

    def judge(self, feed: atom.Feed) -> None:
        """Raise Violation unless the page is the next one of this window."""
        start, records = len(self.ids), feed.records
        if not feed.total and self.window.whole_month:
            raise Violation("no paper at all in a whole month, which is an error without its name")
        if self.total is not None and feed.total != self.total:
            raise Shifted(f"the total changed from {self.total} to {feed.total} between two pages")
        if feed.start != start:
            raise Violation(f"the page begins at {feed.start}, asked was {start}")
        due = min(self.page_size, feed.total - start)
        if len(records) != due:
            raise Violation(f"{len(records)} entries came, {due} of {feed.total} are due")
        ids = [record["arxiv_id"] for record in records]
        if len(set(ids)) < len(ids):
            raise Violation("an identifier stands twice on the page")
        if not self.ids.isdisjoint(ids):
            raise Shifted("an identifier of an earlier page comes again")
        self._judge_records(records)

    def _judge_records(self, records: Sequence[dict]) -> None:
        times = [_utc(record["submitted"]) for record in records]
        low, high = f"{self.window.first}T00:00", f"{self.window.last}T23:59"
        outside = next((t for t in times if not low <= t[:16] <= high), None)
        if outside:
            raise Violation(f"a paper of {outside} is outside the window {self.window}: the date filter was ignored")
        if times != sorted(times):
            raise Violation("the entries are not in the order asked for")
        if times and times[0] < self.last:
            raise Shifted("the page begins before the last one ended")
        strange = next((r for r in records if self.categories.isdisjoint(r["categories"].split())), None)
        if strange:
            raise Violation(f"{strange['arxiv_id']} is in none of the categories asked for: the filter was ignored")

    def take(self, feed: atom.Feed) -> None:
        """Count a judged page in."""
        self.total = feed.total
        self.ids.update(record["arxiv_id"] for record in feed.records)
        if feed.records:
            self.last = _utc(feed.records[-1]["submitted"])


def plan(run: Run) -> Plan:
    """Return the requests for the months that are not kept: exact where the first page is."""
    found = [_missing(run, window) for window in windows(run)]
    requests, records = (sum(part[k] for part in found) for k in (0, 1))
    exact = all(known for _, _, known in found)
    return Plan(requests, records * BYTES_A_RECORD, f"{len(found)} months", exact=exact)


def _missing(run: Run, window: Window) -> tuple[int, int, bool]:
    """Return the requests and records of a window that are not kept, and whether that is a count."""
    total, size = _known_total(run, window), run.settings["page_size"]
    halves = window.halves()
    if total is not None and total > run.settings["most_a_query"] and halves:
        (first, some, left), (second, more, right) = (_missing(run, half) for half in halves)
        return first + second, some + more, left and right
    due = run.settings["expected_a_month"] if total is None else total
    since = _arxiv.since(run, window.last)
    starts = range(0, max(due, 1), size)
    absent = sum(run.client.known(PATH, _params(run, window, start), since=since) is None for start in starts)
    return absent, absent * min(size, due), total is not None


def _known_total(run: Run, window: Window) -> int | None:
    """Return the total of a window if its first page is kept and sound."""
    first = run.client.known(PATH, _params(run, window, 0), since=_arxiv.since(run, window.last))
    try:
        return None if first is None else atom.parse(first.read()).total
    except Violation:
        return None


def windows(run: Run) -> list[Window]:
    """Return the whole months from the setting ``since`` (YYYY-MM) to the last one that has ended."""
    end = run.today.replace(day=1) - timedelta(days=1)
    return [Window(month, _end(month)) for month in months_between(run.settings["since"], f"{end:%Y-%m}")]


def _end(month: date) -> date:
    return month.replace(day=calendar.monthrange(month.year, month.month)[1])


def fetch(run: Run) -> Iterator[Piece]:
    """Yield every page of every month."""
    for window in run.progress(windows(run), "month"):
        pieces, _ = _read(run, window, [])
        yield from pieces


def _read(run: Run, window: Window, asked: list) -> tuple[list[Piece], int]:
    """Return the pages of a window and its total; it is read again from the start when its list moved meanwhile.

    asked  the parameters of every request go here
    """
    for pause_s in [*run.settings["backoff_s"], None]:
        own: list = []
        try:
            found = _pages(run, window, own)
        except Refused as refused:
            if not isinstance(refused.violation, Shifted):
                raise
            # What has come is kept: it must not be taken for a part of the new reading, by this run or the next.
            _forget(run, own, refused.what)
            if pause_s is None:
                raise GivenUp(refused.source, refused.page, refused.what, AGAIN) from None
            run.say(f"{window}: {refused.what}; reading it again from the start")
            run.client.pause(pause_s)
        except GivenUp as given_up:
            _forget(run, own, given_up.what)
            raise
        else:
            asked += own
            return found
    raise AssertionError("unreachable: the last try returns or raises")


def _forget(run: Run, asked: list, reason: str) -> None:
    for params in asked:
        run.client.forget(PATH, params, reason=reason)


def _pages(run: Run, window: Window, asked: list) -> tuple[list[Piece], int]:
    reader = Reader(window, run.settings["page_size"], frozenset(run.settings["categories"]))
    pieces = []
    while not reader.done:
        params = _params(run, window, len(reader.ids))
        asked.append(params)
        answer, feed = _page(run, params, reader)
        if feed.total > run.settings["most_a_query"]:
            return _split(run, window, asked, answer, feed.total)
        reader.take(feed)
        pieces.append(Piece({"window": str(window), "start": int(params[1][1])}, answer))
    return pieces, reader.total


def _split(run: Run, window: Window, asked: list, answer: Answer, total: int) -> tuple[list[Piece], int]:
    """Return the pages of the two halves of a window that holds more than one query gives."""
    if window.halves() is None:
        what = f"{total} papers on one day, more than one query gives"
        raise GivenUp(run.source.id, answer.url, what, "choose fewer categories")
    (left, first), (right, second) = (_read(run, half, asked) for half in window.halves())
    if first + second != total:
        shifted = Shifted(f"the halves of {window} hold {first} and {second} papers, the whole {total}")
        raise Refused(run.source.id, answer.url, shifted, AGAIN)
    return left + right, total


def _page(run: Run, params: list, reader: Reader) -> tuple[Answer, atom.Feed]:
    """Return the next page of a window, judged whether it comes from the service or from the cache."""
    parsed: dict[str, atom.Feed] = {}

    def judge(answer: Answer) -> None:
        feed = parsed["feed"] = atom.parse(answer.read())
        if answer.status != 200:
            raise Violation(f"status {answer.status} without a word of arXiv's")
        reader.judge(feed)

    since = _arxiv.since(run, reader.window.last)
    # Status 400 carries the reason as an Atom entry, which the parser raises.
    answer = run.client.get(PATH, params, judge=judge, since=since, accept=(200, 400))
    if "feed" not in parsed:
        try:
            judge(answer)
        except Violation as violation:
            raise Refused(run.source.id, answer.url, Shifted(violation.reason), AGAIN) from None
    return answer, parsed["feed"]


def _params(run: Run, window: Window, start: int) -> list[tuple[str, object]]:
    categories = " OR ".join(f"cat:{category}" for category in run.settings["categories"])
    query = f"({categories}) AND submittedDate:[{window.first:%Y%m%d}0000 TO {window.last:%Y%m%d}2359]"
    return [
        ("search_query", query),
        ("start", start),
        ("max_results", run.settings["page_size"]),
        ("sortBy", "submittedDate"),
        ("sortOrder", "ascending"),
    ]


def _utc(text: str) -> str:
    try:
        return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S")
    except (ValueError, OverflowError) as error:
        raise Violation(f"{text!r} is not a time") from error


def extract(run: Run, pieces: Iterable[Piece]) -> Snapshot:
    """Return papers by month and category, the papers that name a framework, and the figures."""
    return _arxiv.snapshot(
        run,
        pieces,
        atom.parse,
        stratum="chosen categories (query API)",
        first=run.settings["since"],
        last=f"{windows(run)[-1].first:%Y-%m}",
    )


def check(run: Run) -> list[Finding]:
    """Ask for five papers of one past month and say what the service does with order, dates and totals."""
    last = windows(run)[-1]
    params = [*_params(run, last, 0)]
    params[2] = ("max_results", 5)
    answer = run.client.get(PATH, params, judge=lambda a: atom.parse(a.read()) and None)
    feed = atom.parse(answer.read())
    times = [record["submitted"] for record in feed.records]
    low, high = last.first.isoformat(), f"{last.last}T23:59:59Z"
    return [
        Finding("papers of the last month", str(feed.total), "more than 100", feed.total > 100),
        Finding("entries for max_results=5", str(len(times)), "5", len(times) == 5),
        Finding("ascending order", ", ".join(times), "ascending", times == sorted(times)),
        Finding("dates inside the window", f"{last}", "all", all(low <= t <= high for t in times)),
        Finding("itemsPerPage", str(feed.items_per_page), "an echo of max_results; not relied on"),
        Finding("content type", answer.headers.get("content-type", "none"), "application/atom+xml; not relied on"),
    ]
