"""The framework of official repositories, read from their source archives: a sample a month, and a calibration.

The sample is drawn by hash from the links of ``pwc_live``; the calibration from the labelled official repositories of
``pwc_archive``, evenly over labels and years. What is gone, elsewhere or unreadable is counted as such, never replaced.

The one exception to keeping raw answers: a source archive is read while its answer is judged, and given away once what
it shows is kept (counts of files by what they import, with the archive's sha256 and commit). Thousands of archives
would fill a disk, and nobody's source code is collected. A killed run goes on after the last repository.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from analysis.detecting.addresses import github, normalised
from analysis.detecting.archive import read_archive
from analysis.detecting.evidence import LABELS, MISSING, MIXED, RULES, UNREADABLE, Evidence
from analysis.harvesting.cache import Answer
from analysis.harvesting.client import Client
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.registry import find
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.intervals import wilson
from analysis.sources._shared import note, only
from analysis.sources.pwc_live import links_path
from reproductions.errors import SurveyError

UNSUPPORTED = "unsupported"  # not a whole repository on GitHub
OUTCOMES = (*LABELS, UNREADABLE, UNSUPPORTED)
NOT_REACHED = (MISSING, UNREADABLE, UNSUPPORTED)
GONE = (404, 410, 451)
ACCEPTED = (200, *GONE)
CUT = "x-survey-cut"
NEVER_CHANGES = date.min
STRATUM = "official repositories, random sample"
SHOWN = {"pytorch": "pytorch", "tf": "tensorflow", "jax": "jax"}
ARCHIVE_BYTES = 3_000_000  # a guess of the mean, for the plan
KNOWN = (("karpathy/nanogpt", "pytorch"), ("openai/gpt-2", "tf"), ("google-research/vision_transformer", "jax"))
RENAMED = "rg3/youtube-dl"
ABSENT = "framework-survey/there-is-no-such-repository"
_YEAR = re.compile(r"(?:[a-z-]+(?:\.[A-Z]{2})?/)?(\d{2})\d{2}[.\d]")


@dataclass(frozen=True)
class Frame:
    """What was drawn.

    months       ``{month: {"population": official repositories, "drawn": addresses}}``
    calibration  ``[{"repo", "label", "year"}]``
    strata       ``[{"archive_label", "year", "repositories", "drawn"}]``: what the calibration was drawn from
    given_up     addresses that a person has declared unreadable
    """

    months: Mapping[str, Mapping]
    calibration: Sequence[Mapping]
    strata: Sequence[Mapping]
    given_up: Sequence[str]

    def repositories(self) -> list[str]:
        """Return every GitHub repository to ask for, once."""
        drawn = [address for month in self.months.values() for address in month["drawn"]]
        drawn += [row["repo"] for row in self.calibration]
        return [address for address in dict.fromkeys(drawn) if github(address) and address not in self.given_up]


# --- drawing ---------------------------------------------------------------------------------------------------------


def draw(addresses: Iterable[str], stratum: str, size: int, seed: str) -> list[str]:
    """Return ``size`` of the addresses by hash: the same for the same seed, and all of them in any larger sample."""
    return sorted(set(addresses), key=lambda address: _hash(seed, stratum, address))[:size]


def _hash(seed: str, stratum: str, address: str) -> str:
    return hashlib.sha256(f"{seed}\n{stratum}\n{address}".encode()).hexdigest()


def frame(run: Run) -> Frame:
    """Return what this run's settings draw from the links and from the archive."""
    settings = run.settings
    population = official_by_month(links_path(run.cache_dir))
    calibration, strata = [], []
    if settings["calibration"]:
        labelled = labelled_repositories(archive_links(run))
        calibration, strata = draw_calibration(labelled, settings["calibration"], settings["seed"])
    return Frame(
        months={
            month: {
                "population": len(addresses),
                "drawn": draw(addresses, month, int(settings["sample"]), settings["seed"]),
            }
            for month, addresses in sorted(population.items())
        },
        calibration=calibration,
        strata=strata,
        given_up=[f"github.com/{name}".lower() for name in settings["unreadable"]],
    )


def official_by_month(links: Path) -> dict[str, set[str]]:
    """Return the addresses of the official repositories by month; raises SurveyError if there are no links."""
    found: dict[str, set[str]] = {}
    try:
        with Path(links).open(encoding="utf-8") as handle:
            for line in handle:
                row = json.loads(line)
                found.setdefault(row["month"], set())
                if row["official"]:
                    found[row["month"]].add(row["repo"])
    except FileNotFoundError:
        raise SurveyError("repository_detector: there are no links to draw from; refresh pwc_live first") from None
    except (ValueError, KeyError, TypeError) as error:
        raise SurveyError(f"{links}: cannot be read ({error}); refresh pwc_live again") from error
    if not found:
        raise SurveyError(f"{links}: holds no links; refresh pwc_live again")
    return found


