"""Refreshing one source from plan to landed snapshot."""

from __future__ import annotations

import csv
import hashlib
import json
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from analysis.harvesting import snapshots
from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import Held, Violation
from analysis.harvesting.moves import Moves, compare
from analysis.harvesting.registry import Source
from analysis.harvesting.run import Piece, Plan, Run, retrieved
from reproductions.errors import SurveyError
from reproductions.files import explain

ROOT = Path(__file__).resolve().parents[2]
EMBEDDED = ROOT / "data" / "adoption_figures.csv"
SCHEMAS = ROOT / "workflow" / "schemas"


@dataclass(frozen=True)
class Outcome:
    """How the refresh of a source ended.

    outcome  landed, unchanged (what came is what stands), held (it waits for a person) or failed
    version  the snapshot that stands now; empty if there is none
    lines    what moved, for a person
    message  why it failed or is held
    """

    source: str
    outcome: str
    version: str
    lines: tuple[str, ...] = ()
    message: str = ""
    seconds: float = 0.0
    requests: int = 0
    received: int = 0

    @property
    def good(self) -> bool:
        """Whether what stands now is what the source says today."""
        return self.outcome in ("landed", "unchanged")

    def as_dict(self) -> dict:
        """Return the fields for JSON."""
        return asdict(self)


def plan_source(run: Run) -> Plan:
    """Return what a refresh is going to ask, without a network; raises SurveyError where that cannot be told."""
    try:
        return run.source.module().plan(run)
    except Violation as violation:
        what = f"a kept answer cannot be read ({violation.reason}); the refresh asks for it again"
        raise SurveyError(f"{run.source.id}: {what}") from None


def minutes(source: Source, plan: Plan) -> float:
    """Return how long a plan takes at the source's own pace, in minutes."""
    each_s = max(source.settings["pace_s"], source.settings["seconds_each"])
    return plan.requests * each_s / 60


def refresh_source(run: Run, accept: Collection[str] = ()) -> Outcome:
    """Fetch, extract and land one source; never raises for what a source or a disk may do, but says so.

    accept  ids of sources whose large changes a person has agreed to
    """
    started = time.monotonic()
    try:
        with _alone(run):
            run.remember(run.source.module().fetch(run))
            outcome = land_source(run, accept)
    except Held as error:
        outcome = _failed(run, str(error), "held")
    except SurveyError as error:
        named = str(error).startswith(f"{run.source.id}: ")
        outcome = _failed(run, str(error) if named else f"{run.source.id}: {error}")
    except Violation as violation:
        outcome = _failed(run, f"{run.source.id}: {violation.reason}; run it again, and report it if it stays")
    except OSError as error:
        outcome = _failed(run, f"{run.source.id}: {explain(error, Path(error.filename or run.folder))}")
    except Exception as error:  # a module's fault must not take the other sources along
        traceback.print_exc()
        outcome = _failed(run, f"{run.source.id}: {type(error).__name__}: {error}; report this with the lines above")
    client = run.client
    counted = {"requests": client.requests, "received": client.received, "seconds": time.monotonic() - started}
    return Outcome(**outcome.as_dict() | counted)


def land_source(run: Run, accept: Collection[str] = ()) -> Outcome:
    """Extract the kept answers of the last complete fetch and land them; asks nobody.

    raises  Held if the change is too large and not accepted; SurveyError if answers are missing
    """
    source, pieces = run.source, run.recall()
    for piece in pieces:
        _verify(run, piece.answer)
    snapshot = source.module().extract(run, pieces)
    files = snapshots.render(snapshot, source.id)
    before = run.latest()
    waiting = run.folder / "waiting"
    _replace(waiting, files)
    provenance = _provenance(run, snapshot, pieces)
    check_figures(waiting / "figures.csv", provenance)
    if snapshots.same_content(before, files):
        noted = _note(run, "unchanged", before.name)
        return Outcome(source.id, "unchanged", before.name, ("nothing has changed since the last snapshot", *noted))
    moves = compare(source, _figures_before(source, before), snapshot.figures, _sizes(before), _sizes_of(snapshot))
    if moves.problems and source.id not in accept:
        _hold(run, moves, waiting)
    extra = {"moved": list(moves.lines), "accepted": list(moves.problems), "before": before.name if before else ""}
    version = snapshots.land(run.snapshots, source.id, run.today, files, provenance | extra)
    lines = (*moves.lines, *(f"accepted: {problem}" for problem in moves.problems))
    return Outcome(source.id, "landed", version.name, lines + _note(run, "landed", version.name))


def _verify(run: Run, answer: Answer) -> None:
    """Raise SurveyError if a kept answer is not what came; it is set aside, so that the next run asks for it."""
    try:
        answer.verify()
    except SurveyError:
        run.client.cache.forget(answer.key, "differs from its sha256")
        raise


