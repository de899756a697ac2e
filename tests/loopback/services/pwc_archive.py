"""The hub of data sets on a good day, with a small archive of synthetic papers, links and labels in the real schema."""

from __future__ import annotations

import hashlib
import io
import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from functools import cache

import numpy as np

from tests.loopback import papers
from tests.loopback.server import Request, Response, Service

DAY = papers.DAY
LINKS = ("pwc-archive/links-between-paper-and-code", "56cc5c1938678c33dedebf5f74fc4e62e2c35381")
PAPERS = ("pwc-archive/papers-with-abstracts", "459480aeac58509a93f5af2acd4adf20236ce8d9")
LABELS = ("tf", "pytorch", "mxnet", "torch", "caffe2", "jax", "paddle", "mindspore", "none", None)
ODDS = (0.2, 0.35, 0.02, 0.03, 0.02, 0.05, 0.02, 0.02, 0.19, 0.1)
NAMES = {"pytorch": "pytorch", "tf": "tensorflow"}


@cache
def archive(seed: int = 0, number: int = 220) -> tuple[list[dict], list[dict]]:
    """Return the papers and the links, a dict each; ``canonical`` is the repository, however a link writes it."""
    rng = np.random.default_rng([seed, 2])
    found, links = [], []
    for k in range(1, number + 1):
        day = date(2023, 11, 1) + timedelta(days=int(rng.integers(0, 150)))
        slug = f"https://paperswithcode.com/paper/example-{k}"
        title = papers.TITLES[rng.integers(len(papers.TITLES))][0]
        arxiv_id = f"{day:%y%m}.{90000 + k:05d}" if rng.random() < 0.8 else None
        found.append({"paper_url": slug, "arxiv_id": arxiv_id, "title": title, "date": day})
        if rng.random() < 0.04:
            found[-1]["date"] = None
        if rng.random() < 0.7:
            links += _links(rng, slug, title, arxiv_id, k)
    for k in range(5):  # links to papers that the other data set does not have
        slug = f"https://paperswithcode.com/paper/elsewhere-{k}"
        links += _links(rng, slug, "Elsewhere", None, number + k + 1)
    return found, links


def _links(rng: np.random.Generator, slug: str, title: str, arxiv_id: str | None, k: int) -> list[dict]:
    links = []
    for n in range(int(rng.choice([1, 1, 2, 3]))):
        host = "gitlab.com" if rng.random() < 0.1 else "github.com"
        name = f"https://{host}/example-lab/paper-{k}-{n}"
        link = {
            "paper_url": slug,
            "paper_title": title,
            "paper_arxiv_id": arxiv_id,
            "repo_url": name,
            "canonical": name,
            "is_official": bool(rng.random() < 0.5),
            "mentioned_in_paper": bool(rng.random() < 0.4),
            "mentioned_in_github": bool(rng.random() < 0.6),
            "framework": LABELS[rng.choice(len(LABELS), p=ODDS)],
        }
        links.append(link)
        if rng.random() < 0.15:  # the same repository once more, written otherwise, now and then with another label
            written = str(rng.choice([name.replace("example-lab", "Example-Lab") + "/", f"{name}.git", f"{name}/"]))
            label = LABELS[rng.choice(len(LABELS), p=ODDS)] if rng.random() < 0.5 else link["framework"]
            official = bool(rng.random() < 0.5)
            links.append(link | {"repo_url": written, "framework": label, "is_official": official})
    return links


@cache
def files(seed: int = 0) -> dict[tuple[str, str], dict[str, bytes]]:
    """Return the files of both data sets: ``{(repository, revision): {path: content}}``, two shards of papers."""
    found, links = archive(seed)
    half = len(found) // 2
    return {
        LINKS: {"data/train-00000-of-00001.parquet": links_file(links)},
        PAPERS: {
            "data/train-00000-of-00002.parquet": papers_file(found[:half]),
            "data/train-00001-of-00002.parquet": papers_file(found[half:]),
        },
    }


