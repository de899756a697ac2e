"""Every server under load, and ``python -m reproductions deploy serve``: plan, journal, rows of ``serving.csv``.

A restart starts every server once for every model, in an order that is turned round from restart to restart; a row
holds the median over the restarts with the smallest and the largest. Each finished server is on disk before the next
begins, so that a killed run goes on where it was.
"""

from __future__ import annotations

import argparse
import collections
import csv
import difflib
import logging
import math
import shutil
import statistics
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import numpy as np

from reproductions import machine
from reproductions.contributions import tidied
from reproductions.deployment import environments, models, runner, running, servers, spec
from reproductions.deployment.models import Prepared
from reproductions.errors import SurveyError, WorkerFailed
from reproductions.files import sha256, write_csv
from reproductions.journal import Journal

log = logging.getLogger(__name__)
TABLE = "serving.csv"
CACHE = Path(__file__).resolve().parents[2] / "data" / "downloads"
WORK = Path("results/deployment")
COLUMNS = (
    "machine",
    "server",
    "framework",
    "runtime",
    "model",
    "rate_per_s",
    "sent",
    "answered",
    "errors",
    "rejected",
    "duration_s",
    "achieved_per_s",
    "latency_p50_ms",
    "latency_p95_ms",
    "latency_p99_ms",
    "latency_p50_low_ms",
    "latency_p50_high_ms",
    "latency_p99_low_ms",
    "latency_p99_high_ms",
    "send_lag_p99_ms",
    "restarts",
    "saturated",
    "status",
    "stage",
    "note",
    "report_url",
    "start_s",
    "versions",
    "threads",
    "date",
)
#: Test rows that requests are made of.
ROWS = 64
#: Load of a run that only shows that it works.
SMOKE = running.Load(seconds=0.5, rates=(25, 100), warm_s=0.5, arrivals=10)
#: A generator that is later than this falsifies what it measures; its rows say so.
LATE_MS = 5.0
#: Distribution that computes, by runtime.
COMPUTES = {
    "torch": "torch",
    "torchscript": "torch",
    "tensorflow": "tensorflow-cpu|tensorflow",
    "onnxruntime": "onnxruntime",
}


@dataclass(frozen=True)
class Options:
    """What is measured.

    models    ids of the models
    only      ids of servers; None takes all
    extra     environments that may be used
    restarts  how often each server is started
    load      rates and windows
    threads   compute threads of a server
    """

    models: Sequence[str]
    only: Sequence[str] | None = None
    extra: Sequence[str] = ()
    restarts: int = 2
    load: running.Load = field(default_factory=running.Load)
    threads: int = 1


@dataclass(frozen=True)
class Turn:
    """One start of one server for one model."""

    restart: int
    server: str
    model: str

    @property
    def seed(self) -> int:
        """Return the seed of its arrivals: the same for every server."""
        return 1000 * (self.restart + 1)


def plan(names: Sequence[str], options: Options) -> list[Turn]:
    """Return every start in the order in which they are made: A B ... B A."""
    turns = []
    for restart in range(options.restarts):
        order = [(server, model) for model in options.models for server in names]
        turns += [Turn(restart, *pair) for pair in (order if restart % 2 == 0 else order[::-1])]
    return turns


def minutes(turns: Sequence[Turn], load: running.Load) -> float:
    """Return about how long the turns take: twenty seconds around the windows of a server that reaches 1600 /s."""
    windows = sum(load.window(rate) for rate in load.rates if rate <= 1600)
    return len(turns) * (20 + load.warm_s + windows) / 60


