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
from analysis.harvesting.client import Refused
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
    missing = records = 0
    exact = True
    for window in windows(run):
        since = _arxiv.since(run, window.last)
        first = run.client.known(PATH, _params(run, window, 0), since=since)
        total = run.settings["expected_a_month"]
        if first is None:
            exact = False
        else:
            total = atom.parse(first.read()).total
        starts = range(0, max(total, 1), run.settings["page_size"])
        absent = [s for s in starts if run.client.known(PATH, _params(run, window, s), since=since) is None]
        missing += len(absent)
        records += len(absent) * min(run.settings["page_size"], total)
    return Plan(missing, records * BYTES_A_RECORD, f"{len(windows(run))} months", exact=exact)


def windows(run: Run) -> list[Window]:
    """Return the whole months from the setting ``since`` (YYYY-MM) to the last one that has ended."""
    end = run.today.replace(day=1) - timedelta(days=1)
    return [
        Window(month, month.replace(day=calendar.monthrange(month.year, month.month)[1]))
        for month in months_between(run.settings["since"], f"{end:%Y-%m}")
    ]


def fetch(run: Run) -> Iterator[Piece]:
    """Yield every page of every month."""
    for window in run.progress(windows(run), "month"):
        yield from _read(run, window)


def _read(run: Run, window: Window) -> Iterator[Piece]:
    """Yield the pages of a window; read it again from the start when its list moved meanwhile."""
    for pause_s in [*run.settings["backoff_s"], None]:
        try:
            pieces = list(_pages(run, window))
        except Refused as refused:
            if not isinstance(refused.violation, Shifted) or pause_s is None:
                raise
            run.say(f"{window}: {refused.violation.reason}; reading it again from the start")
            run.client.pause(pause_s)
            continue
        if pieces or window.first == window.last:
            yield from pieces
        else:
            for half in window.halves():
                yield from _read(run, half)
        return


def _pages(run: Run, window: Window) -> Iterator[Piece]:
    """Yield the pages of a window, none if it has to be split."""
    reader = Reader(window, run.settings["page_size"], frozenset(run.settings["categories"]))
    since = _arxiv.since(run, window.last)
    asked = []
    while not reader.done:
        params = _params(run, window, len(reader.ids))
        asked.append(params)
        parsed: dict[str, atom.Feed] = {}

        def judge(answer: Answer, reader=reader, parsed=parsed) -> None:
            feed = parsed["feed"] = atom.parse(answer.read())
            if feed.total <= run.settings["most_a_query"]:
                reader.judge(feed)

        answer = run.client.get(PATH, params, judge=judge, since=since)
        feed = parsed.get("feed")
        if feed is None:
            feed = _judge_kept(run, answer, reader, asked)
        if feed.total > run.settings["most_a_query"]:
            if window.halves() is None:
                what = f"{feed.total} papers on one day, more than one query gives"
                raise SourceError(run.source.id, answer.url, what, "choose fewer categories")
            return
        reader.take(feed)
        yield Piece({"window": str(window), "start": int(params[1][1])}, answer)


def _judge_kept(run: Run, answer: Answer, reader: Reader, asked: list) -> atom.Feed:
    """Judge a page from the cache as one of this window; pages that do not belong together are all asked again."""
    try:
        feed = atom.parse(answer.read())
        if feed.total <= run.settings["most_a_query"]:
            reader.judge(feed)
        return feed
    except Violation as violation:
        for params in asked:
            run.client.forget(PATH, params, reason=violation.reason)
        raise Refused(run.source.id, answer.url, Shifted(violation.reason), "reading the window again") from None


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
