"""arXiv's query API on a good day: the shapes of recorded answers, with synthetic papers."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from tests.loopback import papers
from tests.loopback.papers import Paper
from tests.loopback.server import Request, Response, Service

DAY = papers.DAY
MOST_A_SLICE = 2000
PAGE_SIZE, MOST_A_QUERY = 10, 32  # small, so that months have many pages and some have to be split
KIND = {"Content-Type": "application/atom+xml; charset=utf-8"}
_DATES = re.compile(r"submittedDate:\[(\d{12}) TO (\d{12})\]", re.ASCII)
_QUERY = re.compile(r"\((cat:[\w.-]+(?: OR cat:[\w.-]+)*)\) AND submittedDate:\[\d{12} TO \d{12}\]", re.ASCII)


def settings(base: str, seed: int = 0) -> dict:
    """Return the settings under which the source asks this service."""
    return {
        "base_url": base,
        "since": papers.SINCE,
        "categories": list(papers.CHOSEN),
        "page_size": PAGE_SIZE,
        "most_a_query": MOST_A_QUERY,
        "expected_a_month": 60,
    }


def truth(seed: int = 0) -> dict[str, list[dict]]:
    """Return the right tables, straight from the papers."""
    return papers.tables(papers.counted(seed), source="arxiv_query", stratum="chosen categories (query API)")


def group(address: str) -> str:
    """Return what may have to be read again together with an address: its month."""
    match = re.search(r"submittedDate(?::|%3A)(?:\[|%5B)(\d{6})", address)
    return match[1] if match else ""


def service(seed: int = 0, most_a_query: int = MOST_A_QUERY) -> Service:
    """Return the service; a query can be read up to entry ``most_a_query``."""
    held = [paper for paper in papers.papers(seed) if not paper.deleted]

    def answer(request: Request) -> Response:
        if request.path != "/api/query":
            return Response(b"not found", 404)
        return packed(request, *_answer(request, held, most_a_query))

    return answer


def _answer(request: Request, held: list[Paper], most_a_query: int) -> tuple[int, str]:
    query, names = request.get("search_query", ""), request.get("id_list", "")
    numbers = {name: request.get(name, default) for name, default in (("start", "0"), ("max_results", "10"))}
    for name, text in numbers.items():
        if not text.isdecimal():
            return error(f"{name} must be an integer")
    start, size = int(numbers["start"]), int(numbers["max_results"])
    if size > MOST_A_SLICE:
        return error(f"max_results must not be more than {MOST_A_SLICE}")
    if start >= most_a_query:
        return error(f"start must be less than {most_a_query}")
    if names and not query:
        chosen = [paper for name in names.split(",") for paper in held if paper.arxiv_id == name]
        return 200, feed(query, chosen[start : start + size], total=len(chosen), start=start, size=size)
    if not _QUERY.fullmatch(query):
        return error("the search query is not understood")
    found = select(held, query)
    if request.get("sortBy") != "submittedDate":
        return error("sortBy must be submittedDate here")
    found = sorted(found, key=lambda p: (p.submitted, p.arxiv_id), reverse=request.get("sortOrder") != "ascending")
    return 200, feed(query, found[start : start + size], total=len(found), start=start, size=size)


def select(held: list[Paper], query: str) -> list[Paper]:
    """Return the papers of a query: in any of its categories, submitted between its minutes, both included."""
    categories = set(re.findall(r"cat:([\w.-]+)", query))
    low, high = _DATES.search(query).groups()
    return [
        paper for paper in held if categories & set(paper.categories) and low <= f"{paper.submitted:%Y%m%d%H%M}" <= high
    ]


def packed(request: Request, status: int, text: str) -> Response:
    """Return a response, compressed where that is accepted."""
    body = text.encode()
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(gzip.compress(body, mtime=0), status, KIND | {"Content-Encoding": "gzip"})
    return Response(body, status, KIND)


def now() -> str:
    """Return the time of the request as the service writes it."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def feed(query: str, found: list[Paper], *, total: int, start: int, size: int) -> str:
    """Return a page."""
    echo = f"search_query={escape(query)}&amp;id_list=&amp;start={start}&amp;max_results={size}"
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom">\n'
        "  <id>https://arxiv.org/api/AAAAexampleFeedId0000000000000</id>\n"
        f"  <title>arXiv Query: {echo}</title>\n"
        f"  <updated>{now()}</updated>\n"
        f'  <link href="https://arxiv.org/api/query?{echo}" type="application/atom+xml"/>\n'
        f"  <opensearch:itemsPerPage>{size}</opensearch:itemsPerPage>\n"
        f"  <opensearch:totalResults>{total}</opensearch:totalResults>\n"
        f"  <opensearch:startIndex>{start}</opensearch:startIndex>\n" + "".join(map(entry, found)) + "</feed>\n"
    )


def entry(paper: Paper) -> str:
    """Return a paper as an entry, elements in the order of recorded answers."""
    name = f"{paper.arxiv_id}v{paper.version}"
    categories = "".join(
        f'    <category term="{c}" scheme="http://arxiv.org/schemas/atom"/>\n' for c in paper.categories
    )
    comment = f"    <arxiv:comment>{escape(paper.comments)}</arxiv:comment>\n" if paper.comments else ""
    return (
        "  <entry>\n"
        f"    <id>http://arxiv.org/abs/{name}</id>\n"
        f"    <title>{escape(paper.title)}</title>\n"
        f"    <updated>{paper.updated:%Y-%m-%dT%H:%M:%SZ}</updated>\n"
        f'    <link href="https://arxiv.org/abs/{name}" rel="alternate" type="text/html"/>\n'
        f'    <link href="https://arxiv.org/pdf/{name}" rel="related" type="application/pdf" title="pdf"/>\n'
        f"    <summary>{escape(paper.abstract)}</summary>\n"
        f"{categories}"
        f"    <published>{paper.submitted:%Y-%m-%dT%H:%M:%SZ}</published>\n"
        f"{comment}"
        f'    <arxiv:primary_category term="{paper.categories[0]}"/>\n'
        f"    <author>\n      <name>{escape(paper.author)}</name>\n    </author>\n"
        "  </entry>\n"
    )


def error(words: str) -> tuple[int, str]:
    """Return the Atom error that goes with status 400."""
    return 400, (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        '<feed xmlns:opensearch="http://a9.com/-/spec/opensearch/1.1/" xmlns:arxiv="http://arxiv.org/schemas/atom" '
        'xmlns="http://www.w3.org/2005/Atom">\n'
        "  <id>https://arxiv.org/</id>\n  <title>arXiv Search Results</title>\n"
        f"  <updated>{now()}</updated>\n"
        "  <opensearch:itemsPerPage>1</opensearch:itemsPerPage>\n"
        "  <opensearch:totalResults>1</opensearch:totalResults>\n"
        "  <opensearch:startIndex>0</opensearch:startIndex>\n"
        f"  <entry>\n    <id>https://arxiv.org/api/errors#{words.replace(' ', '_')}</id>\n    <title>Error</title>\n"
        f"    <updated>{now()}</updated>\n    <summary>{escape(words)}</summary>\n"
        "    <author>\n      <name>arXiv api core</name>\n    </author>\n  </entry>\n</feed>\n"
    )
