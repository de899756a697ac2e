"""Monthly downloads of the frameworks' packages from PyPI, by two counts that are never added up.

- *with mirrors (ClickHouse)*: every download that PyPI logged, by calendar month, from ClickHouse's public copy. One
  SQL question brings the whole history, so it replaces what stood before.
- *without mirrors (pypistats)*: known mirrors left out, by day for the last 180 days. A month counts once each of its
  days is there. What the service no longer serves is carried on from the last snapshot; where both hold a month and
  differ by more than ``tolerance``, the new value stands and the revision is noted.

The running month is never counted. Figures hold the main package of each framework; the table ``downloads`` all.

Verified against public code: table and columns of the SQL and its answer's form (Int64 as text) in the client of
hugovk/top-pypi-packages, path, parameter and form of pypistats in the source of its server. Not verified: the words
and the status of ClickHouse's refusals beyond the recorded one, its quotas, whether its newest month is whole at once
(``settle_days`` waits), and whether pypistats sends 429 or 200 with RATE LIMIT EXCEEDED (both are taken for 429).
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import (
    figure,
    mapping,
    month,
    months,
    next_month,
    note,
    only,
    sequence,
    shown,
    whole,
)
from reproductions.errors import SurveyError

PACKAGES = {
    "torch": "pytorch",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-intel": "tensorflow",
    "tf-nightly": "tensorflow",
    "tflite-runtime": "tensorflow",
    "keras": "keras",
    "jax": "jax",
    "jaxlib": "jax",
    "onnxruntime": "onnx",
    "mxnet": "mxnet",
    "paddlepaddle": "paddlepaddle",
}
MAIN = {"torch", "tensorflow", "keras", "jax", "onnxruntime", "mxnet", "paddlepaddle"}
WITH = "with mirrors (ClickHouse)"
WITHOUT = "without mirrors (pypistats)"
PARAMETERS = (("user", "demo"), ("default_format", "JSON"))
META = (("month", ("Date",)), ("project", ("String",)), ("download_count", ("Int64", "UInt64")))
SQL = (
    "SELECT month, project, SUM(count) AS download_count FROM pypi.pypi_downloads_per_month "
    "WHERE project IN ({names}) AND month >= '{first}-01' AND month < '{after}-01' "
    "GROUP BY month, project ORDER BY month, project"
)
KEPT_DAYS = 200  # pypistats says 180; a longer answer is not the one that was asked for
TOLD = 20  # revisions written out in the notes


# -- the four functions of a source ------------------------------------------------------------------------------------
def plan(run: Run) -> Plan:
    """One question to ClickHouse, one request a package to pypistats; nothing changes within a day."""
    last = _last_month(run)
    recent = _recent(run)
    missing = [p for p in PACKAGES if recent.client.known(*_recent_request(p)) is None]
    history = run.client.known("", PARAMETERS, body=_question(run, last)) is None
    return Plan(history + len(missing), 400_000 * history + 20_000 * len(missing), "ClickHouse, then pypistats")


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the history, what is carried on, and the last days of each package."""
    last = _last_month(run)

    def judge(answer: Answer) -> None:
        if reason := _quota(answer):
            raise Violation(reason, retry=False)
        _check_history(_history(answer, last), last)

    history = run.client.get("", PARAMETERS, body=_question(run, last), judge=judge, spent=_quota)
    yield Piece({"kind": "history", "last": last}, history)
    yield Piece({"kind": "carried"}, note(run, f"{run.source.id}: months before", _before(run)))
    recent = _recent(run)
    for package in run.progress(list(PACKAGES), "package"):
        path, parameters = _recent_request(package)
        judge_days = lambda answer, package=package: _check_days(answer, package, run.today)  # noqa: E731
        answer = recent.client.get(path, parameters, judge=judge_days)
        yield Piece({"kind": "recent", "package": package}, answer)
    run.client.requests += recent.client.requests
    run.client.received += recent.client.received


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Join both counts: figures of the main packages, a table of all."""
    piece = only(pieces, "history")
    last = month(piece.label["last"], "the last month")
    counts = {(WITH, package, text): n for (package, text), n in _history(piece.answer, last).items()}
    carried = _carried(only(pieces, "carried").answer)
    fresh = {}
    for part in pieces:
        if part.label["kind"] == "recent":
            package = str(part.label["package"])
            days = _days(part.answer, package, run.today)
            fresh |= {(WITHOUT, package, text): n for text, n in whole_months(days).items() if text <= last}
    counts |= carried | fresh
    revised = _revised(carried, fresh, run.settings["tolerance"])
    rows = [
        {"stratum": stratum, "package": package, "framework": PACKAGES[package], "month": text, "downloads": n}
        for (stratum, package, text), n in sorted(counts.items())
    ]
    figures = [
        figure(run.source.indicator, row["month"], row["stratum"], row["framework"], row["downloads"])
        for row in rows
        if row["package"] in MAIN
    ]
    periods = sorted({row["period"] for row in figures})
    return Snapshot(
        tables={"downloads": rows},
        figures=figures,
        span=f"{periods[0]}/{periods[-1]}",
        upstream=f"ClickHouse pypi.pypi_downloads_per_month and pypistats to {last}",
        notes="; ".join(["the two strata are never added up", *revised[:TOLD]])
        + (f"; and {len(revised) - TOLD} revisions more" if len(revised) > TOLD else ""),
    )


def check(run: Run) -> list[Finding]:
    """Say how far back ClickHouse goes, how far it has come, and how many days pypistats keeps."""
    last = _last_month(run)
    pieces = list(fetch(run))
    history = _history(pieces[0].answer, last)
    first = min(text for package, text in history if package == "torch")
    newest = max(text for package, text in history if package == "torch")
    days = _days(pieces[2].answer, next(iter(PACKAGES)), run.today)
    return [
        Finding("first month of torch in ClickHouse", first, "2018-01 or earlier", first <= "2018-01"),
        Finding("last month of torch in ClickHouse", newest, last, newest == last),
        Finding("days that pypistats keeps", str(len(days)), "180", 150 <= len(days) <= KEPT_DAYS),
    ]


# -- ClickHouse --------------------------------------------------------------------------------------------------------
def _question(run: Run, last: str) -> str:
    names = ", ".join(f"'{name}'" for name in PACKAGES)
    first = month(run.settings["first_month"], "first_month")
    return SQL.format(names=names, first=first, after=next_month(last))


def _last_month(run: Run) -> str:
    """Return the last month that counts: over for at least ``settle_days`` days."""
    day = run.today - timedelta(days=run.settings["settle_days"])
    return f"{day.replace(day=1) - timedelta(days=1):%Y-%m}"


def _quota(answer: Answer) -> str | None:
    """Say whether a refusal means that the public user's quota is used up."""
    try:
        with answer.open() as handle:
            words = handle.read(2000).decode("utf-8", "replace")
    except Violation:
        return None
    return "the public user's quota is used up (QUOTA_EXCEEDED)" if "QUOTA_EXCEEDED" in words else None