def archive_links(run: Run) -> list[Path]:
    """Return the parquet files of the archive's links; raises SurveyError if they were not fetched."""
    from analysis.sources.pwc_archive import LINKS, parquet_files

    archive = Run(find("pwc_archive"), run.today, run.cache_dir, run.snapshots)
    try:
        return parquet_files(archive.recall(), LINKS)
    except SurveyError as error:
        raise SurveyError(
            "repository_detector: the calibration needs the links of the Papers with Code archive; refresh pwc_archive "
            f"first, or set sources.repository_detector.calibration to 0 ({error})"
        ) from error


def labelled_repositories(files: Sequence[Path]) -> dict[str, tuple[str, str]]:
    """Return ``{address: (label, year)}`` of the official GitHub repositories that carry one label.

    The year is that of the first paper by its arXiv identifier, ``unknown`` without one. A repository with two labels
    says nothing about the detector and is left out.
    """
    import polars as pl

    columns = ["repo_url", "framework", "paper_arxiv_id"]
    try:
        tables = [pl.scan_parquet(path).filter(pl.col("is_official")).select(columns).collect() for path in files]
    except (pl.exceptions.PolarsError, OSError) as error:
        raise SurveyError(f"{files}: the archive's links cannot be read ({error}); refresh pwc_archive") from error
    labels: dict[str, set[str]] = {}
    years: dict[str, str] = {}
    for table in tables:
        for url, label, arxiv_id in table.iter_rows():
            address = normalised(url) if isinstance(url, str) else None
            if address is None or not isinstance(label, str) or github(address) is None:
                continue
            labels.setdefault(address, set()).add(label)
            years[address] = min(years.get(address, "unknown"), _year(arxiv_id))
    return {address: (next(iter(own)), years[address]) for address, own in labels.items() if len(own) == 1}


def _year(arxiv_id: object) -> str:
    match = _YEAR.match(arxiv_id) if isinstance(arxiv_id, str) else None
    return "unknown" if match is None else f"{'19' if match[1] > '90' else '20'}{match[1]}"


