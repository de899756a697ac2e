"""The relaunched Papers with Code: papers and repository links by month after the archive ended. Beta, off by default.

Its answers carry no framework of a repository. What it gives is the list from which ``repository_detector`` draws.

Filters fail closed: a filter that the service does not confirm, a row outside the window, a missing page or a changed
total is never counted. Months of which the whole answer was taken after they left the window of ``again_months`` stay
as they are. The links stay in the cache (``work/links.jsonl``): the terms of the data are not known, so only counts
are landed.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from pathlib import Path
from typing import TextIO

from analysis.harvesting.cache import Answer
from analysis.harvesting.client import Refused
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._pwc_pages import (
    Listing,
    Paper,
    Shifted,
    Window,
    catalogue,
    read_detail,
    read_json,
    read_object,
    read_page,
)
from reproductions.errors import SurveyError
from reproductions.files import explain

PAGES = 100  # the service's own limit
RESTARTS = 3  # of a window whose listing changed while it was read
LINKS = "links.jsonl"
MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
PARAMETERS = (
    "start_date",
    "end_date",
    "latest_only",
    "order_by",
    "order_dir",
    "include_resources",
    "page",
    "page_size",
)
PROBED = ("PyTorch", "TensorFlow", "JAX")
WELL_KNOWN = "1706.03762"  # listed with 595 repositories in 2026: shows whether lists are cut
ROW_BYTES = 5_000


def links_path(cache_dir: Path) -> Path:
    """Return the file of the links: a JSON object a line, as :func:`_link_rows` makes them."""
    return Path(cache_dir) / "sources" / "pwc_live" / "work" / LINKS


# --- asking ----------------------------------------------------------------------------------------------------------


def months(run: Run) -> list[str]:
    """Return the whole months to ask for, first to last."""
    first = run.settings["first_month"]
    if not isinstance(first, str) or not MONTH.fullmatch(first):
        raise SurveyError(f"sources.pwc_live.first_month: {first!r} is not a month; write it like 2025-08")
    return _months_between(first, run.today)


def plan(run: Run) -> Plan:
    """Return the pages that are not kept yet; their number is exact where the first page of a month is kept."""
    size, missing = _size(run), 0
    for month in months(run):
        window, since = _window(month), _since(run, month)
        first = run.client.known("papers/", _query(window, size, 1), since=since)
        count = run.settings["papers_a_month"]
        if first is not None:
            with suppress(Violation):
                count = read_page(read_json(first), window, 1, size).count
        for number in range(1, max(1, math.ceil(count / size)) + 1):
            missing += run.client.known("papers/", _query(window, size, number), since=since) is None
    again = min(run.settings["again_months"], len(months(run)))
    note = f"{len(months(run))} months, the last {again} asked again each day; beta, one request at a time"
    return Plan(missing + 1, missing * size * ROW_BYTES, note, exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the service's description of itself, then every page that counts, month by month."""
    described = _openapi(run)
    yield Piece({"openapi": described.status == 200}, described)
    for month in run.progress(months(run), "month"):
        for window, number, answer in _fetch_window(run, _window(month), _since(run, month)):
            days = {"start": window.start.isoformat(), "end": window.end.isoformat()}
            yield Piece({"month": month, **days, "page": number, "size": _size(run)}, answer)


def _fetch_window(run: Run, window: Window, since: date) -> list[tuple[Window, int, Answer]]:
    """Return all pages of a window, or of its halves where it holds more than the service lists."""
    for attempt in range(RESTARTS + 1):
        asked: list[int] = []
        try:
            return _read_window(run, window, since, asked)
        except Shifted as shifted:
            reason = shifted.reason
        except Refused as refused:
            if not isinstance(refused.violation, Shifted):
                raise
            reason = refused.violation.reason
        again = "reading it again from its first page" if attempt < RESTARTS else "giving up"
        run.say(f"{window.start} to {window.end}: {reason}; {again}")
        for number in asked:
            run.client.forget("papers/", _query(window, _size(run), number), reason=reason)
    page = run.client.url("papers/", _query(window, _size(run), 1))
    what = f"the listing does not hold together: {reason}, after {RESTARTS + 1} readings"
    raise SourceError(run.source.id, page, what, "run it again later; whole months are kept")


