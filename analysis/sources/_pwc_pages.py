"""The pages of the relaunched Papers with Code, read mistrustfully: what was not confirmed raises Violation."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from analysis.detecting.addresses import normalised
from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation

ARXIV_ID = re.compile(r"\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7}", re.ASCII)
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
MANY = 10  # papers of which one at least has a repository, or says that it has none
KIND = re.compile(r"[a-z][a-z0-9_.-]{0,39}")


class Shifted(Violation):
    """A page that does not go with the pages before it: the listing has to be read from its beginning."""

    def __init__(self, reason: str):
        super().__init__(reason, retry=False)


@dataclass(frozen=True)
class Window:
    """Days of publication, both included."""

    start: date
    end: date

    def halves(self) -> tuple[Window, Window]:
        """Return the two halves; raises ValueError for a single day."""
        if self.start == self.end:
            raise ValueError("a day cannot be halved")
        middle = self.start + (self.end - self.start) // 2
        return Window(self.start, middle), Window(middle + timedelta(days=1), self.end)


@dataclass(frozen=True)
class Link:
    """A repository of a paper: ``address`` to compare by, ``url`` as written, ``kind`` of the entry's origin."""

    address: str
    url: str
    official: bool
    kind: str
    stars: int | None


@dataclass(frozen=True)
class Paper:
    """One entry.

    id          the service's own, as text
    arxiv_id    without version, or None for a paper from elsewhere
    published   day of its first version
    links       repositories, None where the answer does not say
    odd         entries of its list that are no address of the web
    stated      repositories that the entry says it has, or None
    """

    id: str
    arxiv_id: str | None
    published: date
    links: tuple[Link, ...] | None
    odd: int = 0
    stated: int | None = None


@dataclass(frozen=True)
class Page:
    """A page of a listing: ``count`` is what the service says the whole listing holds."""

    count: int
    papers: tuple[Paper, ...]
    last: bool


@dataclass
class Listing:
    """What must hold from page to page of one window."""

    window: Window
    size: int
    count: int | None = None
    pages: int = 0
    whole: bool = False
    seen: set[str] = field(default_factory=set)
    latest: date = date.min
    stating: bool = False  # whether every paper until now says how many repositories it has

    def judge(self, answer: Answer) -> None:
        """Raise Violation if the answer cannot be the next page."""
        self._check(read_page(read_json(answer), self.window, self.pages + 1, self.size))

    def add(self, answer: Answer) -> Page:
        """Take in the next page."""
        page = read_page(read_json(answer), self.window, self.pages + 1, self.size)
        self._check(page)
        self.count, self.pages, self.whole = page.count, self.pages + 1, page.last
        self.stating = (self.stating or not self.seen) and all(paper.stated is not None for paper in page.papers)
        self.seen |= {paper.id for paper in page.papers}
        self.latest = page.papers[-1].published if page.papers else self.latest
        return page

    def _check(self, page: Page) -> None:
        if self.count is not None and page.count != self.count:
            raise Shifted(f"the count changed from {self.count} to {page.count}")
        twice = sorted(self.seen & {paper.id for paper in page.papers})
        if twice:
            raise Shifted(f"paper {twice[0]} stands on two pages")
        if page.papers and page.papers[0].published < self.latest:
            raise Shifted(f"{page.papers[0].published} follows {self.latest}")
        if self.seen and self.stating and page.papers and all(paper.stated is None for paper in page.papers):
            raise Shifted("no paper of the page says how many repositories it has, those before it all do")
        found = len(self.seen) + len(page.papers)
        if page.last and found != page.count:
            raise Shifted(f"{found} different papers came of {page.count}")


def read_page(
    content: object,
    window: Window,
    number: int,
    size: int,
    *,
    resources: bool = True,
    filters: Mapping[str, str] | None = None,
) -> Page:
    """Return a page of a listing.

    content    the answer as JSON
    number     the page asked for, from 1
    size       papers asked for on a page
    resources  whether repositories were asked for
    filters    filters sent beside the window
    raises     Violation for whatever does not go with what was asked
    """
    page = read_object(content, "the page")
    sent = {"start_date": window.start.isoformat(), "end_date": window.end.isoformat(), **(filters or {})}
    _confirm(page, sent)
    count = _count(page.get("count"), "count")
    rows = page.get("results")
    if not isinstance(rows, list):
        raise Violation("results is not a list")
    papers = tuple(read_paper(row, resources=resources) for row in rows)
    _check_rows(papers, window)
    expected = max(0, min(size, count - (number - 1) * size))
    if len(papers) != expected:
        raise Violation(f"{len(papers)} papers on page {number} where a count of {count} asks for {expected}")
    last = number * size >= count
    if "next_page" not in page or not _is(page["next_page"], None if last else number + 1):
        raise Violation(f"next_page is {_show(page.get('next_page'))} on page {number} of {count} papers")
    if page.get("previous_page") is not None and not _is(page["previous_page"], number - 1):
        raise Violation(f"previous_page is {_show(page['previous_page'])} on page {number}")
    if resources and len(papers) >= min(size, MANY) and all(paper.links is None for paper in papers):
        raise Violation(f"repositories were asked for, and none of {len(papers)} papers says anything of them")
    return Page(count, papers, last)


def _confirm(page: Mapping, sent: Mapping[str, str]) -> None:
    """Raise Violation unless the service says that it applied every filter that was sent."""
    applied = page.get("applied_filters")
    if not isinstance(applied, dict):
        raise Violation("applied_filters is missing: the filters are not confirmed")
    for name, value in sent.items():
        echo = applied.get(name)
        if not isinstance(echo, str | bool) or str(echo).casefold() != value.casefold():
            raise Violation(f"filter {name}={value} is not confirmed: applied_filters has {_show(echo)}")


