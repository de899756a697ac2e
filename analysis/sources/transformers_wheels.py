"""Model modules by framework in each release of the ``transformers`` package, counted in its wheels.

Releases are listed and wheels downloaded by pip alone, so this source is refreshed wherever the package index is
reached. Nothing of a wheel is installed, unpacked or run: it is read as a zip archive, within bounds, and only its
checksum and counts are kept.

What counts: the lowest published patch of every minor series from ``from_release`` on, and the 16 releases of the
embedded rows. A wheel that was counted once, here or by an earlier snapshot, is never downloaded again.

The rule: a file ``modeling_*.py`` anywhere in the package counts for TensorFlow if its name goes on with ``tf_``, for
JAX with ``flax_``, and for PyTorch otherwise if it holds the word ``torch``; files whose name ends in utils, utilities,
outputs, layers or auto are generic and count for none. The release's date is the newest file time in its wheel.
Verified: this rule gives all 16 embedded rows and their dates from the real wheels.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from analysis.harvesting.clock import Stopped
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._shared import figure, mapping, note, only, sequence, shown, whole
from reproductions.files import write_json, write_text

PACKAGE = "transformers"
INDICATOR = "transformers_modules"
FRAMEWORKS = ("pytorch", "tensorflow", "jax")
EMBEDDED = frozenset(
    {
        "2.0.0",
        "2.11.0",
        "3.5.1",
        "4.6.1",
        "4.11.3",
        "4.15.0",
        "4.20.1",
        "4.25.1",
        "4.30.2",
        "4.36.2",
        "4.41.2",
        "4.47.1",
        "4.52.4",
        "4.57.1",
        "5.0.0",
        "5.23.0",
    }
)
MODULE = re.compile(r"modeling_(tf_|flax_|)(.+)\.py")
GENERIC = re.compile(r"(?:.*_)?(?:utils|utilities|outputs|layers|auto)")
TORCH = re.compile(rb"\btorch\b")
FINAL = re.compile(r"(\d{1,4})\.(\d{1,4})(?:\.(\d{1,4}))?", re.ASCII)
SHA256 = re.compile(r"[0-9a-f]{64}")
COLUMNS = ("release", "date", "sha256", "bytes", *FRAMEWORKS)
EARLIEST = date(2019, 1, 1)
MAX_MEMBERS = 20_000
MAX_MEMBER = 8 << 20  # bytes of one module; the longest real one has 0.4 MB
MAX_UNFOLDED = 256 << 20
WHEEL_BYTES = 13_500_000  # of the newest wheels, for the plan
REMEDY = "check that pip reaches a package index on this machine, then run the same command again"


# -- the four functions of a source ------------------------------------------------------------------------------------
def plan(run: Run) -> Plan:
    """Count the wheels still to be downloaded, as far as the list of releases is known today."""
    listed = _listed_today(run)
    if listed is None:
        return Plan(2, WHEEL_BYTES, "the list of releases, then a wheel for each new minor release", exact=False)
    missing = len([release for release in wanted(listed, run.settings["from_release"]) if release not in _known(run)])
    return Plan(missing, missing * WHEEL_BYTES, f"{missing} new wheels through pip")


def fetch(run: Run) -> Iterator[Piece]:
    """Yield the list of releases and the records of the wheels that count, each counted as soon as it is there."""
    listing = _listing(run)
    releases = wanted(_releases(listing.json()), run.settings["from_release"])
    known = _known(run)
    missing = [release for release in releases if release not in known]
    for release in run.progress(missing, "wheel"):
        known[release] = _count(run, release)
    yield Piece({"kind": "releases"}, listing)
    records = [known[release] for release in releases]
    yield Piece({"kind": "wheels"}, note(run, f"pypi:{PACKAGE} wheels", records))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the records into figures: a row a release and framework."""
    records = [_record(row) for row in sequence(only(pieces, "wheels").answer.json(), "the records")]
    listed = _releases(only(pieces, "releases").answer.json())
    figures = [
        figure(run.source.indicator, row["date"], row["release"], framework, row[framework])
        for row in _one_a_day(records)
        for framework in FRAMEWORKS
    ]
    days = sorted(row["date"] for row in records)
    first, last = (min(records, key=_order), max(records, key=_order))
    return Snapshot(
        tables={"releases": records},
        figures=figures,
        span=f"{days[0]}/{days[-1]}",
        upstream=f"{len(records)} of {len(listed)} releases, {first['release']}-{last['release']}",
        notes="the lowest patch of each minor release, and the releases of the embedded rows",
    )