class Material:
    """What servers are given: models trained once, artefacts exported once a path, answers that are right.

    settings  of :mod:`reproductions.deployment.runner`: where these lie and which environments may be used
    rows      how many test rows requests are made of
    """

    def __init__(self, settings: runner.Settings, rows: int = ROWS):
        self.settings, self.rows = settings, rows
        self._sources: dict[str, Prepared] = {}

    def missing(self, module: ModuleType) -> str:
        """Return what a server lacks here, with how to get it; an empty string if nothing."""
        server = module.SERVER
        reasons = list(spec.find(server.path).missing())
        if server.extra and server.extra not in self.settings.extra:
            reasons.append(environments.offer(server.extra))
        elif not server.extra:
            lacking = [name for name in server.distributions if spec.distribution(name) is None]
            reasons += [f"{', '.join(lacking)} (get it: {server.get})"] if lacking else []
        lacking = [name for name in server.commands if shutil.which(name) is None]
        reasons += [f"{', '.join(lacking)} (get it: {server.get})"] if lacking else []
        if why := getattr(module, "missing", lambda: None)():
            reasons.append(f"{why} (get it: {server.get})")
        return "; ".join(reasons)

    def python(self, module: ModuleType) -> str:
        """Return the interpreter of a server's environment, which is made if need be."""
        extra = module.SERVER.extra
        return str(environments.make(extra) / "bin" / "python") if extra else self.settings.python

    def source(self, module: ModuleType, model: str) -> Prepared:
        """Return a model with the logits of the framework whose path a server is given."""
        framework = self._path(module).framework
        known = self._sources.get(model)
        if known is None or framework not in (*known.logits, *known.problems):
            wanted = tuple({framework, *(known.logits if known else ())})
            self._sources[model] = runner.prepared(model, self.settings, wanted)
        source = self._sources[model]
        if problem := source.problems.get(framework):
            raise problem
        return source

    def artefact(self, module: ModuleType, model: str) -> Path:
        """Return the folder of what a server is given; exported if it is not there. Raises WorkerFailed."""
        folder, _ = runner.exported(self._path(module), self.source(module, model), self.settings)
        return folder.resolve()

    def request(self, module: ModuleType, model: str, threads: int) -> spec.Request:
        """Return what the path's ``load`` is told."""
        return self.source(module, model).request(self._path(module).framework, threads)

    def expected(self, module: ModuleType, model: str) -> running.Expected:
        """Return real test rows, spread over the whole set, and the source framework's logits."""
        source, path = self.source(module, model), self._path(module)
        found = models.rows(self.request(module, model, 1))
        picked = np.linspace(0, len(found) - 1, min(self.rows, len(found)), dtype=int)
        return running.Expected(found[picked], source.logits[path.framework][picked], path.tolerance_logits)

    def keep(self, turn: Turn, file: Path) -> None:
        """Keep what a server printed before it failed."""
        folder = self.settings.work / "logs"
        folder.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            shutil.copy(file, folder / f"server-{turn.server}-{turn.model}.log")

    def _path(self, module: ModuleType) -> spec.Path:
        return spec.find(module.SERVER.path)


def chosen(options: Options) -> dict[str, ModuleType]:
    """Return the servers of a measurement; SurveyError for an unknown id."""
    found = servers.discover()
    for name in options.only or ():
        if name not in found:
            close = difflib.get_close_matches(name, found, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(found)}"
            raise SurveyError(f"no server {name!r}; {hint}")
    return {name: module for name, module in found.items() if options.only is None or name in options.only}


def measure(out: Path, options: Options, material: Material) -> list[dict]:
    """Load every server, write the table to ``out``; return its rows of these servers and models."""
    modules = chosen(options)
    reasons = {name: reason for name, module in modules.items() if (reason := material.missing(module))}
    turns = plan([name for name in modules if name not in reasons], options)
    for name, reason in reasons.items():
        log.info("%s is skipped: %s", name, reason)
    log.info("%d starts of servers, about %.0f minutes", len(turns), minutes(turns, options.load))
    journal = _journal(out / "unfinished" / "serving.jsonl", modules, options)
    known = {tuple(row["turn"]): row for row in journal.rows if "turn" in row}
    for count, turn in enumerate(turns, 1):
        key = (turn.restart, turn.server, turn.model)
        first = known.get((0, turn.server, turn.model))
        if key in known or (first and first["status"] != "ok"):
            continue  # what failed once is not tried again in this measurement
        known[key] = {"turn": key, **_observe(modules[turn.server], turn, options, material)}
        journal.add(known[key])
        log.info("%d of %d: %s, %s: %s", count, len(turns), turn.server, turn.model, _brief(known[key]))
    rows = []
    for name, module in modules.items():
        for model in options.models:
            found = [known[key] for key in sorted(known) if key[1:] == (name, model)]
            rows += tidied(rows_of(module, model, found, options.threads, reasons.get(name)))
    _write(out, rows)
    journal.remove()
    return rows


