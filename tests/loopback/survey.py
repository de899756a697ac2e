"""A refresh against the loopback server: its configuration, and one source in this process or by command line."""

from __future__ import annotations

import contextlib
import csv
import importlib
import inspect
import io
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import ModuleType
from unittest import mock

import yaml

from analysis.harvesting import registry
from analysis.harvesting.run import Run
from analysis.harvesting.running import Outcome, refresh_source
from analysis.harvesting.snapshots import Version, latest
from tests.loopback import services
from tests.loopback.running import TODAY, figures_of
from tests.loopback.server import Loopback, Service

ROOT = Path(__file__).resolve().parents[2]
QUICK = {"pace_s": 0, "backoff_s": [0, 0, 0, 0], "cooldown_s": 0, "patience_s": 30, "timeout_s": [5, 0.7]}
LIMITS = {"max_bytes": 1 << 21, "deadline_s": 20}


def modules() -> dict[str, ModuleType]:
    """Return the services whose right tables are known: ``{source: module}``."""
    names = sorted(info.name for info in pkgutil.iter_modules(services.__path__) if not info.name.startswith("_"))
    found = {name: importlib.import_module(f"tests.loopback.services.{name}") for name in names}
    return {name: module for name, module in found.items() if hasattr(module, "truth") and hasattr(module, "settings")}


def serve(seed: int = 0, sources: Sequence[str] | None = None) -> dict[str, Service]:
    """Return the services of a seed, for ``Loopback``."""
    return {name: module.service(seed) for name, module in modules().items() if sources is None or name in sources}


def configuration(server: Loopback, folder: Path, sources: Sequence[str] | None = None, seed: int = 0, **more) -> dict:
    """Return a configuration whose sources ask the loopback server; every other source is off.

    folder   where cache and snapshots lie
    sources  which to ask; default: all that the server has
    more     settings laid over those of every source
    """
    chosen = list(server.services) if sources is None else list(sources)
    own = {name: {"enabled": False} for name in registry.entries()}
    for name in chosen:
        settings = modules()[name].settings
        seeded = {"seed": seed} if "seed" in inspect.signature(settings).parameters else {}
        own[name] = {"enabled": True} | QUICK | LIMITS | settings(server.base(name), **seeded) | more
    return {"cache": str(folder / "cache"), "snapshots": str(folder / "snapshots"), "sources": own}


def write(configured: Mapping, folder: Path) -> Path:
    """Write a configuration for ``--configfile``."""
    path = folder / "survey.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(configured), allow_unicode=True), encoding="utf-8")
    return path


def secrets() -> dict[str, str]:
    """Return the keys that services ask for, which must never stand in a file: ``{source: key}``."""
    return {name: module.KEY for name, module in modules().items() if hasattr(module, "KEY")}


def environment(folder: Path, day: date) -> dict[str, str]:
    """Return the variables of a run with clocks of its own, a fixed day and a key for whom needs one."""
    keys = {registry.entries()[name]["key"]: key for name, key in secrets().items()}
    return keys | {"SURVEY_CLOCKS": str(folder / "clocks"), "SURVEY_DAY": day.isoformat()}


def make_run(configured: Mapping, source: str, day: date) -> Run:
    """Return the run of one source."""
    found = registry.find(source, configured["sources"])
    return Run(found, day, Path(configured["cache"]), Path(configured["snapshots"]), "mailto:survey@example.org")


def day_of(source: str) -> date:
    """Return the day that the data of a service are made for."""
    return getattr(modules()[source], "DAY", TODAY)


def refresh(
    server: Loopback,
    folder: Path,
    source: str,
    day: date | None = None,
    *,
    seed: int = 0,
    accept: Sequence[str] = (),
    configured: Mapping | None = None,
    **more,
) -> Outcome:
    """Refresh one source in this process, quietly."""
    day = day or day_of(source)
    configured = configured or configuration(server, folder, [source], seed, **more)
    with mock.patch.dict(os.environ, environment(folder, day)), contextlib.redirect_stderr(io.StringIO()):
        return refresh_source(make_run(configured, source, day), accept)


def command(file: Path, source: str, *more: str) -> list[str]:
    """Return the command line that refreshes one source."""
    return [sys.executable, "-m", "analysis", "sources", "fetch", source, f"--configfile={file}", *more]


def start(file: Path, folder: Path, source: str, day: date | None = None, *more: str) -> subprocess.Popen:
    """Start the command line; its words go to ``folder/said.txt``."""
    variables = os.environ | environment(folder, day or day_of(source)) | {"PYTHONPATH": str(ROOT)}
    with (folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command(file, source, *more), cwd=ROOT, env=variables, stdout=said, stderr=said)


def landed(folder: Path, source: str) -> Version | None:
    """Return the newest snapshot."""
    return latest(folder / "snapshots", source)


# What snapshots hold beside their counts; tests of their own know what is right (test_trends_*.py, test_roles.py).
DERIVED = frozenset(
    {
        *("uses_by_month", "clustering_by_month", "clustering_by_quarter", "bootstrap_by_quarter"),
        *("papers_by_field", "clustering_by_field", "clustering_by_field_quarter", "bootstrap_by_field"),
    }
)


def differences(version: Version, right: Mapping) -> list[str]:
    """Return how a snapshot differs from what is right; nothing if it is equal row by row.

    Tables that ``right`` does not know are not compared.
    right  ``{table: rows}`` of every table, or ``{(period, stratum, framework): count}`` of the figures
    """
    if all(isinstance(key, tuple) for key in right):
        got = figures_of(version)
        return [
            f"{key}: {got.get(key)} instead of {right.get(key)}"
            for key in {*got, *right}
            if got.get(key) != right.get(key)
        ]
    names = {Path(name).stem for name in version.provenance["files"]} - DERIVED
    found = [f"table {name} is missing" for name in sorted(set(right) - names)]
    for name in sorted(names & set(right)):
        got = sorted(sorted(row.items()) for row in version.rows(name))
        wanted = sorted(sorted((key, _text(value)) for key, value in row.items()) for row in right[name])
        if got != wanted:
            lost = [row for row in wanted if row not in got]
            more = [row for row in got if row not in wanted]
            found.append(f"{name}: {len(lost)} rows missing {lost[:1]}, {len(more)} wrong {more[:1]}")
    return found


def _text(value: object) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([value, 0])
    (row,) = csv.reader(io.StringIO(buffer.getvalue(), newline=""))
    return row[0]


def kept(folder: Path, source: str) -> dict[str, str]:
    """Return the answers in a source's cache: ``{url: retrieved}``."""
    return {record["url"]: record["retrieved"] for _, record in _records(folder, source)}


def age(folder: Path, source: str, day: date) -> None:
    """Make every kept answer look as if it had come on ``day``: the next run is then on another day."""
    for path, record in list(_records(folder, source)):
        moment = datetime.fromisoformat(record["retrieved"])
        moved = moment.replace(year=day.year, month=day.month, day=day.day)
        body = path.with_name(record["path"])
        stem = f"{record['key']}.{moved:%Y%m%dT%H%M%S.%f}"
        body.rename(path.with_name(f"{stem}.body"))
        path.unlink()
        record |= {"retrieved": moved.isoformat(timespec="microseconds"), "path": f"{stem}.body"}
        path.with_name(f"{stem}.json").write_text(json.dumps(record), encoding="utf-8")


def _records(folder: Path, source: str) -> Iterator[tuple[Path, dict]]:
    for path in (folder / "cache" / "sources" / source / "answers").glob("*/*.json"):
        yield path, json.loads(path.read_text(encoding="utf-8"))