def check(run: Run) -> list[Finding]:
    """Recount a release that is known, and look in the newest for files that the rule may not have been made for."""
    listed = _releases(_listing(run).json())
    newest = wanted(listed, run.settings["from_release"])[-1]
    embedded = max(EMBEDDED.intersection(listed), key=_version)
    findings = [Finding("releases that pip lists", f"{len(listed)}, the newest {listed[-1]}", "more than 100")]
    with tempfile.TemporaryDirectory() as scratch:
        path = _download(run, embedded, Path(scratch))
        found = " ".join(str(count_modules(path, embedded, run.today)[name]) for name in FRAMEWORKS)
        expected = " ".join(str(row) for row in _embedded_counts(run, embedded))
        findings.append(Finding(f"modules in {embedded}", found, expected, not expected or found == expected))
        path = _download(run, newest, Path(scratch))
        outside = ", ".join(_outside_models(path, newest))
        question = f"modules of {newest} counted outside {PACKAGE}/models"
        findings.append(Finding(question, outside or "none", "none", not outside))
    return findings


# -- which releases ----------------------------------------------------------------------------------------------------
def wanted(listed: Iterable[str], since: str) -> list[str]:
    """Return the releases that count, oldest first: the lowest patch of each minor series, and the embedded ones."""
    listed = set(listed)
    lowest: dict[tuple[int, int], str] = {}
    for release in sorted(listed, key=_version):
        if _version(release) >= _version(since):
            lowest.setdefault(_version(release)[:2], release)
    return sorted({*lowest.values(), *listed.intersection(EMBEDDED)}, key=_version)


def _version(release: str) -> tuple[int, int, int]:
    match = FINAL.fullmatch(release)
    if match is None:
        raise Violation(f"{shown(release)} is not a final release")
    return int(match[1]), int(match[2]), int(match[3] or 0)


def _order(record: dict) -> tuple[int, int, int]:
    return _version(record["release"])


def _one_a_day(records: Sequence[dict]) -> list[dict]:
    """Leave out a release of whose day there is a later one or an embedded one: a day is one point of the series."""
    days: dict[str, dict] = {}
    for row in sorted(records, key=lambda row: (row["release"] in EMBEDDED, _version(row["release"]))):
        days[row["date"]] = row
    return sorted(days.values(), key=_order)


def _listing(run: Run):
    """Return the kept list of releases of today, asking pip for it if there is none."""
    name = f"pypi:{PACKAGE}"
    found = run.client.cache.find(run.client.key(name), run.today)
    return found or note(run, name, {"package": PACKAGE, "releases": _ask_for_releases(run)})


def _listed_today(run: Run) -> list[str] | None:
    found = run.client.cache.find(run.client.key(f"pypi:{PACKAGE}"), run.today)
    return _releases(found.json()) if found else None


def _releases(content: object) -> list[str]:
    listed = sequence(mapping(content, "the list of releases").get("releases"), "the list of releases")
    if not listed or not all(isinstance(name, str) and FINAL.fullmatch(name) for name in listed):
        raise Violation("the list of releases is empty or holds what is not a release")
    return sorted(set(listed), key=_version)


def _ask_for_releases(run: Run) -> list[str]:
    """Return the final releases that pip lists; a pip without ``index`` says them when asked for what is not there."""
    asked = _pip(run, "index", "versions", PACKAGE, "--ignore-requires-python")
    found = re.search(r"^Available versions: (.+)$", asked.stdout, re.MULTILINE)
    if found is None:
        with tempfile.TemporaryDirectory() as scratch:
            asked = _pip(run, "download", f"{PACKAGE}==0.0.0.0.1", "--no-deps", "--dest", scratch, again=False)
        found = re.search(r"\(from versions: (.+?)\)", asked.stderr)
    words = [word.strip() for word in found[1].split(",")] if found else []
    releases = [word for word in words if FINAL.fullmatch(word)]
    if not releases:
        raise _error(run, PACKAGE, "pip lists no releases")
    return sorted(set(releases), key=_version)


# -- what is known already ---------------------------------------------------------------------------------------------
def _known(run: Run) -> dict[str, dict]:
    """Return the records by release: those of the last snapshot, and those counted since."""
    before = run.latest()
    rows = before.rows("releases") if before else []
    records = {row["release"]: _record(row) for row in rows}
    for path in sorted(_records(run).glob("*.json")):
        try:
            record = _record(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, Violation):
            continue  # cut by a kill: the wheel is counted again
        records.setdefault(record["release"], record)
    return records


