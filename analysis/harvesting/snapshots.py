"""Dated snapshots of the sources: a folder a version, written whole, never over another; the latest is computed.

``data/snapshots/<source>/<date>/`` holds ``provenance.json``, ``figures.csv`` where the source gives figures, and the
source's own tables. A second, different snapshot of one day is ``<date>-2``. ``attempts.csv`` beside the versions says
how each refresh ended.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from tempfile import mkdtemp

from reproductions.errors import SurveyError
from reproductions.files import explain, write_csv, write_json, write_text

VERSION = re.compile(r"(\d{4}-\d{2}-\d{2})(?:-(\d+))?")
FIGURES = "figures"
FIGURE_COLUMNS = ("indicator", "period", "stratum", "framework", "count", "total", "source")
ATTEMPT_COLUMNS = ("day", "outcome", "version", "message")
PROVENANCE = "provenance.json"
ATTEMPTS = "attempts.csv"


@dataclass(frozen=True)
class Snapshot:
    """What a source gives at a day.

    tables    ``{name: rows}``; rows are dicts with the same keys, numbers as int or float, empty as None
    figures   rows with ``FIGURE_COLUMNS`` (without ``source``, which is filled in), or none
    span      first and last period, ``2018-02/2026-04``
    upstream  version of what was read, in the source's own words: a release, a commit, a revision
    notes     what a reader of the numbers must know about this snapshot in particular
    breaks    known breaks of the series, in the form of data/adoption_sources.csv; added to the registry's
    """

    tables: Mapping[str, list[dict]]
    span: str
    upstream: str
    figures: list[dict] = field(default_factory=list)
    notes: str = ""
    breaks: str = ""


@dataclass(frozen=True)
class Version:
    """A landed snapshot."""

    folder: Path
    provenance: Mapping

    @property
    def name(self) -> str:
        """Its date, with a number from the second of a day on."""
        return self.folder.name

    def rows(self, table: str) -> list[dict[str, str]]:
        """Return a table's rows as text; raises SurveyError if the file is not what was landed."""
        entry = self.provenance["files"].get(f"{table}.csv")
        if entry is None:
            return []
        path = self.folder / f"{table}.csv"
        try:
            content = path.read_bytes()
        except OSError as error:
            raise SurveyError(f"{path}: cannot be read ({error.strerror}); restore it from the repository") from error
        if hashlib.sha256(content).hexdigest() != entry["sha256"]:
            raise SurveyError(
                f"{path}: differs from its sha256 in {PROVENANCE}; a snapshot is never edited: restore the file, or "
                "remove the folder and refresh the source"
            )
        return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def versions(folder: Path, source: str) -> list[Version]:
    """Return the landed snapshots of a source, oldest first."""
    found = []
    for path in Path(folder, source).glob("*/" + PROVENANCE):
        match = VERSION.fullmatch(path.parent.name)
        if match:
            found.append(((match[1], int(match[2] or 1)), Version(path.parent, _provenance(path))))
    return [version for _, version in sorted(found, key=lambda pair: pair[0])]


def latest(folder: Path, source: str) -> Version | None:
    """Return the newest snapshot of a source, or None."""
    found = versions(folder, source)
    return found[-1] if found else None


def _provenance(path: Path) -> dict:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content["files"], dict):
            raise ValueError("files is not a mapping")
        return content
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SurveyError(f"{path}: cannot be read ({error}); restore it, or remove its folder") from error


def render(snapshot: Snapshot, source: str) -> dict[str, bytes]:
    """Return ``{file name: content}`` of a snapshot's tables: the same bytes for the same content."""
    tables = dict(snapshot.tables)
    if snapshot.figures:
        rows = [dict.fromkeys(FIGURE_COLUMNS) | row | {"source": source} for row in snapshot.figures]
        tables[FIGURES] = sorted(rows, key=lambda row: tuple(str(row[name]) for name in FIGURE_COLUMNS))
    files = {}
    for name, rows in tables.items():
        columns = FIGURE_COLUMNS if name == FIGURES else tuple(rows[0]) if rows else ()
        files[f"{name}.csv"] = _csv(columns, rows)
    return files


def same_content(version: Version | None, files: Mapping[str, bytes]) -> bool:
    """Return whether a landed snapshot holds exactly these files."""
    return version is not None and {name: entry["sha256"] for name, entry in version.provenance["files"].items()} == {
        name: hashlib.sha256(content).hexdigest() for name, content in files.items()
    }


def land(folder: Path, source: str, day: date, files: Mapping[str, bytes], provenance: Mapping) -> Version:
    """Write a new snapshot beside the old ones and return it: the whole folder appears at once or not at all."""
    home = Path(folder, source)
    scratch = None
    try:
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(".landing-*"):  # by a run that was killed
            shutil.rmtree(left, ignore_errors=True)
        scratch = Path(mkdtemp(prefix=".landing-", dir=home))
        for name, content in files.items():
            (scratch / name).write_bytes(content)
        record = dict(provenance) | {
            "files": {
                name: {"sha256": hashlib.sha256(content).hexdigest(), "rows": max(content.count(b"\n") - 1, 0)}
                for name, content in files.items()
            }
        }
        write_json(scratch / PROVENANCE, record)
        scratch.chmod(0o755)
        target = _free(home, day)
        scratch.replace(target)
    except OSError as error:
        raise explain(error, home) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return Version(target, record)


def _free(home: Path, day: date) -> Path:
    taken = [
        int(match[2] or 1)
        for path in home.iterdir()
        if (match := VERSION.fullmatch(path.name)) and match[1] == day.isoformat()
    ]
    number = max(taken, default=0) + 1
    return home / (day.isoformat() if number == 1 else f"{day.isoformat()}-{number}")


def attempts(folder: Path, source: str) -> list[dict[str, str]]:
    """Return how the refreshes of a source ended, oldest first."""
    try:
        with Path(folder, source, ATTEMPTS).open(encoding="utf-8", newline="") as handle:
            return list(csv.DictReader(handle))
    except FileNotFoundError:
        return []


def record_attempt(folder: Path, source: str, day: date, *, outcome: str, version: str = "", message: str = "") -> None:
    """Note how a refresh ended (landed, unchanged, held, failed); the last of a day and outcome stands."""
    row = {"day": day.isoformat(), "outcome": outcome, "version": version, "message": message}
    before = [old for old in attempts(folder, source) if (old["day"], old["outcome"]) != (row["day"], outcome)]
    write_csv(Path(folder, source, ATTEMPTS), ATTEMPT_COLUMNS, [*before, row])


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a snapshot that is held back, for a person to look at."""
    for name, content in files.items():
        write_text(Path(folder) / name, content.decode("utf-8"))


def _csv(columns: tuple[str, ...], rows: list[dict]) -> bytes:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8")
