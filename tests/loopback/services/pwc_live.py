"""The relaunched Papers with Code on a good day: ``papers/`` with filters, one paper, the catalogue, openapi.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache

import numpy as np

from tests.loopback.server import Request, Response, Service

FIRST, LAST = date(2025, 8, 1), date(2026, 10, 31)
KINDS = ("hf_api", "pwc_archive", None)
HOSTILE = (
    "<script>alert(1)</script>",
    "=HYPERLINK(1)\r\n\"quoted\", 'twice'",
    "0",
    "\u202ereversed \U0001f600 \x00",
    "{{7*7}} ../../etc/passwd",
    "x" * 5_000,
)
ODD_URLS = ("javascript:alert(1)", "https://github.com/a b/c", "ftp://host.example/x", "https://", "x" * 3_000, "\x00")


def service(seed: int = 0, papers_a_day: float = 1.5) -> Service:
    """Return the service: mount it anywhere and ask it below ``/api/v1``."""
    content = papers(seed, papers_a_day)

    def answer(request: Request) -> Response:
        path = request.path
        if path == "/openapi.json":
            return _json(_openapi())
        if path == "/api/v1/frameworks/":
            return _json(_catalogue())
        if path == "/api/v1/papers/":
            return _listing(request, content)
        if path.startswith("/api/v1/papers/arxiv/"):
            return _detail(request, content, path.removeprefix("/api/v1/papers/arxiv/"))
        return _json({"detail": "Not Found"}, 404)

    return answer


@cache
def papers(seed: int = 0, papers_a_day: float = 1.5) -> tuple[Mapping, ...]:
    """Return every paper, repositories included, in order of publication."""
    draw = np.random.default_rng([seed, 2025])
    found, day = [], FIRST
    while day <= LAST:
        for _ in range(draw.poisson(papers_a_day)):
            found.append(_paper(draw, len(found), day))
        day += timedelta(days=1)
    return tuple(found)


def truth(seed: int = 0, papers_a_day: float = 1.5) -> list[dict]:
    """Return the rows of ``papers_by_month``, counted from the content without any of the source's code."""
    rows: dict[str, dict] = {}
    day = FIRST
    while day <= LAST:
        rows.setdefault(
            f"{day:%Y-%m}",
            {
                "papers": [],
                "with_repository": 0,
                "with_official": 0,
                "repositories": set(),
                "official_repositories": set(),
                "links": 0,
                "unsaid": 0,
                "unreadable_links": 0,
                "lists_shorter_than_stated": 0,
                "source_kinds": {},
            },
        )
        day += timedelta(days=1)
    for paper in papers(seed, papers_a_day):
        row = rows[paper["published"][:7]]
        row["papers"].append(paper["id"])
        readable = [entry for entry in paper["repositories"] or () if entry["url"] not in ODD_URLS]
        row["unreadable_links"] += len(paper["repositories"] or ()) - len(readable)
        official = {_plain(entry["url"]) for entry in readable if entry["is_official"]}
        kinds = {_plain(entry["url"]): entry["source"] or "unsaid" for entry in reversed(readable)}
        row["with_repository"] += bool(readable)
        row["with_official"] += bool(official)
        row["repositories"] |= set(kinds)
        row["official_repositories"] |= official
        row["links"] += len(kinds)
        for kind in kinds.values():
            row["source_kinds"][kind] = row["source_kinds"].get(kind, 0) + 1
        duplicates = len(readable) - len(kinds)
        row["lists_shorter_than_stated"] += duplicates > 0
    return [
        {"month": month}
        | {name: len(value) if isinstance(value, list | set) else value for name, value in row.items()}
        | {"source_kinds": ";".join(f"{kind}={count}" for kind, count in sorted(row["source_kinds"].items()))}
        for month, row in sorted(rows.items())
    ]


def _plain(url: str) -> str:
    return url.split("://")[1].removesuffix("/").removesuffix(".git").lower()