def _records(run: Run) -> Path:
    return run.work / "records"


def _record(row: object) -> dict:
    """Return a record with its values checked."""
    row = mapping(row, "a record")
    if set(row) != set(COLUMNS):
        raise Violation(f"a record has the fields {shown(sorted(map(str, row)))}")
    if not isinstance(row["release"], str) or not isinstance(row["date"], str) or not isinstance(row["sha256"], str):
        raise Violation("a record's release, date or sha256 is not text")
    _version(row["release"])
    try:
        date.fromisoformat(row["date"])
    except ValueError as error:
        raise Violation(f"{row['release']}: {shown(row['date'])} is not a day") from error
    if not SHA256.fullmatch(row["sha256"]):
        raise Violation(f"{row['release']}: {shown(row['sha256'])} is not a sha256")
    counts = {name: whole(row[name], f"{row['release']} {name}") for name in ("bytes", *FRAMEWORKS)}
    return {name: counts.get(name, row[name]) for name in COLUMNS}


def _embedded_counts(run: Run, release: str) -> list[int]:
    import csv

    from analysis.sources._shared import EMBEDDED as figures_csv

    with figures_csv.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["indicator"] == INDICATOR and row["stratum"] == release]
    counts = {row["framework"]: int(row["count"]) for row in rows}
    return [counts[name] for name in FRAMEWORKS] if counts else []


# -- one wheel ---------------------------------------------------------------------------------------------------------
def _count(run: Run, release: str) -> dict:
    """Download a wheel, count it, keep the record and throw the wheel away."""
    scratch = run.work.resolve() / "scratch"
    shutil.rmtree(scratch, ignore_errors=True)  # what a killed run has left
    try:
        record = _record(count_modules(_download(run, release, scratch), release, run.today))
    except Violation as violation:
        page, remedy = f"{PACKAGE}=={release}", "report this: the rule needs a look"
        raise _error(run, page, violation.reason, remedy) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    write_json(_records(run) / f"{release}.json", record)
    return record


def _download(run: Run, release: str, scratch: Path) -> Path:
    name = f"{PACKAGE}=={release}"
    shutil.rmtree(scratch / release, ignore_errors=True)
    arguments = ("--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--dest", str(scratch / release))
    done = _pip(run, "download", name, *arguments)
    path = scratch / release / f"{PACKAGE}-{release}-py3-none-any.whl"
    if done.returncode or not path.is_file():
        raise _error(run, name, _meaning(done))
    if path.stat().st_size > run.settings["max_bytes"]:
        raise _error(run, name, "the wheel is longer than max_bytes", "raise max_bytes if that is right")
    run.client.requests += 1
    run.client.received += path.stat().st_size
    return path


def count_modules(path: Path, release: str, today: date) -> dict:
    """Return the record of one wheel: release, date, sha256, bytes and the modules of each framework.

    raises  Violation for what is not this release's wheel, or is larger, odder or emptier than a wheel may be
    """
    counts = dict.fromkeys(FRAMEWORKS, 0)
    try:
        with path.open("rb") as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
        with zipfile.ZipFile(path) as archive:
            members = _members(archive)
            _same_release(archive, release)
            for member in members:
                match = MODULE.fullmatch(member.filename.rpartition("/")[2])
                if match is None or GENERIC.fullmatch(match[2]):
                    continue
                if match[1]:
                    counts["tensorflow" if match[1] == "tf_" else "jax"] += 1
                elif TORCH.search(_content(archive, member)):
                    counts["pytorch"] += 1
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise Violation(f"the wheel cannot be read ({type(error).__name__})") from error
    if not any(counts.values()):
        raise Violation("the wheel holds no modeling module of any framework")
    day = _day(members, today)
    return {"release": release, "date": day, "sha256": digest, "bytes": path.stat().st_size} | counts


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """Return the members of the archive after a look at their names and sizes."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or sum(member.file_size for member in members) > MAX_UNFOLDED:
        raise Violation("the wheel unfolds to more than a wheel may hold")
    names = [member.filename for member in members]
    if len(set(names)) != len(names):
        raise Violation("the wheel holds a file twice")
    for name in names:
        if not name.isprintable() or "\\" in name or ":" in name or name.startswith("/") or ".." in name.split("/"):
            raise Violation(f"the wheel holds a file of the odd name {shown(name)}")
    return members


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    """Return a member's bytes, never more than it may have, whatever its header says."""
    with archive.open(member) as handle:
        content = handle.read(MAX_MEMBER + 1)
    if len(content) > MAX_MEMBER:
        raise Violation(f"{shown(member.filename)} unfolds to more than {MAX_MEMBER} bytes")
    return content