def _history(answer: Answer, last: str) -> dict[tuple[str, str], int]:
    """Return ``{(package, month): downloads}``."""
    content = mapping(answer.json(), "the answer")
    meta = [mapping(entry, "a column") for entry in sequence(content.get("meta"), "meta")]
    if [entry.get("name") for entry in meta] != [name for name, _ in META] or not all(
        entry.get("type") in types for entry, (_, types) in zip(meta, META, strict=True)
    ):
        raise Violation(f"the columns are {shown(meta)}", retry=False)
    data = sequence(content.get("data"), "data")
    if whole(content.get("rows"), "rows") != len(data):
        raise Violation(f"the answer says {shown(content.get('rows'))} rows and holds {len(data)}")
    counts: dict[tuple[str, str], int] = {}
    for entry in data:
        row = mapping(entry, "a row")
        package, day = row.get("project"), row.get("month")
        if not isinstance(package, str) or package not in PACKAGES:
            raise Violation(f"{shown(package)} is not a package that was asked for")
        if not isinstance(day, str) or day[7:] != "-01":
            raise Violation(f"{shown(day)} is not the first of a month")
        text = month(day[:7], "month")
        if text > last or (package, text) in counts:
            raise Violation(f"{package} {text} comes twice, or is not over yet")
        count = whole(row.get("download_count"), f"{package} {text}")
        if count:
            counts[package, text] = count
    return counts