def links_file(links: list[dict]) -> bytes:
    """Return links as parquet with the columns of the real file."""
    import polars as pl

    text, flags = ("paper_url", "paper_title", "paper_arxiv_id"), ("is_official", "mentioned_in_paper")
    columns = {name: [link[name] for link in links] for name in text}
    columns |= {"paper_url_abs": [_abstract(link["paper_arxiv_id"]) for link in links]}
    columns |= {"paper_url_pdf": [_abstract(link["paper_arxiv_id"]) for link in links]}
    columns |= {name: [link[name] for link in links] for name in ("repo_url", *flags, "mentioned_in_github")}
    columns |= {"framework": [link["framework"] for link in links]}
    schema = {name: pl.Boolean if name.startswith(("is_", "mentioned_")) else pl.String for name in columns}
    return _written(pl.DataFrame(columns, schema=schema))


def papers_file(found: list[dict]) -> bytes:
    """Return papers as parquet with the columns of the real file."""
    import polars as pl

    empty = ("openreview_id", "short_abstract", "proceeding", "conference_url_abs", "conference_url_pdf")
    size = len(found)
    method = pl.Struct({"name": pl.String, "full_name": pl.String, "introduced_year": pl.Int64})
    series = [
        pl.Series("paper_url", [p["paper_url"] for p in found], pl.String),
        pl.Series("arxiv_id", [p["arxiv_id"] for p in found], pl.String),
        pl.Series("nips_id", [None] * size, pl.Float64),
        pl.Series("title", [p["title"] for p in found], pl.String),
        pl.Series("abstract", ["An abstract with – signs."] * size, pl.String),
        *(pl.Series(name, [None] * size, pl.String) for name in empty),
        pl.Series("url_abs", [_abstract(p["arxiv_id"]) for p in found], pl.String),
        pl.Series("url_pdf", [_abstract(p["arxiv_id"]) for p in found], pl.String),
        pl.Series("authors", [["Ada Example", "Kä Mock"]] * size, pl.List(pl.String)),
        pl.Series("tasks", [[]] * size, pl.List(pl.String)),
        pl.Series("date", [_midnight(p["date"]) for p in found], pl.Datetime("ms")),
        pl.Series("conference", [None] * size, pl.String),
        pl.Series("reproduces_paper", [None] * size, pl.String),
        pl.Series("methods", [[]] * size, pl.List(method)),
    ]
    return _written(pl.DataFrame(series))


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime(day.year, day.month, day.day)


def _abstract(arxiv_id: str | None) -> str:
    return f"https://arxiv.org/abs/{arxiv_id}" if arxiv_id else "https://example.org/paper"