def _same_release(archive: zipfile.ZipFile, release: str) -> None:
    name = f"{PACKAGE}-{release}.dist-info/METADATA"
    try:
        head = _content(archive, archive.getinfo(name)).split(b"\n\n", 1)[0].decode("utf-8", "replace").splitlines()
    except KeyError:
        raise Violation(f"the wheel holds no {name}") from None
    if f"Name: {PACKAGE}" not in head or f"Version: {release}" not in head:
        raise Violation(f"the wheel is not that of {PACKAGE} {release}")


def _day(members: Sequence[zipfile.ZipInfo], today: date) -> str:
    """Return the day of the newest file; an impossible one, as builds with a fixed clock leave it, raises Violation."""
    newest = max(member.date_time for member in members)
    try:
        day = date(*newest[:3])
    except ValueError:
        day = date.min
    if not EARLIEST <= day <= today + timedelta(days=1):
        raise Violation(
            f"the newest file of the wheel is of {newest[0]}-{newest[1]}-{newest[2]}, which is no release day"
        )
    return day.isoformat()


def _outside_models(path: Path, release: str) -> list[str]:
    """Return the modules that the rule counts although they lie outside the package's models."""
    with zipfile.ZipFile(path) as archive:
        names = [member.filename for member in _members(archive)]
    inside = f"{PACKAGE}/models/"
    found = [
        name
        for name in names
        if (match := MODULE.fullmatch(name.rpartition("/")[2])) and not GENERIC.fullmatch(match[2])
    ]
    return [] if _version(release)[0] < 4 else [name for name in found if not name.startswith(inside)]


# -- pip ---------------------------------------------------------------------------------------------------------------
def _pip(run: Run, *arguments: str, again: bool = True) -> subprocess.CompletedProcess:
    """Run pip once a turn, again after a fault that may pass; what it says goes into a file of the cache only.

    pip's words may name the machine's own index, so none of them reaches a message, a snapshot or a log.
    """
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--no-color"]
    if run.settings["base_url"]:
        command.append("--isolated")  # no index of the machine's own beside the one that is named
    command += [*arguments, "--retries", "1", "--timeout", str(run.settings["timeout_s"][1])]
    if run.settings["base_url"]:
        command += ["--index-url", run.settings["base_url"]]
    for wait_s in [*(run.settings["backoff_s"] if again else ()), None]:
        done = _once(run, command)
        if done.returncode == 0 or wait_s is None or _final(done):
            return done
        run.say(f"pip {arguments[0]}: {_meaning(done)}; asking again in {wait_s:g} s")
        time.sleep(wait_s)
    raise AssertionError("unreachable: the last try returns")


def _once(run: Run, command: list[str]) -> subprocess.CompletedProcess:
    try:
        with run.client.clock.turn():
            done = subprocess.run(
                command, cwd=run.work, capture_output=True, text=True, timeout=run.settings["deadline_s"], check=False
            )
    except subprocess.TimeoutExpired:
        done = subprocess.CompletedProcess(command, 1, "", "timed out")
    except Stopped as stopped:
        raise _error(run, PACKAGE, str(stopped), "run it again then") from None
    except OSError as error:
        raise _error(run, PACKAGE, f"pip cannot be started ({error.strerror})", "install pip") from error
    write_text(run.work / "pip.log", f"{done.stdout}\n{done.stderr}")
    return done


def _final(done: subprocess.CompletedProcess) -> bool:
    """Return whether asking again is no use."""
    return "No module named pip" in done.stderr or "No space left" in done.stderr or "unknown command" in done.stderr


def _meaning(done: subprocess.CompletedProcess) -> str:
    """Return what pip's end means in our own words."""
    if "No module named pip" in done.stderr:
        return "this Python has no pip"
    if "No space left" in done.stderr:
        return "no space left to download it"
    if "DO NOT MATCH" in done.stderr or "hash" in done.stderr.lower():
        return "the file does not have the checksum that the index gives"
    if "No matching distribution" in done.stderr or "Could not find a version" in done.stderr:
        return "pip finds no such wheel, or no index"
    if done.returncode == 0:
        return "pip left no wheel of the expected name"
    return f"pip failed (exit status {done.returncode}; its words are in pip.log in the source's cache)"


def _error(run: Run, page: str, what: str, remedy: str = REMEDY) -> SourceError:
    return SourceError(run.source.id, page, what, remedy)