def _read_window(run: Run, window: Window, since: date, asked: list[int]) -> list[tuple[Window, int, Answer]]:
    size = _size(run)
    listing, pages = Listing(window, size), []
    while not listing.whole:
        number = len(pages) + 1
        asked.append(number)
        answer = run.client.get("papers/", _query(window, size, number), judge=listing.judge, since=since)
        listing.add(answer)  # a kept answer is judged as well: it may be of another day than the page before
        pages.append((window, number, answer))
        if number == 1 and listing.count > size * PAGES:
            return _read_halves(run, window, since, listing.count)
    return pages


def _read_halves(run: Run, window: Window, since: date, count: int) -> list[tuple[Window, int, Answer]]:
    size = _size(run)
    if window.start == window.end:
        page = run.client.url("papers/", _query(window, size, 1))
        what = f"{count} papers of one day, more than the {size * PAGES} that a query lists"
        raise SourceError(run.source.id, page, what, "the window cannot be made smaller; raise page_size to 100")
    found, total = [], 0
    for half in window.halves():
        pages = _fetch_window(run, half, since)
        total += sum(read_page(read_json(answer), w, n, size).count for w, n, answer in pages if n == 1)
        found += pages
    if total != count:
        for part, number, _ in found:
            run.client.forget("papers/", _query(part, size, number), reason="the parts do not add up to the whole")
        raise Shifted(f"its parts hold {total} papers, the whole {count}")
    return found


def _query(window: Window, size: int, number: int) -> dict[str, object]:
    return {
        "start_date": window.start.isoformat(),
        "end_date": window.end.isoformat(),
        "latest_only": "true",
        "order_by": "date_published",
        "order_dir": "asc",
        "include_resources": "true",
        "page_size": size,
        "page": number,
    }


def _size(run: Run) -> int:
    size = run.settings["page_size"]
    if not isinstance(size, int) or not 1 <= size <= 100:
        raise SurveyError(f"sources.pwc_live.page_size: {size!r} is not from 1 to 100, which is what the service takes")
    return size


def _openapi(run: Run) -> Answer:
    """Return the service's description of itself; it stands beside /api/v1, not below it."""
    root = run.settings["base_url"].rstrip("/").removesuffix("/api/v1")
    return run.client.get(f"{root}/openapi.json", judge=_judge_openapi, accept=(200, 404))


def _judge_openapi(answer: Answer) -> None:
    _fingerprint(answer)
    if answer.status == 200 and not isinstance(read_object(read_json(answer), "the description").get("paths"), dict):
        raise Violation("the service's description names no paths")


def _since(run: Run, month: str) -> date:
    """Return the first day whose answer will do: today for the last months, later ones once they left them."""
    known = months(run)
    again = int(run.settings["again_months"])
    if again and month in known[-again:]:
        return run.today
    return _first_day(month, again + 1)


def _window(month: str) -> Window:
    return Window(_first_day(month), _first_day(month, 1) - timedelta(days=1))


