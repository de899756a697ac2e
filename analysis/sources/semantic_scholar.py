"""Papers by year that Semantic Scholar finds for a framework's name, from the totals of its bulk search.

One request a name and year, at one a second with the key. The papers on the page confirm the filter: each must be of
the year that was asked for, and there must be as many as the total says, up to the page's thousand.

Verified in the reference: address, parameters, ``total`` and pages of 1,000. Not verified against a live answer:
whether ``total`` is exact, and how the search treats words (it is said to stem them).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import figure, mapping, sequence, shown, whole
from reproductions.errors import SurveyError

NAMES = {"pytorch": "pytorch", "tensorflow": "tensorflow", "keras": "keras"}
STRATUM = "title and abstract"
PATH = "paper/search/bulk"
PAGE = 1000


def plan(run: Run) -> Plan:
    """One request a name and year that was not asked today."""
    missing = [pair for pair in _questions(run) if run.client.known(PATH, _parameters(*pair)) is None]
    return Plan(len(missing), 60_000 * len(missing), "one request a second")


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the first page of each name and year."""
    for name, year in run.progress(_questions(run), "question"):
        judge = lambda answer, year=year: _total(answer, year)  # noqa: E731
        answer = run.client.get(PATH, _parameters(name, year), judge=judge, headers={"x-api-key": run.key})
        yield Piece({"name": name, "year": year}, answer)


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the totals into figures."""
    figures = []
    for piece in pieces:
        name, year = piece.label["name"], piece.label["year"]
        if name not in NAMES or not isinstance(year, int):
            raise SurveyError(
                f"{run.source.id}: a kept answer has the label {dict(piece.label)}; fetch the source again"
            )
        figures.append(figure(run.source.indicator, str(year), STRATUM, NAMES[name], _total(piece.answer, year)))
    years = sorted({row["period"] for row in figures})
    upstream = f"Semantic Scholar bulk search, years to {years[-1]}"
    return Snapshot({}, figures=figures, span=f"{years[0]}/{years[-1]}", upstream=upstream)


def check(run: Run) -> list[Finding]:
    """Say how many papers of last year name each framework."""
    last = run.today.year - 1
    found = {p.label["name"]: _total(p.answer, last) for p in fetch(run) if p.label["year"] == last}
    words = ", ".join(f"{name} {count}" for name, count in found.items())
    return [Finding(f"papers of {last}", words, "more than none", all(found.values()))]


def _questions(run: Run) -> list[tuple[str, int]]:
    years = range(int(run.settings["first_year"]), run.today.year)
    return [(name, year) for year in years for name in NAMES]


def _parameters(name: str, year: int) -> list[tuple[str, object]]:
    return [("query", name), ("fields", "year"), ("year", year)]


def _total(answer: Answer, year: int) -> int:
    content = mapping(answer.json(), "the answer")
    total = whole(content.get("total"), "total")
    papers = [mapping(paper, "a paper") for paper in sequence(content.get("data"), "data")]
    if len(papers) != min(total, PAGE):
        raise Violation(f"{len(papers)} papers arrived, the total is {total}")
    for paper in papers:
        if paper.get("year") != year:
            raise Violation(f"asked for {year}, got a paper of {shown(paper.get('year'))}")
    if len({paper.get("paperId") for paper in papers if isinstance(paper.get("paperId"), str)}) != len(papers):
        raise Violation("a paper comes twice, or without an identifier")
    return total