def draw_calibration(labelled: Mapping[str, tuple[str, str]], size: int, seed: str) -> tuple[list[dict], list[dict]]:
    """Return about ``size`` repositories, equally many of each label and year where there are, and the strata."""
    strata: dict[tuple[str, str], list[str]] = {}
    for address, stratum in labelled.items():
        strata.setdefault(stratum, []).append(address)
    each = max(1, int(size) // max(1, len(strata)))
    rows, sizes = [], []
    for (label, year), addresses in sorted(strata.items()):
        drawn = draw(addresses, f"{label} {year}", each, seed)
        rows += [{"repo": address, "label": label, "year": year} for address in drawn]
        sizes.append({"archive_label": label, "year": year, "repositories": len(addresses), "drawn": len(drawn)})
    return rows, sizes


# --- asking ----------------------------------------------------------------------------------------------------------


class _Beginnings(Client):
    """A client that keeps the beginning of a body that is longer than it may be, and says so in a header."""

    @classmethod
    def like(cls, client: Client, user_agent: str) -> _Beginnings:
        """Return one that asks on the same clock and keeps in the same cache."""
        return cls(
            client.source,
            client.settings,
            client.cache,
            client.clock,
            user_agent=user_agent,
            today=client.today,
            say=client.say,
        )

    def _receive(self, response, request, scratch: Path) -> Answer:
        whole = response.raw
        response.raw = beginning = _Beginning(whole, request.max_bytes)
        try:
            answer = super()._receive(response, request, scratch)
        finally:
            response.raw = whole
        return replace(answer, headers={**answer.headers, CUT: "yes" if beginning.cut else "no"})


class _Beginning:
    """The first ``limit`` bytes of a body."""

    def __init__(self, raw, limit: int):
        self._raw, self._limit, self.cut = raw, limit, False

    def stream(self, size: int, decode_content: bool) -> Iterator[bytes]:
        """Yield pieces of at most ``size`` bytes."""
        left = self._limit
        for piece in self._raw.stream(size, decode_content=decode_content):
            yield piece[:left]
            left -= len(piece)
            if left < 0:
                self.cut = True
                return


def _client(run: Run) -> Client:
    if not isinstance(run.client, _Beginnings):
        run.client = _Beginnings.like(run.client, str(run.client._session.headers["User-Agent"]))
    return run.client


def plan(run: Run) -> Plan:
    """Return the repositories that were not read yet; a guess where there is nothing to draw from."""
    try:
        drawn = frame(run)
    except SurveyError as error:
        guess = int(run.settings["sample"]) * 15 + int(run.settings["calibration"])
        return Plan(guess, guess * ARCHIVE_BYTES, str(error), exact=False)
    missing = sum(_known(run, address) is None for address in drawn.repositories())
    note_ = f"{len(drawn.months)} months, {len(drawn.calibration)} repositories to calibrate; archives are not kept"
    return Plan(missing, missing * ARCHIVE_BYTES, note_)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield what was drawn, then what each repository shows."""
    drawn = frame(run)
    yield Piece({"kind": "frame"}, note(run, "frame", vars(drawn)))
    steps = drawn.repositories()
    missing = [address for address in steps if _known(run, address) is None]
    run.say(f"{len(steps)} repositories drawn, {len(missing)} of them to be read")
    for address in run.progress(missing, "repository"):
        _read(run, address)
    for address in steps:
        left = run.client.known(_path(address), since=NEVER_CHANGES)
        if left is not None:  # a run was killed between keeping the evidence and letting the archive go
            _let_go(left)
        yield Piece({"kind": "repository", "repo": address}, _known(run, address))


def _known(run: Run, address: str) -> Answer | None:
    """Return what was kept of a repository, if it can still be read."""
    answer = run.client.cache.find(run.client.key(_name(address)), NEVER_CHANGES)
    if answer is None:
        return None
    try:
        kept_verdict(answer)
    except Violation as violation:
        run.client.cache.forget(answer.key, violation.reason)
        return None
    return answer


def _name(address: str) -> str:
    return f"evidence {RULES} {address}"


def _path(address: str) -> str:
    owner, name = github(address)
    return f"{owner}/{name}/tar.gz/HEAD"


def _read(run: Run, address: str) -> Answer:
    """Ask for a repository's archive, keep what it shows, and let the archive go."""
    seen: list[Evidence] = []

    def judge(answer: Answer) -> None:
        seen[:] = [] if answer.status in GONE else [_evidence(answer)]

    try:
        answer = _client(run).get(_path(address), judge=judge, accept=ACCEPTED, since=NEVER_CHANGES, compressed=False)
    except SourceError as error:
        remedy = (
            f"{error.remedy}; if it is only this repository that stays so, name it in "
            "sources.repository_detector.unreadable"
        )
        raise SourceError(error.source, error.page, error.what, remedy) from error
    finally:
        _tidy(run, address)
    evidence = None if answer.status in GONE else seen[0] if seen else _evidence(answer)
    kept = note(
        run,
        _name(address),
        {
            "status": answer.status,
            "retrieved": answer.retrieved,
            "archive": {"sha256": answer.sha256, "bytes": answer.bytes, "cut": answer.headers.get(CUT) == "yes"},
            "evidence": evidence.as_dict() if evidence else None,
        },
    )
    _let_go(answer)
    return kept


def _let_go(answer: Answer) -> None:
    """Remove an archive from the cache: body first, a record without a body is no answer."""
    answer.path.unlink(missing_ok=True)
    answer.path.with_suffix(".json").unlink(missing_ok=True)


def _tidy(run: Run, address: str) -> None:
    """Keep only the last of the archives that were refused: each may be as long as the setting allows."""
    key = run.client.key(run.client.url(_path(address)))
    for body in sorted((run.client.cache.folder / "rejected").glob(f"{key}.*.body"))[:-1]:
        body.unlink(missing_ok=True)
        body.with_suffix(".json").unlink(missing_ok=True)


def _evidence(answer: Answer) -> Evidence:
    with answer.open() as handle:
        return read_archive(handle, cut=answer.headers.get(CUT) == "yes")


def kept_verdict(answer: Answer) -> Evidence | None:
    """Return the evidence that was kept of a repository, None if it was gone; raises Violation if it is unreadable."""
    try:
        content = answer.json()
        if content["status"] in GONE:
            return None
        return Evidence.from_dict(content["evidence"])
    except (ValueError, KeyError, TypeError) as error:
        raise Violation(f"what was kept of a repository cannot be read: {error}") from error


# --- counting --------------------------------------------------------------------------------------------------------


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Return labels by month, the compositions of mixed repositories, and the calibration."""
    pieces = list(pieces)
    drawn = Frame(**only(pieces, "frame").answer.json())
    seen = {p.label["repo"]: kept_verdict(p.answer) for p in pieces if p.label["kind"] == "repository"}
    labels = {address: _label(drawn, seen, address) for address in _all(drawn)}
    rows, mixed, figures = [], [], []
    for month, entry in drawn.months.items():
        found = Counter(labels[address] for address in entry["drawn"])
        partial = Counter(labels[a] for a in entry["drawn"] if seen.get(a) is not None and seen[a].partial)
        rows += [
            {
                "month": month,
                "label": label,
                "repositories": found[label],
                "partial": partial[label],
                "sampled": len(entry["drawn"]),
                "official_population": entry["population"],
            }
            for label in OUTCOMES
        ]
        mixed += _mixed(month, [seen[a] for a in entry["drawn"] if labels[a] == MIXED])
        figures += _figures(run, month, found)
    confusion = Counter((row["label"], labels[row["repo"]]) for row in drawn.calibration)
    return Snapshot(
        tables={
            "labels_by_month": rows,
            "mixed_by_month": mixed,
            "confusion": _confusion(confusion),
            "confusion_rates": _rates(confusion),
            "calibration_strata": list(drawn.strata),
        },
        figures=figures,
        span=f"{min(drawn.months)}/{max(drawn.months)}",
        upstream=f"rules {RULES}, seed {run.settings['seed']}",
        notes="a sample, not corrected for the detector's errors; a repository of several papers may be in two months",
    )


def _all(drawn: Frame) -> Iterator[str]:
    for month in drawn.months.values():
        yield from month["drawn"]
    yield from (row["repo"] for row in drawn.calibration)


def _label(drawn: Frame, seen: Mapping[str, Evidence | None], address: str) -> str:
    if github(address) is None:
        return UNSUPPORTED
    if address in drawn.given_up:
        return UNREADABLE
    if address not in seen:
        raise SurveyError("repository_detector: a drawn repository is not among the kept ones; fetch the source again")
    return MISSING if seen[address] is None else seen[address].label()


def _mixed(month: str, repositories: Sequence[Evidence]) -> list[dict]:
    """Return how often each composition stands behind ``mixed``, the framework with most files first."""
    found = Counter("+".join(evidence.composition or sorted(evidence.asked_for)) for evidence in repositories)
    return [{"month": month, "composition": name, "repositories": found[name]} for name in sorted(found)]


def _figures(run: Run, month: str, found: Counter) -> list[dict]:
    reached = sum(found.values()) - sum(found[label] for label in NOT_REACHED)
    return [
        {
            "indicator": run.source.indicator,
            "period": month,
            "stratum": STRATUM,
            "framework": framework,
            "count": found[label],
            "total": reached,
        }
        for label, framework in SHOWN.items()
        if reached
    ]


def _confusion(found: Counter) -> list[dict]:
    return [
        {"archive_label": label, "detector_label": outcome, "repositories": found[label, outcome]}
        for label in sorted({label for label, _ in found})
        for outcome in OUTCOMES
    ]


def _rates(found: Counter) -> list[dict]:
    """Return, of the reached repositories of each archive label, the share of each detector label."""
    rows = []
    for label in sorted({label for label, _ in found}):
        outcomes = [outcome for outcome in OUTCOMES if outcome not in NOT_REACHED]
        reached = sum(found[label, outcome] for outcome in outcomes)
        for outcome in outcomes if reached else ():
            count = found[label, outcome]
            low, high = wilson(count, reached)
            rows.append(
                {
                    "archive_label": label,
                    "detector_label": outcome,
                    "repositories": count,
                    "reached": reached,
                    "share": round(count / reached, 4),
                    "low": round(float(low), 4),
                    "high": round(float(high), 4),
                }
            )
    return rows


# --- what only a live answer settles ---------------------------------------------------------------------------------


def check(run: Run) -> list[Finding]:
    """Read a few well-known repositories, one that was renamed and one that does not exist."""
    findings = []
    for name, expected in KNOWN:
        findings.append(_asked(run, f"the label of {name}", name, lambda label, want=expected: label == want, expected))
    findings.append(_asked(run, "a renamed repository", RENAMED, lambda label: label != MISSING, "found all the same"))
    findings.append(_asked(run, "a repository that does not exist", ABSENT, lambda label: label == MISSING, MISSING))
    return findings


def _asked(run: Run, question: str, name: str, holds, expected: str) -> Finding:
    address = f"github.com/{name}"
    try:
        evidence = kept_verdict(_known(run, address) or _read(run, address))
    except (SourceError, Violation) as error:
        return Finding(question, f"no usable answer: {error}", expected, holds=False)
    label = MISSING if evidence is None else evidence.label()
    shown = (
        label if evidence is None else f"{label}, {dict(evidence.composition)}, commit {evidence.commit or 'unsaid'}"
    )
    return Finding(question, shown, expected, holds=holds(label))