def _first_day(month: str, later: int = 0) -> date:
    number = int(month[:4]) * 12 + int(month[5:]) - 1 + later
    return date(number // 12, number % 12 + 1, 1)


def _months_between(first: str, today: date) -> list[str]:
    """Return the whole months from ``first`` to the last before ``today``."""
    found, day = [], _first_day(first)
    while (day.year, day.month) < (today.year, today.month):
        found.append(f"{day.year}-{day.month:02d}")
        day = _first_day(found[-1], 1)
    return found


# --- counting --------------------------------------------------------------------------------------------------------


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Return papers and repositories by month, and write the links for the detector into the cache."""
    run.work.mkdir(parents=True, exist_ok=True)
    described = next(piece.answer for piece in pieces if "openapi" in piece.label)
    counted: dict[str, dict] = {}
    with _whole_file(links_path(run.cache_dir)) as handle:
        for month, papers in _by_month(run, pieces):
            counted[month] = _count_month(month, papers)
            for row in _link_rows(month, papers):
                handle.write(json.dumps(row, ensure_ascii=True, sort_keys=True) + "\n")
    rows = [counted[month] for month in sorted(counted)]
    api = _fingerprint(described)
    return Snapshot(
        tables={"papers_by_month": rows},
        span=f"{rows[0]['month']}/{rows[-1]['month']}" if rows else "",
        upstream=f"beta, openapi {api}",
        notes=_note(run, api, rows),
    )


def _by_month(run: Run, pieces: Sequence[Piece]) -> Iterator[tuple[str, list[Paper]]]:
    """Yield the papers of each month, every listing checked again from its pages."""
    grouped: dict[str, dict[Window, list[Answer]]] = {}
    size = next((piece.label["size"] for piece in pieces if "month" in piece.label), PAGES)
    for piece in pieces:
        if "month" in piece.label:
            window = Window(date.fromisoformat(piece.label["start"]), date.fromisoformat(piece.label["end"]))
            grouped.setdefault(piece.label["month"], {}).setdefault(window, []).append(piece.answer)
    for month, windows in grouped.items():
        papers: list[Paper] = []
        for window, answers in windows.items():
            listing = Listing(window, size)
            papers += [paper for answer in answers for paper in listing.add(answer).papers]
            if not listing.whole:
                raise Violation(f"{window.start} to {window.end}: the last page is not among the kept ones")
        if len({paper.id for paper in papers}) != len(papers):
            raise Violation(f"{month}: a paper stands in two windows")
        yield month, papers


def _count_month(month: str, papers: Sequence[Paper]) -> dict:
    links = [link for paper in papers for link in paper.links or ()]
    kinds = Counter(link.kind for link in links)
    return {
        "month": month,
        "papers": len(papers),
        "with_repository": sum(bool(paper.links) for paper in papers),
        "with_official": sum(any(link.official for link in paper.links or ()) for paper in papers),
        "repositories": len({link.address for link in links}),
        "official_repositories": len({link.address for link in links if link.official}),
        "links": len(links),
        "unsaid": sum(paper.links is None for paper in papers),
        "unreadable_links": sum(paper.odd for paper in papers),
        "lists_shorter_than_stated": sum(
            paper.links is not None and (paper.stated or 0) > len(paper.links) + paper.odd for paper in papers
        ),
        "source_kinds": ";".join(f"{kind}={kinds[kind]}" for kind in sorted(kinds)),
    }


def _link_rows(month: str, papers: Iterable[Paper]) -> Iterator[dict]:
    for paper in papers:
        for link in paper.links or ():
            yield {
                "month": month,
                "pwc_id": paper.id,
                "arxiv_id": paper.arxiv_id,
                "published": paper.published.isoformat(),
                "repo": link.address,
                "url": link.url,
                "official": link.official,
                "kind": link.kind,
                "stars": link.stars,
            }


@contextmanager
def _whole_file(path: Path) -> Iterator[TextIO]:
    """Give a file to write to, beside its place; it takes the place once it is whole."""
    scratch = path.with_name(f".{path.name}.part")
    try:
        with scratch.open("w", encoding="utf-8") as handle:
            yield handle
        scratch.replace(path)
    except OSError as error:
        raise explain(error, path) from error
    finally:
        scratch.unlink(missing_ok=True)


def _fingerprint(described: Answer) -> str:
    """Return what tells two descriptions apart, whatever their spacing."""
    if described.status != 200:
        return "absent"
    try:
        return hashlib.sha256(json.dumps(read_json(described), sort_keys=True).encode()).hexdigest()[:12]
    except (ValueError, RecursionError) as error:
        raise Violation("the service's description cannot be compared") from error


def _note(run: Run, api: str, rows: Sequence[Mapping]) -> str:
    notes = []
    before = run.latest()
    was = str(before.provenance.get("version", "")).rpartition("openapi ")[2] if before else ""
    if was and was != api:
        notes.append(f"the service's openapi.json changed from {was} to {api}")
        run.say(notes[-1] + "; look at `python -m analysis sources check pwc_live`")
    unsaid = sum(row["unsaid"] for row in rows)
    if unsaid:
        notes.append(f"{unsaid} papers do not say whether they have a repository")
    return "; ".join(notes)


# --- what only a live answer settles ---------------------------------------------------------------------------------


def check(run: Run) -> list[Finding]:
    """Ask the open questions of the interface, a few dozen small requests; nothing of it is ever plotted."""
    questions = (
        _check_openapi,
        _check_echo,
        _check_catalogue,
        _check_framework_filter,
        _check_months,
        _check_resources,
        _check_detail,
        _check_long_list,
    )
    found: list[Finding] = []
    for ask in questions:
        try:
            found += ask(run)
        except (SourceError, Violation) as error:
            text = error.reason if isinstance(error, Violation) else str(error)
            found.append(Finding(f"{ask.__doc__}", f"no usable answer: {text}", "an answer", holds=False))
    return found


def _probed_month(run: Run) -> str:
    return months(run)[0] if months(run) else run.settings["first_month"]


def _check_openapi(run: Run) -> list[Finding]:
    """Parameters, licence and terms of openapi.json"""
    described = _openapi(run)
    api, before = _fingerprint(described), run.latest()
    if described.status != 200:
        return [Finding("openapi.json", "not there", "there", holds=False)]
    was = str(before.provenance.get("version", "")).rpartition("openapi ")[2] if before else api
    findings = [Finding("openapi.json since the last snapshot", api, was, holds=was == api)]
    content = read_object(read_json(described), "the description")
    info = content.get("info") if isinstance(content.get("info"), dict) else {}
    for name in ("license", "termsOfService", "version"):
        findings.append(Finding(f"openapi.json: info.{name}", _brief(info.get(name))))
    paths = [path for path in content["paths"] if path.rstrip("/").endswith("/papers")]
    operation = content["paths"][paths[0]] if len(paths) == 1 else {}
    operation = operation.get("get") if isinstance(operation, dict) else {}
    listed = operation.get("parameters") if isinstance(operation, dict) else []
    listed = {str(p.get("name")): p for p in listed if isinstance(p, dict)} if isinstance(listed, list) else {}
    missing = sorted({*PARAMETERS} - {*listed})
    findings.append(
        Finding(
            "parameters of papers/",
            " ".join(sorted(listed))[:400] or "none described",
            "at least " + " ".join(PARAMETERS),
            holds=not missing,
        )
    )
    for name in ("page", "page_size"):
        findings.append(Finding(f"bounds of {name}", _brief(listed.get(name, {}).get("schema"))))
    return findings


def _check_echo(run: Run) -> list[Finding]:
    """Echo of the dates"""
    answer = _probe(run, _window(_probed_month(run)))
    applied = read_object(read_json(answer), "the page").get("applied_filters")
    limits = {name: value for name, value in answer.headers.items() if "ratelimit" in name or name == "retry-after"}
    return [
        Finding("echo of the dates", _brief(applied), "start_date and end_date as sent"),
        Finding("headers on limits", _brief(limits) if limits else "none"),
    ]


def _check_catalogue(run: Run) -> list[Finding]:
    """PyTorch, TensorFlow and JAX in the catalogue of frameworks"""
    known = catalogue(read_json(run.client.get("frameworks/", judge=_judge_catalogue)))
    text = ", ".join(f"{name} {known[name.lower()]}" if name.lower() in known else f"no {name}" for name in PROBED)
    return [Finding("the frameworks in the catalogue, with papers", text)]


def _check_framework_filter(run: Run) -> list[Finding]:
    """Counts of the filter framework="""
    window = _window(_probed_month(run))
    counts = {"without": _total(run, window)}
    for name in PROBED:
        counts[name] = _total(run, window, {"framework": name})
    text = ", ".join(f"{name} {count}" for name, count in counts.items())
    return [
        Finding(f"papers by framework= in {_probed_month(run)} (a catalogue's tag, not usage: never plotted)", text)
    ]


def _check_months(run: Run) -> list[Finding]:
    """Papers of each month since 2025-01"""
    counts = {month: _total(run, _window(month)) for month in _months_between("2025-01", run.today)}
    return [Finding("papers by month", ", ".join(f"{month} {count}" for month, count in counts.items()))]


def _check_resources(run: Run) -> list[Finding]:
    """Repositories, their sources and the size of a full page"""
    window, size = _window(_probed_month(run)), _size(run)
    listing = Listing(window, size)
    answer = run.client.get("papers/", _query(window, size, 1), judge=listing.judge)
    row = _count_month(_probed_month(run), listing.add(answer).papers)
    shares = f"{row['with_repository']} with a repository and {row['with_official']} with an official one"
    return [
        Finding("repositories on a page", f"of {row['papers']} papers {shares}, {row['unsaid']} do not say"),
        Finding("values of source", row["source_kinds"] or "none", "hf_api was seen"),
        Finding("bytes of a page", f"{answer.bytes} for {row['papers']} papers"),
    ]


def _check_detail(run: Run) -> list[Finding]:
    """The answer to one paper, with and without resources"""
    window, size = _window(_probed_month(run)), _size(run)
    papers = read_page(read_json(run.client.get("papers/", _query(window, size, 1))), window, 1, size).papers
    chosen = next((paper for paper in papers if paper.arxiv_id and paper.links), None)
    if chosen is None:
        return [Finding("null without include_resources", "no paper with a repository on the first page")]
    path = f"papers/arxiv/{chosen.arxiv_id.replace('/', '%2F')}"
    with_list = run.client.get(path, {"include_resources": "true"}, judge=_judge_detail(chosen.arxiv_id))
    without = run.client.get(path)
    came = len(read_detail(read_json(with_list), chosen.arxiv_id).links or ())
    plain = read_object(read_json(without), "the paper").get("repositories")
    return [
        Finding(
            "repositories without include_resources",
            f"{_brief(plain)}, {came} with it",
            "null: it says nothing about code",
            holds=plain is None and came > 0,
        )
    ]


def _check_long_list(run: Run) -> list[Finding]:
    """Whether a long list of repositories is cut"""
    path = f"papers/arxiv/{WELL_KNOWN}"
    answer = run.client.get(path, {"include_resources": "true"}, judge=_judge_detail(WELL_KNOWN), accept=(200, 404))
    if answer.status == 404:
        return [Finding(f"the list of {WELL_KNOWN}", "not in the catalogue")]
    paper = read_detail(read_json(answer), WELL_KNOWN)
    return [
        Finding(f"the list of {WELL_KNOWN}", f"{len(paper.links or ())} listed, {paper.stated} stated, 595 in 2026")
    ]


def _judge_catalogue(answer: Answer) -> None:
    catalogue(read_json(answer))


def _judge_detail(arxiv_id: str):
    def judge(answer: Answer) -> None:
        if answer.status == 200:
            read_detail(read_json(answer), arxiv_id)

    return judge


def _probe(run: Run, window: Window, filters: Mapping[str, str] | None = None) -> Answer:
    query = {"start_date": window.start.isoformat(), "end_date": window.end.isoformat(), **(filters or {})}

    def judge(answer: Answer) -> None:
        read_page(read_json(answer), window, 1, 1, resources=False, filters=filters)

    return run.client.get("papers/", {**query, "page_size": 1}, judge=judge)


def _total(run: Run, window: Window, filters: Mapping[str, str] | None = None) -> int:
    return read_page(read_json(_probe(run, window, filters)), window, 1, 1, resources=False, filters=filters).count


def _brief(value: object) -> str:
    try:
        return json.dumps(value, sort_keys=True)[:300]
    except (ValueError, RecursionError):
        return type(value).__name__