def _check_history(counts: Mapping[tuple[str, str], int], last: str) -> None:
    """Raise Violation if a main framework's history has a gap or does not come near the last month."""
    for package in ("torch", "tensorflow"):
        found = sorted(text for name, text in counts if name == package)
        if not found or found != months(found[0], found[-1]):
            raise Violation(f"{package}: the months do not follow each other without a gap")
        if next_month(found[-1]) < last:
            raise Violation(f"{package}: the history ends {found[-1]}, two months or more before {last}", retry=False)


# -- pypistats ---------------------------------------------------------------------------------------------------------
def _recent(run: Run) -> Run:
    """Return this run with the second service's address, pace and clock."""
    own = {"base_url": run.settings["recent_base_url"], "pace_s": run.settings["recent_pace_s"], "clock": "pypistats"}
    return replace(run, source=replace(run.source, settings={**run.settings, **own}))


def _recent_request(package: str) -> tuple[str, tuple]:
    return f"packages/{package}/overall", (("mirrors", "false"),)


def _check_days(answer: Answer, package: str, today: date) -> None:
    with answer.open() as handle:
        if handle.read(40).lstrip().upper().startswith(b"RATE LIMIT"):
            raise Violation("the service says that we ask too often")
    _days(answer, package, today)


def _days(answer: Answer, package: str, today: date) -> dict[date, int]:
    """Return the downloads by day."""
    content = mapping(answer.json(), "the answer")
    if content.get("package") != package or content.get("type") != "overall_downloads":
        raise Violation(f"asked for {package}, got {shown(content.get('package'))} {shown(content.get('type'))}")
    days: dict[date, int] = {}
    for entry in sequence(content.get("data"), "data"):
        row = mapping(entry, "a day")
        if row.get("category") != "without_mirrors":
            raise Violation(f"asked without mirrors, got {shown(row.get('category'))}")
        text = row.get("date")
        try:
            day = date.fromisoformat(text) if isinstance(text, str) and len(text) == 10 else None
        except ValueError:
            day = None
        if day is None or day in days or not timedelta(0) <= today - day <= timedelta(days=KEPT_DAYS):
            raise Violation(
                f"{package}: {shown(text)} is no day, comes twice or lies outside the last {KEPT_DAYS} days"
            )
        days[day] = whole(row.get("downloads"), f"{package} {text}")
    if not days:
        raise Violation(f"{package}: no day at all")
    return days


def whole_months(days: Mapping[date, int]) -> dict[str, int]:
    """Return the downloads of the months of which every day is there."""
    by_month: dict[str, list[int]] = {}
    for day, count in days.items():
        by_month.setdefault(f"{day:%Y-%m}", []).append(count)
    return {
        text: sum(counts)
        for text, counts in by_month.items()
        if len(counts) == monthrange(int(text[:4]), int(text[5:]))[1]
    }


# -- our own history ---------------------------------------------------------------------------------------------------
def _before(run: Run) -> list[dict]:
    """Return the rows of pypistats in the last snapshot."""
    before = run.latest()
    return [row for row in before.rows("downloads") if row["stratum"] == WITHOUT] if before else []


def _carried(answer: Answer) -> dict[tuple[str, str, str], int]:
    counts = {}
    for entry in sequence(answer.json(), "the months before"):
        row = mapping(entry, "a month before")
        package = row.get("package")
        if not isinstance(package, str) or package not in PACKAGES or row.get("stratum") != WITHOUT:
            raise SurveyError(f"the months before name {shown(package)}, which is no package of ours; fetch it again")
        text = month(row.get("month"), "a month before")
        counts[WITHOUT, package, text] = whole(row.get("downloads"), "downloads")
    return counts


def _revised(carried: Mapping, fresh: Mapping, tolerance: float) -> list[str]:
    """Say which months of pypistats have changed by more than the tolerance since the last snapshot."""
    return [
        f"revised: {package} {text} from {carried[key]} to {n}"
        for key, n in sorted(fresh.items())
        if key in carried and abs(n - carried[key]) > tolerance * max(carried[key], 1)
        for _, package, text in (key,)
    ]
