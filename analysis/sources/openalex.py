"""Works by year that name a framework in title, abstract or what full text OpenAlex has, counted by OpenAlex itself.

One grouped question a framework and one for all works. Needs a key (since February 2026). The answer's own total must
be the sum of its groups, and every group a year of the window, or the answer is refused.

Verified in the documentation: parameters, the form of ``meta`` and ``group_by``, that unknown groups are hidden. Not
verified against a live answer: that the groups of years add up to ``meta.count``, and the stemming of the names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import figure, mapping, sequence, shown, whole

NAMES = {"pytorch": "pytorch", "tensorflow": "tensorflow", "keras": "keras"}
ALL = "all works"
STRATUM = "title, abstract and available full text"


def plan(run: Run) -> Plan:
    """One question a framework, one for all works."""
    missing = [name for name in (*NAMES, ALL) if run.client.known("works", _parameters(run, name)) is None]
    return Plan(len(missing), 5_000 * len(missing), "grouped counts; a search costs ten credits of the day's budget")


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the grouped counts of each name, then of all works."""
    for name in run.progress([*NAMES, ALL], "question"):
        judge = lambda answer: _years(answer, run)  # noqa: E731
        answer = run.client.get(
            "works", _parameters(run, name), judge=judge, secrets={"api_key": run.key}, spent=_budget_gone
        )
        yield Piece({"name": name}, answer)


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the groups into figures with all works of the year as the total; a hidden year is zero works."""
    counts = {piece.label["name"]: _years(piece.answer, run) for piece in pieces}
    years = sorted(counts[ALL])
    figures = [
        figure(run.source.indicator, year, STRATUM, NAMES[name], counts[name].get(year, 0))
        | {"total": counts[ALL][year]}
        for name in NAMES
        for year in years
    ]
    return Snapshot(
        {}, figures=figures, span=f"{years[0]}/{years[-1]}", upstream=f"api.openalex.org, years to {years[-1]}"
    )


def check(run: Run) -> list[Finding]:
    """Say whether the groups add up, and the newest counts."""
    last = str(run.today.year - 1)
    counts = {piece.label["name"]: _years(piece.answer, run).get(last, 0) for piece in fetch(run)}
    return [
        Finding(
            f"works of {last}",
            ", ".join(f"{name} {n}" for name, n in counts.items()),
            "more than none",
            all(counts.values()),
        )
    ]


def _parameters(run: Run, name: str) -> list[tuple[str, object]]:
    window = f"from_publication_date:{run.settings['first_year']}-01-01,to_publication_date:{run.today.year - 1}-12-31"
    search = [] if name == ALL else [("search", name)]
    return [*search, ("filter", window), ("group_by", "publication_year")]


def _budget_gone(answer: Answer) -> str | None:
    """Say whether 429 means that the day's credits are used up; asking again is no use then."""
    left = answer.headers.get("x-ratelimit-remaining", "")
    return "no credits are left until midnight UTC" if answer.status == 429 and left.strip() == "0" else None


def _years(answer: Answer, run: Run) -> dict[str, int]:
    """Return ``{year: works}``."""
    content = mapping(answer.json(), "the answer")
    meta = mapping(content.get("meta"), "meta")
    groups = sequence(content.get("group_by"), "group_by")
    if whole(meta.get("groups_count"), "groups_count") != len(groups):
        raise Violation(f"{len(groups)} groups arrived, the answer says {shown(meta.get('groups_count'))}")
    counts: dict[str, int] = {}
    for entry in groups:
        group = mapping(entry, "a group")
        year = group.get("key")
        if not isinstance(year, str) or not year.isascii() or not year.isdigit() or len(year) != 4 or year in counts:
            raise Violation(f"{shown(year)} is no year, or comes twice")
        if not run.settings["first_year"] <= int(year) < run.today.year:
            raise Violation(f"{year} lies outside the window that was asked for")
        counts[year] = whole(group.get("count"), f"works of {year}")
    if not counts or whole(meta.get("count"), "count") != sum(counts.values()):
        raise Violation(f"the years add up to {sum(counts.values())}, the answer says {shown(meta.get('count'))}")
    return counts