def _paper(draw: np.random.Generator, number: int, day: date) -> dict:
    arxiv_id = f"{day:%y%m}.{90000 + number:05d}" if draw.random() < 0.95 else None
    repositories = [_repository(draw, number, place) for place in range(draw.choice([0, 0, 1, 1, 1, 2, 3]))]
    if repositories and draw.random() < 0.1:  # the same one twice, written differently
        first = repositories[0]["url"]
        other = first if "codeberg" in first else first.replace("lab-", "LAB-")
        repositories.append({**repositories[0], "url": other.removesuffix("/") + "/"})
    if draw.random() < 0.05:
        repositories.append({**_repository(draw, number, 9), "url": str(draw.choice(ODD_URLS[:-1]))})
    hostile = HOSTILE[draw.integers(len(HOSTILE))]
    return {
        "id": str(900_000 + number),
        "arxiv_id": arxiv_id,
        "source": "arxiv" if arxiv_id else "external",
        "title": hostile if draw.random() < 0.1 else f"Invented paper {number}",
        "abstract": "Invented abstract.",
        "published": day.isoformat(),
        "version": "v1",
        "is_latest_version": True,
        "citation_count": int(draw.integers(100)),
        "primary_category": None,
        "all_categories": [],
        "repositories": repositories or None,
        "project_pages": None,
        "introduced_frameworks": None,
        "has_official_implementation": any(entry["is_official"] for entry in repositories),
        "code_repository_count": len(repositories),
    }


def _repository(draw: np.random.Generator, number: int, place: int) -> dict:
    host = str(draw.choice(["github.com", "github.com", "github.com", "github.com", "gitlab.com", "codeberg.org"]))
    owner, name = f"lab-{number % 50}", f"work-{number}-{place}"
    ending = str(draw.choice(["", "", ".git", "/"]))
    return {
        "url": f"https://{host}/{owner}/{name}{ending}",
        "owner": owner,
        "name": name,
        "num_stars": int(draw.integers(900)) if draw.random() < 0.8 else None,
        "is_official": bool(draw.random() < 0.7),
        "source": KINDS[draw.integers(len(KINDS))],
    }


def _listing(request: Request, content: tuple[Mapping, ...]) -> Response:
    known = {"start_date", "end_date", "framework"}
    applied = {name: request.get(name) for name in sorted(known) if request.get(name) is not None}
    start, end = request.get("start_date", "0000"), request.get("end_date", "9999")
    chosen = [paper for paper in content if start <= paper["published"] <= end]
    if request.get("framework"):
        chosen = [paper for paper in chosen if int(paper["id"]) % 29 == len(request.get("framework"))]
    if request.get("order_dir") != "asc":
        chosen = chosen[::-1]
    size, number = int(request.get("page_size", "20")), int(request.get("page", "1"))
    if not (1 <= size <= 100 and 1 <= number <= 100):
        return _json({"detail": [{"type": "less_than_equal", "loc": ["query", "page"], "input": number}]}, 422)
    full = request.get("include_resources") == "true"
    rows = [paper if full else {**paper, "repositories": None} for paper in chosen[(number - 1) * size : number * size]]
    return _json(
        {
            "count": len(chosen),
            "next_page": number + 1 if number * size < len(chosen) else None,
            "previous_page": number - 1 if number > 1 else None,
            "results": rows,
            "scope": None,
            "applied_filters": applied,
        }
    )


def _detail(request: Request, content: tuple[Mapping, ...], arxiv_id: str) -> Response:
    for paper in content:
        if paper["arxiv_id"] == arxiv_id:
            full = request.get("include_resources") == "true"
            return _json(paper if full else {**paper, "repositories": None})
    return _json({"detail": "Paper not found"}, 404)


def _catalogue() -> dict:
    frameworks = [{"id": "11", "slug": "vllm", "name": "vLLM", "paper_count": 73}, {"id": "12", "slug": "pytorch"}]
    return {"domains": [{"slug": "llm", "categories": [{"slug": "inference", "frameworks": frameworks}]}]}


def _openapi() -> dict:
    names = "page page_size search start_date end_date latest_only order_by order_dir include_resources framework"
    parameters = [{"name": name, "in": "query", "schema": {"maximum": 100}} for name in names.split()]
    return {
        "openapi": "3.1.0",
        "info": {"title": "Invented", "version": "1"},
        "paths": {"/api/v1/papers/": {"get": {"parameters": parameters}}},
    }


def _json(value: object, status: int = 200) -> Response:
    return Response(json.dumps(value).encode(), status, {"Content-Type": "application/json"})