def _written(frame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def settings(base: str, seed: int = 0) -> dict:
    """Return the settings under which the source asks this service."""
    found, links = archive(seed)
    sizes = {key: sum(map(len, content.values())) for key, content in files(seed).items()}
    return {
        "base_url": base,
        "links_rows": len(links),
        "links_bytes": sizes[LINKS],
        "papers_rows": len(found),
        "papers_bytes": sizes[PAPERS],
        "papers_bytes_off": 0,
    }


def truth(seed: int = 0) -> dict[str, list[dict]]:
    """Return the right tables, straight from the papers and links."""
    found, links = archive(seed)
    dates = {paper["paper_url"]: paper["date"] for paper in found}
    months = {slug: f"{day:%Y-%m}" for slug, day in dates.items() if day is not None}
    labels, flags = defaultdict(set), defaultdict(lambda: [False, False])
    for link in links:
        if link["paper_url"] in months:
            repository = (link["paper_url"], link["canonical"])
            labels[repository].add(link["framework"] or "(null)")
            flags[repository][0] |= link["is_official"]
            flags[repository][1] |= link["mentioned_in_paper"]
    repositories = Counter(
        (months[slug], label, *flags[slug, name]) for (slug, name), seen in labels.items() for label in seen
    )
    whole, official = defaultdict(set), defaultdict(set)
    for (slug, name), seen in labels.items():
        whole[slug] |= seen
        if flags[slug, name][0]:
            official[slug] |= seen
    sets = Counter()
    for stratum, of_paper in (("all", whole), ("official", official)):
        sets.update((months[slug], stratum, "+".join(sorted(seen))) for slug, seen in of_paper.items())
    return {
        "repositories_by_month": [
            {"month": m, "framework": label, "official": o, "mentioned_in_paper": p, "repositories": n}
            for (m, label, o, p), n in sorted(repositories.items())
        ],
        "papers_by_month": [
            {"month": m, "repositories": stratum, "labels": seen, "papers": n}
            for (m, stratum, seen), n in sorted(sets.items())
        ],
        "coverage_by_month": [
            {
                "month": month,
                "papers": sum(m == month for m in months.values()),
                "with_repository": sum(months[slug] == month for slug in whole),
                "with_label": sum(months[slug] == month and bool(s - {"none", "(null)"}) for slug, s in whole.items()),
            }
            for month in sorted(set(months.values()))
        ],
        "unmatched": [
            {"what": what, "number": number}
            for what, number in (
                ("links to no paper of the archive", sum(link["paper_url"] not in dates for link in links)),
                (
                    "links to papers without date",
                    sum(link["paper_url"] in dates and dates[link["paper_url"]] is None for link in links),
                ),
                ("papers without date", sum(day is None for day in dates.values())),
            )
        ],
        "figures": _figures(sets),
    }


def _figures(sets: Counter) -> list[dict]:
    strata = {"all": "papers, all repositories", "official": "papers, official repositories"}
    counts, totals = Counter(), Counter()
    for (month, stratum, seen), number in sets.items():
        named = {NAMES.get(label, label) for label in seen.split("+")} - {"none", "(null)"}
        if {"pytorch", "tensorflow"} <= named:
            kind = "both"
        elif named & {"pytorch", "tensorflow"}:
            kind = min(named & {"pytorch", "tensorflow"})
        else:
            kind = "other" if named else "none"
        counts[month, stratum, kind] += number
        totals[month, stratum] += number
    return [
        {
            "indicator": "code_labels",
            "period": month,
            "stratum": strata[stratum],
            "framework": kind,
            "count": counts[month, stratum, kind],
            "total": total,
            "source": "pwc_archive",
        }
        for (month, stratum), total in sorted(totals.items())
        for kind in ("pytorch", "tensorflow")
    ]


def group(address: str) -> str:
    """Return what may have to be asked again together with an address: the files, when their list was wrong."""
    return ""


def freely(address: str) -> bool:
    """Return whether an address may be asked again at any time: a list of files, when a file contradicts it."""
    return "/tree/" in address


def service(seed: int = 0, held: dict | None = None) -> Service:
    """Return the service; ``held`` in place of the files of the seed."""
    held = files(seed) if held is None else held

    def answer(request: Request) -> Response:
        for (repository, revision), content in held.items():
            if request.path == f"/api/datasets/{repository}":
                return _json({"id": repository, "sha": revision, "gated": False, "private": False})
            if request.path == f"/api/datasets/{repository}/tree/{revision}/data":
                return _json([_described(path, body) for path, body in content.items()])
            for path, body in content.items():
                if request.path == f"/datasets/{repository}/resolve/{revision}/{path}":
                    place = f"{request.base}/cdn/{hashlib.sha256(body).hexdigest()}?response-content-type=x"
                    return Response(b"", 302, {"Location": place, "X-Linked-Size": str(len(body))})
                if request.path == f"/cdn/{hashlib.sha256(body).hexdigest()}":
                    return Response(body, 200, {"Content-Type": "application/octet-stream"})
        return _json({"error": "Repository not found"}, 404)

    return answer


def _described(path: str, body: bytes) -> dict:
    large = {"oid": hashlib.sha256(body).hexdigest(), "size": len(body), "pointerSize": 134}
    return {"type": "file", "oid": hashlib.sha1(body).hexdigest(), "size": len(body), "lfs": large, "path": path}


def _json(content: object, status: int = 200) -> Response:
    return Response(json.dumps(content).encode(), status, {"Content-Type": "application/json; charset=utf-8"})