def _check_rows(papers: Sequence[Paper], window: Window) -> None:
    before = date.min
    for paper in papers:
        if not window.start <= paper.published <= window.end:
            raise Violation(f"paper {paper.id} of {paper.published} is outside {window.start} to {window.end}")
        if paper.published < before:
            raise Violation(f"paper {paper.id} of {paper.published} follows {before}: not in ascending order")
        before = paper.published
    if len({paper.id for paper in papers}) != len(papers):
        raise Violation("a paper stands twice on the page")


def read_paper(row: object, *, resources: bool = True) -> Paper:
    """Return an entry; raises Violation if it is not in the shape on record.

    resources  whether repositories were asked for: if not, a missing list says nothing
    """
    row = read_object(row, "a paper")
    key, arxiv_id = row.get("id"), row.get("arxiv_id")
    if not isinstance(key, str) or not re.fullmatch(r"[0-9]{1,12}", key):
        raise Violation(f"the id of a paper is {_show(key)}, not digits as text")
    if arxiv_id is not None and not (isinstance(arxiv_id, str) and ARXIV_ID.fullmatch(arxiv_id)):
        raise Violation(f"paper {key}: arxiv_id is {_show(arxiv_id)}")
    published = _day(row.get("published"), f"paper {key}: published")
    if not resources:  # the list is null then, and the count beside it 0, whatever the paper has
        return Paper(key, arxiv_id, published, None)
    stated = row.get("code_repository_count")
    stated = None if stated is None else _count(stated, f"paper {key}: code_repository_count")
    links, odd = _links(row.get("repositories"), key)
    if not links and not odd and stated:
        raise Violation(f"paper {key} has {stated} repositories, but no list of them came")
    if links is None and stated == 0:
        links = ()
    return Paper(key, arxiv_id, published, links, odd, stated)


def _links(entries: object, key: str) -> tuple[tuple[Link, ...] | None, int]:
    """Return the different repositories of a paper, and how many entries are no address of the web."""
    if entries is None:
        return None, 0
    if not isinstance(entries, list):
        raise Violation(f"paper {key}: repositories is not a list")
    found: dict[str, Link] = {}
    odd = 0
    for entry in (read_object(value, f"paper {key}: a repository") for value in entries):
        url, official = entry.get("url"), entry.get("is_official", False)
        if not isinstance(url, str):
            raise Violation(f"paper {key}: the url of a repository is {_show(url)}")
        if official is not None and not isinstance(official, bool):
            raise Violation(f"paper {key}: is_official is {_show(official)}")
        stars, kind = entry.get("num_stars"), entry.get("source")
        stars = None if stars is None else _count(stars, f"paper {key}: num_stars")
        if kind is not None and not isinstance(kind, str):
            raise Violation(f"paper {key}: the source of a repository is {_show(kind)}")
        address = normalised(url)
        if address is None:
            odd += 1
            continue
        before = found.get(address)
        official = bool(official) or (before is not None and before.official)
        kind = before.kind if before else "unsaid" if kind is None else kind if KIND.fullmatch(kind) else "other"
        found[address] = Link(address, url.strip(), official, kind, stars)
    return tuple(found.values()), odd


def read_detail(content: object, arxiv_id: str) -> Paper:
    """Return one paper asked for by its arXiv identifier; raises Violation if it is another one."""
    paper = read_paper(content)
    if paper.arxiv_id != arxiv_id:
        raise Violation(f"asked for {arxiv_id}, {_show(paper.arxiv_id)} came")
    return paper


def catalogue(content: object) -> dict[str, int | None]:
    """Return ``{slug: papers}`` of the service's catalogue of frameworks; raises Violation if it is none."""
    found = {}
    for domain in _rows(read_object(content, "the catalogue"), "domains"):
        for category in _rows(domain, "categories"):
            for entry in _rows(category, "frameworks"):
                slug, papers = entry.get("slug"), entry.get("paper_count")
                if not isinstance(slug, str):
                    raise Violation("a framework of the catalogue has no slug")
                found[slug.lower()] = None if papers is None else _count(papers, f"paper_count of {slug[:40]}")
    return found


def read_json(answer: Answer) -> object:
    """Return the body as JSON; a number of thousands of digits is none."""
    try:
        return answer.json()
    except ValueError as error:
        raise Violation(f"not JSON: {error}") from error


def _rows(content: Mapping, name: str) -> list[Mapping]:
    rows = content.get(name)
    if not isinstance(rows, list):
        raise Violation(f"{name} is not a list")
    return [read_object(row, name) for row in rows]


def read_object(value: object, what: str) -> Mapping:
    if not isinstance(value, dict):
        raise Violation(f"{what} is not an object but {_show(value)}")
    return value


def _count(value: object, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 10**9:
        raise Violation(f"{what} is {_show(value)}, not a count")
    return value


def _day(value: object, what: str) -> date:
    try:
        if isinstance(value, str) and DAY.fullmatch(value):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Violation(f"{what} is {_show(value)}, not a day")


def _is(value: object, expected: int | None) -> bool:
    return value is None if expected is None else value == expected and type(value) is int


def _show(value: object) -> str:
    text = ascii(value) if isinstance(value, str | int | float | bool | None) else type(value).__name__
    return text if len(text) < 60 else text[:57] + "..."