def _observe(module: ModuleType, turn: Turn, options: Options, material: Material) -> dict:
    today = datetime.now(UTC).date().isoformat()
    try:
        artefact = material.artefact(module, turn.model)
    except WorkerFailed as error:
        return {"status": error.status, "stage": "export", "note": error.message, "blocks": [], "date": today}
    expected, python = material.expected(module, turn.model), material.python(module)
    with tempfile.TemporaryDirectory(prefix="serving-") as scratch:
        job = servers.Job(
            server=turn.server,
            path=module.SERVER.path,
            model=turn.model,
            artefact=str(artefact),
            scratch=scratch,
            ports=running.free_ports(),
            threads=options.threads,
            shape=tuple(expected.rows.shape[1:]),
            dtype=str(expected.rows.dtype),
            request=material.request(module, turn.model, options.threads).plain(),
            python=python,
        )
        found = running.observe(module, job, expected, options.load, turn.seed)
        if found["status"] != "ok":
            material.keep(turn, Path(scratch) / "server.log")
    names = [*module.SERVER.distributions, *filter(None, [COMPUTES.get(module.SERVER.runtime)])]
    return {**found, "versions": running.versions(python, dict.fromkeys(names)), "date": today}


def _brief(row: Mapping) -> str:
    if not row["blocks"]:
        return f"{row['status']} at {row['stage']}: {row['note']}"
    first, last = row["blocks"][0], row["blocks"][-1]
    p50 = "-" if first["latency_p50_ms"] is None else f"{first['latency_p50_ms']:.1f} ms"
    end = "saturated" if last["saturated"] else "kept up"
    return f"{row['status']}, p50 {p50} at {first['rate_per_s']:g} /s, {end} at {last['rate_per_s']:g} /s"


def _journal(path: Path, modules: Mapping[str, ModuleType], options: Options) -> Journal:
    here = Path(__file__).parent
    texts = [here / "load.py", here / "running.py", *sorted((here / "servers").glob("*.py"))]
    asked = {
        **asdict(options),
        "only": sorted(modules),
        "texts": [sha256(text) for text in texts],
    }
    asked = _plain(asked)
    journal = Journal(path)
    if journal.rows and journal.rows[0].get("plan") != asked:
        log.info("an unfinished measurement of other servers or options is dropped")
        journal.remove()
        journal = Journal(path)
    if not journal.rows:
        journal.add({"plan": asked})
    return journal


def _plain(value):
    """Return a value as it reads back from JSON."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, (list, tuple)) else value


# -- rows --------------------------------------------------------------------------------------------------------------
def rows_of(
    module: ModuleType, model: str, found: Sequence[Mapping], threads: int, skipped: str | None = None
) -> list[dict]:
    """Return one row a rate of a server and a model, or one row that says why there is none.

    found    what :func:`reproductions.deployment.running.observe` returned, a restart each
    skipped  why the server was not started
    """
    server = module.SERVER
    common = {
        "machine": machine.describe()["machine"],
        "server": server.id,
        "framework": server.framework,
        "runtime": server.runtime,
        "model": model,
        "threads": threads,
        "report_url": "",
        "date": datetime.now(UTC).date().isoformat(),
    }
    if skipped:
        return [common | {"status": "skipped", "stage": "install", "note": skipped}]
    bad = next((row for row in found if row["status"] != "ok"), None)
    good = [row for row in found if row["status"] == "ok"]
    if found:
        versions = found[0].get("versions", {})
        text = "; ".join(f"{name} {version}" for name, version in versions.items() if version)
        common |= {"date": found[0]["date"], "versions": text}
    if bad and not good:
        return [common | {key: bad[key] for key in ("status", "stage", "note")}]
    starts = [row["start_s"] for row in good if row["start_s"] is not None]
    common |= {"status": "ok", "stage": "load", "start_s": _rounded(statistics.median(starts)) if starts else None}
    if bad:
        common |= {"status": bad["status"], "stage": bad["stage"], "note": f"in one restart: {bad['note']}"}
    by_rate = collections.defaultdict(list)
    for row in good:
        for block in row["blocks"]:
            by_rate[block["rate_per_s"]].append(block)
    return [common | _row(rate, blocks, common.get("note", "")) for rate, blocks in sorted(by_rate.items())]


def _row(rate: float, blocks: Sequence[Mapping], note: str) -> dict:
    """Return what a rate's row holds of the same rate in every restart that reached it."""
    row = {"rate_per_s": rate, "restarts": len(blocks)}
    for name in ("sent", "answered", "errors", "rejected"):
        row[name] = sum(block[name] for block in blocks)
    row["duration_s"] = _rounded(sum(block["duration_s"] for block in blocks))
    row["achieved_per_s"] = _rounded(statistics.median(block["achieved_per_s"] for block in blocks))
    for percent in ("p50", "p95", "p99"):
        # A percentile among failed requests is infinite; it stays so in the median and shows as an empty cell.
        values = [math.inf if (value := block[f"latency_{percent}_ms"]) is None else value for block in blocks]
        row[f"latency_{percent}_ms"] = _rounded(statistics.median(values))
        if percent != "p95":
            row[f"latency_{percent}_low_ms"] = _rounded(min(values))
            row[f"latency_{percent}_high_ms"] = _rounded(max(values))
    lags = [lag for block in blocks if (lag := block["send_lag_p99_ms"]) is not None]
    row["send_lag_p99_ms"] = _rounded(max(lags)) if lags else None
    # Where the restarts are of two minds, the cautious one counts.
    row["saturated"] = "true" if 2 * sum(block["saturated"] for block in blocks) >= len(blocks) else "false"
    return row | {"note": "; ".join(filter(None, [note, _reasons(blocks), _lateness(row["send_lag_p99_ms"])]))}