def check_figures(path: Path, provenance: Mapping) -> None:
    """Raise SurveyError if a snapshot's figures break the rules that the embedded ones keep."""
    if not path.exists():
        return
    from analysis.adoption_data import AdoptionDataError, check_snapshot

    try:
        check_snapshot(path, provenance, SCHEMAS)
    except AdoptionDataError as error:
        raise SurveyError(f"{provenance['source']}: the figures break their own rules: {error}") from error


def _alone(run: Run):
    from filelock import FileLock, Timeout

    run.folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run.folder / "refresh.lock", timeout=0)
    try:
        return lock.acquire()
    except Timeout:
        raise SurveyError(f"{run.source.id}: another refresh of it is running; wait for it or stop it") from None


def _note(run: Run, outcome: str, version: str) -> tuple[str, ...]:
    """Note the attempt; what has landed stands even where that fails, so the failure is only told."""
    try:
        snapshots.record_attempt(run.snapshots, run.source.id, run.today, outcome=outcome, version=version)
    except SurveyError as error:
        return (f"the attempt could not be noted: {error}",)
    return ()


def _failed(run: Run, message: str, outcome: str = "failed") -> Outcome:
    """Note the failure beside the snapshots; what stands there stays."""
    standing = ""
    try:
        before = run.latest()
        standing = before.name if before else ""
        public = message.replace(str(run.cache_dir), "cache").replace(str(ROOT) + "/", "")
        snapshots.record_attempt(
            run.snapshots, run.source.id, run.today, outcome=outcome, version=standing, message=public
        )
    except SurveyError as error:
        message = f"{message}\n{error}"
    return Outcome(run.source.id, outcome, standing, message=message)


def _hold(run: Run, moves: Moves, waiting: Path) -> None:
    problems = "; ".join(moves.problems)
    raise Held(
        run.source.id,
        f"{waiting}",
        f"the new snapshot differs more than it may unasked: {problems}",
        f"look at it there; if it is right, run again with --config accept={run.source.id}",
    )


def _replace(folder: Path, files: Mapping[str, bytes]) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)
    snapshots.write_files(folder, files)


def _provenance(run: Run, snapshot: snapshots.Snapshot, pieces: Sequence[Piece]) -> dict:
    source = run.source
    answers = json.dumps([[dict(p.label), p.answer.sha256] for p in pieces], sort_keys=True)
    return {
        "source": source.id,
        "indicator": source.indicator,
        "title": source.title,
        "what_is_counted": source.what_is_counted,
        "publisher": source.publisher,
        "version": snapshot.upstream,
        "licence": source.licence,
        "retrieved": retrieved(pieces, run.today),
        "span": snapshot.span,
        "breaks": "; ".join(part for part in (source.breaks, snapshot.breaks) if part),
        "caveats": source.caveats,
        "notes": snapshot.notes,
        "supersedes": list(source.supersedes),
        "answers": {"count": len(pieces), "sha256": hashlib.sha256(answers.encode()).hexdigest()},
    }


def _figures_before(source: Source, before: snapshots.Version | None) -> list[dict]:
    """Return the figures that stand now: those of the last snapshot, or the embedded ones that it supersedes."""
    if before is not None:
        return before.rows(snapshots.FIGURES)
    with EMBEDDED.open(encoding="utf-8", newline="") as handle:
        return [row for row in csv.DictReader(handle) if row["source"] in source.supersedes]


def _sizes(before: snapshots.Version | None) -> dict[str, int]:
    files = before.provenance["files"] if before else {}
    return {Path(name).stem: entry["rows"] for name, entry in files.items() if Path(name).stem != snapshots.FIGURES}


def _sizes_of(snapshot: snapshots.Snapshot) -> dict[str, int]:
    return {name: len(rows) for name, rows in snapshot.tables.items()}


def summary(outcomes: Sequence[Outcome], day: date) -> str:
    """Return what a refresh did, for a person: a paragraph a source, failures last."""
    lines = [f"Refresh of {day.isoformat()}:"]
    for outcome in sorted(outcomes, key=lambda o: (not o.good, o.source)):
        cost = f"{outcome.requests} requests, {outcome.received / 1e6:.1f} MB, {outcome.seconds:.0f} s"
        stands = f"snapshot {outcome.version}" if outcome.version else "no snapshot yet"
        lines.append(f"  {outcome.source}: {outcome.outcome} ({stands}; {cost})")
        lines += [f"    {line}" for line in outcome.lines]
        if outcome.message:
            lines += [f"    {line}" for line in outcome.message.splitlines()]
    failed = [outcome.source for outcome in outcomes if not outcome.good]
    if failed:
        lines.append(f"{len(failed)} of {len(outcomes)} sources failed and keep their old date: {', '.join(failed)}")
    return "\n".join(lines)