def _reasons(blocks: Iterable[Mapping]) -> str:
    found = collections.Counter()
    for block in blocks:
        found.update(block["reasons"])
    return ", ".join(f"{count} {reason}" for reason, count in found.most_common())


def _lateness(lag_ms: float | None) -> str:
    return f"the generator itself was {lag_ms:.0f} ms late" if lag_ms is not None and lag_ms > LATE_MS else ""


def _rounded(value: float) -> float | None:
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _write(out: Path, rows: Sequence[Mapping]) -> None:
    measured = {(row["server"], row["model"]) for row in rows}
    kept = [row for row in read(out / TABLE) if (row["server"], row["model"]) not in measured]
    write_csv(out / TABLE, COLUMNS, sorted([*kept, *rows], key=_place))


def _place(row: Mapping) -> tuple:
    return row["server"], row["model"], float(row.get("rate_per_s") or 0)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, as text; none if it is not there."""
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


# -- command -----------------------------------------------------------------------------------------------------------
TEXT = "Load every server over loopback at rising rates until it no longer keeps up."


def add_action(actions: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``serve`` to the actions of ``deploy``; returns its parser."""
    from reproductions.usability import landing

    sub = actions.add_parser("serve", help=TEXT, description=TEXT)
    sub.set_defaults(run=_serve)
    landing.add_options(sub)
    sub.add_argument("--only", nargs="+", metavar="SERVER", help="ids of servers; default: all")
    sub.add_argument("--models", nargs="+", metavar="MODEL", default=list(spec.MODELS), help="default: all")
    sub.add_argument("--extra", nargs="*", default=[], metavar="ENVIRONMENT", help="environments to make and use")
    sub.add_argument("--restarts", type=int, metavar="N", help="starts of each server (default: 2, with --smoke 1)")
    sub.add_argument("--seconds", type=float, metavar="S", help="length of a window, at least (default: 3)")
    sub.add_argument("--work", type=Path, default=WORK, metavar="DIR", help="models, artefacts and logs")
    sub.add_argument("--cache", type=Path, default=CACHE, metavar="DIR", help="data sets")
    sub.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    sub.add_argument("--smoke", action="store_true", help="small models and short windows, to see that it works")
    sub.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    sub.add_argument("--keep-going", action="store_true", help="exit with 0 although a server failed")
    return sub


def _serve(options: argparse.Namespace) -> int:
    from reproductions.deployment import commands
    from reproductions.exclusive import exclusive
    from reproductions.usability import landing

    load = SMOKE if options.smoke else running.Load()
    if options.seconds is not None:
        load = replace(load, seconds=options.seconds)
    restarts = options.restarts if options.restarts is not None else 1 if options.smoke else 2
    if restarts < 1 or load.seconds <= 0:
        raise SurveyError("--restarts and --seconds take numbers above 0")
    settings = runner.Settings(
        work=options.work / ("smoke" if options.smoke else "full"),
        cache=options.cache,
        models=options.models,
        extra=options.extra,
        recipe=models.SMOKE if options.smoke else models.FULL,
    )
    runner.chosen(settings)  # an unknown model is said at once
    wanted = Options(options.models, options.only, options.extra, restarts, load)
    out = commands.folder(options)
    with exclusive(options.wait):
        rows = measure(out, wanted, Material(settings))
    landing.land(options, "servers", rows)
    failed = [row for row in rows if row["status"] not in ("ok", "skipped", "expected_failure")]
    for row in failed:
        log.error("%s, %s: %s at %s: %s", row["server"], row["model"], row["status"], row["stage"], row["note"])
    return 1 if failed and not options.keep_going else 0
