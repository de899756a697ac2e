"""First contact: what it takes to get a framework and to take a first step with it.

Each value says where it comes from: ``installed metadata`` (what pip has left on this machine), ``a run here``,
``registry metadata`` (what pip says of the package index, whose address is never written down) or ``paired programs``.
What could not be asked or was not asked for is a row with status ``not_run``.
"""

from __future__ import annotations

import json
import logging
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from reproductions import machine
from reproductions.errors import SurveyError
from reproductions.files import write_csv
from reproductions.journal import Journal
from reproductions.usability import programs
from reproductions.usability.tasks import PROGRAMS

log = logging.getLogger(__name__)
TABLE = "first_contact.csv"
COLUMNS = (
    "machine",
    "date",
    "framework",
    "subject",
    "version",
    "metric",
    "value",
    "unit",
    "low",
    "high",
    "runs",
    "status",
    "note",
    "origin",
)
INSTALLED, HERE, REGISTRY, PAIRED = "installed metadata", "a run here", "registry metadata", "paired programs"
#: The packages of each framework, the first that is installed counts.
PACKAGES = {"torch": ("torch",), "tensorflow": ("tensorflow-cpu", "tensorflow"), "keras": ("keras",)}
FRAMEWORK = {"torch": "pytorch", "tensorflow": "tensorflow", "keras": "tensorflow"}
FIRST_STEP = Path(__file__).with_name("first_step")
DATES_SINCE = 26  # the first pip that filters by upload date
_UPPER = {"<", "<=", "==", "===", "~="}
_PLATFORMS = (
    (r"manylinux.*_x86_64|linux_x86_64", "Linux x86-64"),
    (r"manylinux.*_aarch64|linux_aarch64", "Linux aarch64"),
    (r"macosx.*_arm64", "macOS arm64"),
    (r"macosx.*_x86_64", "macOS x86-64"),
    (r"macosx.*_universal2", "macOS universal"),
    (r"win_amd64", "Windows x86-64"),
    (r"win_arm64", "Windows arm64"),
)
#: Imports a package, writes down what that took, and goes on to the program of the first step: one process tells both.
_BEGIN = """
import json, sys, time
package, program, found = sys.argv[1:]
wall, cpu = time.perf_counter(), time.process_time()
__import__(package)
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
from reproductions.worker import _peak_host_bytes
with open(found, "w", encoding="utf-8") as handle:
    json.dump({"import_wall_s": wall, "import_cpu_s": cpu, "import_peak_mib": _peak_host_bytes() / 2**20}, handle)
import runpy
runpy.run_path(program, run_name="__main__")
"""


@dataclass(frozen=True)
class Options:
    """What is asked and run.

    repeats     processes a value is the median of
    threads     compute threads of a process
    registry    whether pip may ask the package index
    install     whether to download what is installed and install it into a fresh environment; minutes
    pip_python  interpreter whose pip is asked; None is the one that runs this
    python      interpreter by framework; absent or None is the one that runs this
    timeout_s   seconds after which a process is stopped
    """

    repeats: int = 3
    threads: int = 1
    registry: bool = True
    install: bool = False
    pip_python: str | None = None
    python: Mapping[str, str | None] = field(default_factory=dict)
    timeout_s: float = 180


def measure(out: Path, options: Options) -> list[dict]:
    """Take every value, write the table to ``out`` and return its rows; a killed measurement is taken up again."""
    journal = Journal(out / "unfinished" / "first_contact.jsonl")
    plan = {"repeats": options.repeats, "threads": options.threads, "versions": installed_versions()}
    plan |= {"registry": options.registry, "install": options.install}
    if journal.rows and journal.rows[0].get("plan") != plan:
        journal.remove()
        journal = Journal(journal.path)
    if not journal.rows:
        journal.add({"plan": plan})
    known = {row["step"]: row["rows"] for row in journal.rows if "step" in row}
    with tempfile.TemporaryDirectory(prefix="usability-pip-") as scratch:
        steps = dict(_steps(out, _with_recent_pip(options, Path(scratch))))
        for count, (name, take) in enumerate(steps.items(), 1):
            if name in known:
                continue
            known[name] = take()
            journal.add({"step": name, "rows": known[name]})
            log.info("%d of %d: %s", count, len(steps), name)
    common = {"machine": machine.describe()["machine"], "status": "ok"}
    rows = [common | row for name in steps for row in known[name]]
    write_csv(out / TABLE, COLUMNS, rows)
    journal.remove()
    return rows


def _with_recent_pip(options: Options, scratch: Path) -> Options:
    """Return the options with a pip that knows release dates: one in ``scratch`` where the one at hand is too old.

    Where none can be had, the options stay and the rows of release dates say what they need.
    """
    if not options.registry or options.pip_python:
        return options
    recent = replace(options, pip_python=str(scratch / "bin" / "python"))
    try:
        at_hand = re.match(r"\s*pip (\d+)", _pip(options, "--version"))
        if at_hand is None or int(at_hand[1]) >= DATES_SINCE:
            return options
        subprocess.run([sys.executable, "-m", "venv", str(scratch)], check=True, capture_output=True)
        _pip(recent, "install", "--quiet", "--upgrade", f"pip>={DATES_SINCE}")
    except (SurveyError, subprocess.CalledProcessError) as error:
        log.info("no pip of version %s or newer: %s", DATES_SINCE, error)
        return options
    return recent


def _steps(out: Path, options: Options) -> Iterator[tuple[str, Callable[[], list[dict]]]]:
    """Yield ``(name, function)`` of what is measured, in order; each function returns rows."""
    for package in PACKAGES:
        yield f"installed {package}", lambda package=package: installed(package)
    for package, program in zip(PACKAGES, PROGRAMS, strict=True):
        yield f"import of {package}, first step", lambda names=(package, program): starting(*names, options)
    for package in PACKAGES:
        yield f"registry {package}", lambda package=package: registry(package, options)
    for package in ("torch", "tensorflow"):
        yield f"install {package}", lambda package=package: installing(package, options)
    yield "deprecations", lambda: deprecations(out)


def _row(subject: str, metric: str, value: object, unit: str, origin: str, **more: object) -> dict:
    package = {"pytorch": "torch"}.get(subject, subject)
    return {
        "date": _today().isoformat(),
        "framework": FRAMEWORK[package],
        "subject": subject,
        "version": installed_versions().get(package, ""),
        "metric": metric,
        "value": programs.rounded(value) if isinstance(value, int | float) else value,
        "unit": unit,
        "origin": origin,
        **more,
    }


def _not_run(subject: str, metric: str, origin: str, note: str, status: str = "not_run") -> dict:
    return _row(subject, metric, "", "", origin, status=status, note=note)


def _today() -> date:
    return datetime.now(UTC).date()


def installed_versions() -> dict[str, str]:
    """Return the versions of the packages that are installed beside this, by package."""
    found = {package: _distribution(package) for package in PACKAGES}
    return {package: dist.version for package, dist in found.items() if dist}


def _distribution(package: str) -> metadata.Distribution | None:
    for name in PACKAGES.get(package, (package,)):
        try:
            return metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
    return None


# -- what is installed -------------------------------------------------------------------------------------------------
def installed(package: str) -> list[dict]:
    """Return bytes, dependencies and open version ranges of an installed package."""
    own = _distribution(package)
    if own is None:
        return [_not_run(package, "installed_mib", INSTALLED, "not installed in the environment that ran this")]
    whole = closure(own)
    ranges = requirements(own)
    open_ended = [requirement for requirement in ranges if is_open(requirement)]
    all_ranges = [requirement for dist in whole.values() for requirement in requirements(dist)]
    names = ", ".join(sorted(requirement.name for requirement in open_ended))
    return [
        _row(package, "own_mib", _mib(own), "MiB", INSTALLED, note="the package itself"),
        _row(package, "installed_mib", sum(map(_mib, whole.values())), "MiB", INSTALLED, note="with all dependencies"),
        _row(package, "packages", len(whole), "packages", INSTALLED, note=", ".join(sorted(whole))),
        _row(package, "requirements", len(ranges), "requirements", INSTALLED, note="direct, on this platform"),
        _row(package, "open_requirements", len(open_ended), "requirements", INSTALLED, note=f"no upper bound: {names}"),
        _row(
            package,
            "open_requirements_all",
            sum(map(is_open, all_ranges)),
            "requirements",
            INSTALLED,
            note=f"of {len(all_ranges)}, dependencies of dependencies included",
        ),
    ]


def requirements(dist: metadata.Distribution) -> list[Requirement]:
    """Return what a distribution requires on this platform without extras."""
    found = [Requirement(text) for text in dist.requires or ()]
    return [each for each in found if each.marker is None or each.marker.evaluate({"extra": ""})]


def is_open(requirement: Requirement) -> bool:
    """Return whether a requirement takes every later version: nothing in it bounds the version from above."""
    return not any(part.operator in _UPPER for part in requirement.specifier)


def closure(dist: metadata.Distribution) -> dict[str, metadata.Distribution]:
    """Return a distribution and everything that it brings along, by normalised name; what is absent is left out."""
    found, waiting = {}, [dist]
    while waiting:
        current = waiting.pop()
        name = canonicalize_name(current.metadata["Name"])
        if name not in found:
            found[name] = current
            needed = (_distribution(requirement.name) for requirement in requirements(current))
            waiting += [each for each in needed if each is not None]
    return found


def _mib(dist: metadata.Distribution) -> float:
    """Return what a distribution's files take on disk, bytecode included (pip lists it without a size)."""
    paths = [Path(file.locate()) for file in dist.files or ()]
    return sum(path.stat().st_size for path in paths if path.is_file()) / 2**20


# -- runs --------------------------------------------------------------------------------------------------------------
def starting(package: str, program: str, options: Options) -> list[dict]:
    """Return seconds and memory of an import in a fresh process, and seconds to the loss of the first training step.

    The first step counts from the start of Python, and the import is part of it.
    """
    units = {"import_wall_s": "s", "import_cpu_s": "s", "import_peak_mib": "MiB"}
    path = FIRST_STEP / f"{program}.py"
    imports, steps = [], []
    try:
        with tempfile.TemporaryDirectory(prefix="usability-") as scratch:
            found = Path(scratch) / "found.json"
            # -P: otherwise the folder at hand would be searched for the framework first.
            command = [_python(package, options), "-P", "-c", _BEGIN, package, str(path), str(found)]
            for _ in range(options.repeats):
                steps.append(_said(command, options)[1:])
                imports.append(json.loads(found.read_text(encoding="utf-8")))
    except SurveyError as error:
        names = [(package, metric) for metric in units] + [(program, "first_step_s")]
        return [_not_run(subject, metric, HERE, str(error), "failed") for subject, metric in names]
    text = path.read_text(encoding="utf-8")
    lines = sum(bool(line.strip()) and not line.startswith('"""') for line in text.splitlines())
    wall, cpu = zip(*steps, strict=True)
    return [
        *(_spread(package, metric, [each[metric] for each in imports], unit) for metric, unit in units.items()),
        _spread(program, "first_step_s", wall, "s", note=f"a program of {lines} lines"),
        _spread(program, "first_step_cpu_s", cpu, "s", note="to the end of the process"),
    ]


def _python(subject: str, options: Options) -> str:
    framework = "pytorch" if subject in ("torch", "pytorch") else "tensorflow"
    return options.python.get(framework) or sys.executable


def _spread(subject: str, metric: str, values: Sequence[float], unit: str, **more: object) -> dict:
    ends = {"low": programs.rounded(min(values)), "high": programs.rounded(max(values)), "runs": len(values)}
    return _row(subject, metric, statistics.median(values), unit, HERE, **ends, **more)


def _said(command: Sequence[str], options: Options) -> tuple[str, float, float]:
    """Run a command; return its first line, the seconds until it came, and CPU seconds to the end.

    raises SurveyError   if it fails or says nothing
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with tempfile.TemporaryDirectory(prefix="usability-") as scratch:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=scratch,
            env=programs.environment(options.threads, Path(scratch)),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            line = process.stdout.readline()
            seconds = time.perf_counter() - started
            process.communicate(timeout=options.timeout_s)
        except subprocess.TimeoutExpired:
            raise SurveyError(f"no end within {options.timeout_s:g} s; stopped") from None
        finally:
            process.kill()
            process.wait()
    if process.returncode != 0 or not line:
        raise SurveyError(f"the process ended with exit code {process.returncode}; run it by hand to see why")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return line, seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


# -- the registry, through pip -----------------------------------------------------------------------------------------
def registry(package: str, options: Options) -> list[dict]:
    """Return Pythons and platforms with wheels for the newest release, and releases in the last 365 days."""
    metrics = ("newest_release", "python_versions", "platforms", "releases_365d", "minor_releases_365d")
    if not options.registry:
        return [_not_run(package, metric, REGISTRY, "not asked (--offline)") for metric in metrics]
    try:
        said = _pip(options, "index", "versions", package, "--ignore-requires-python", "-vv")
        version, names = newest_wheels(said, package)
    except SurveyError as error:
        return [_not_run(package, metric, REGISTRY, str(error)) for metric in metrics]
    asked = re.search(rf"{re.escape(names[0])}.*?\(requires-python:([^)]*)\)", said)
    return [*_wheels(package, version, names, asked[1] if asked else ""), *_releases(package, options)]


def newest_wheels(said: str, package: str) -> tuple[Version, list[str]]:
    """Return the newest final release in what ``pip index versions -vv`` says, and its wheels' file names.

    raises SurveyError   if no wheel of the package is named there
    """
    found: dict[Version, set[str]] = {}
    for name in set(re.findall(r"[\w.+%]+(?:-[\w.+%!]+){4,5}\.whl", said)):
        try:
            project, version, *_ = parse_wheel_filename(name)
        except (InvalidWheelFilename, InvalidVersion):
            continue
        if project == canonicalize_name(package) and not version.is_prerelease and not version.local:
            found.setdefault(version, set()).add(name)
    if not found:
        raise SurveyError("pip names no wheel of it; see whether pip reaches an index, then run it again")
    return max(found), sorted(found[max(found)])


def _wheels(package: str, version: Version, names: Sequence[str], asked: str) -> list[dict]:
    pythons, platforms = tags(names)
    more = {"note": f"{len(names)} wheels of {version}"}
    rows = [_row(package, "newest_release", str(version), "version", REGISTRY)]
    for metric, values, unit in (("python_versions", pythons, "versions"), ("platforms", platforms, "platforms")):
        if values == ["any"]:
            rows.append(
                _row(package, metric, "", unit, REGISTRY, note=f"one wheel of {version} for any, Python {asked}")
            )
        else:
            rows.append(_row(package, metric, len(values), unit, REGISTRY, note=f"{', '.join(values)}; {more['note']}"))
    return rows


def tags(names: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the Pythons (``3.13``, free-threaded ``3.13t``) and platforms of wheels; ``any`` where it is all one."""
    pythons, platforms = set(), set()
    for name in names:
        for tag in parse_wheel_filename(name)[3]:
            exact = re.fullmatch(r"cp3(\d+)", tag.interpreter)
            free = "t" if re.fullmatch(r"cp3\d+t", tag.abi) else ""
            pythons.add((int(exact[1]), free) if exact else (0, ""))
            known = [title for pattern, title in _PLATFORMS if re.fullmatch(pattern, tag.platform)]
            platforms.add("any" if tag.platform == "any" else known[0] if known else tag.platform)
    return [f"3.{minor}{free}" if minor else "any" for minor, free in sorted(pythons)], sorted(platforms)


def _releases(package: str, options: Options) -> list[dict]:
    metrics = {
        "releases_365d": finals,
        "minor_releases_365d": lambda versions: {v.release[:2] for v in finals(versions)},
    }
    before = (_today() - timedelta(days=365)).isoformat()
    question = ("index", "versions", package, "--ignore-requires-python")
    try:
        now = _pip(options, *question)
        then = _pip(options, *question, "--uploaded-prior-to", f"{before}T00:00:00Z")
    except SurveyError as error:
        return [_not_run(package, metric, REGISTRY, str(error)) for metric in metrics]
    return [
        _row(package, metric, len(count(now) - count(then)), "releases", REGISTRY, note=f"final, since {before}")
        for metric, count in metrics.items()
    ]


def finals(said: str) -> set[Version]:
    """Return the final releases in what ``pip index versions`` says."""
    listed = re.search(r"Available versions: (.*)", said)
    versions = [Version(text.strip()) for text in listed[1].split(",")] if listed else []
    return {version for version in versions if not version.is_prerelease and not version.local}


def _pip(options: Options, *arguments: str) -> str:
    """Return what pip says. Its words may name this machine's own index, so no message or log repeats them."""
    command = [options.pip_python or sys.executable, "-m", "pip", "--no-input", "--no-color", *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=options.timeout_s, check=False)
    except subprocess.TimeoutExpired:
        raise SurveyError("pip has not answered in time; run it again later") from None
    except OSError as error:
        raise SurveyError(f"pip cannot be started ({error.strerror}); give --pip-python") from error
    if "no such option" in done.stderr:
        raise SurveyError("needs pip 26 or newer; give --pip-python an interpreter that has it")
    if done.returncode != 0:
        raise SurveyError("pip does not get it here; see whether pip reaches an index, then run it again")
    return f"{done.stdout}\n{done.stderr}"


# -- installing --------------------------------------------------------------------------------------------------------
def installing(package: str, options: Options) -> list[dict]:
    """Return bytes to download and seconds to install what is here, from local files into a new environment."""
    own = _distribution(package)
    if own is None or not options.install:
        note = "not installed here" if own is None else "not asked for (--install); it takes minutes"
        return [_not_run(package, metric, HERE, note) for metric in ("download_mib", "install_s")]
    pinned = [f"{name}=={dist.version}" for name, dist in closure(own).items()]
    with tempfile.TemporaryDirectory(prefix="usability-") as scratch:
        wheels, fresh = Path(scratch) / "wheels", Path(scratch) / "fresh"
        slow = Options(pip_python=options.pip_python, timeout_s=1800)
        inside = Options(pip_python=str(fresh / "bin" / "python"), timeout_s=1800)
        try:
            _pip(slow, "download", "--no-deps", "--quiet", "--dest", str(wheels), *pinned)
            bytes_ = sum(path.stat().st_size for path in wheels.iterdir())
            subprocess.run([sys.executable, "-m", "venv", str(fresh)], check=True, capture_output=True)
            started = time.perf_counter()
            _pip(inside, "install", "--no-index", "--find-links", str(wheels), "--quiet", *pinned)
            seconds = time.perf_counter() - started
        except (SurveyError, subprocess.CalledProcessError) as error:
            return [_not_run(package, metric, HERE, str(error)) for metric in ("download_mib", "install_s")]
    note = f"{len(pinned)} packages of the versions installed here"
    return [
        _row(package, "download_mib", bytes_ / 2**20, "MiB", HERE, note=note),
        _row(package, "install_s", seconds, "s", HERE, runs=1, note=f"{note}, from local files, byte-compiled"),
    ]


# -- the paired programs -----------------------------------------------------------------------------------------------
def deprecations(out: Path) -> list[dict]:
    """Return the distinct deprecations that the paired programs met, from their table beside this one."""
    rows = programs.read(out / programs.TABLE)
    if not rows:
        note = "no table of the paired programs beside this one; run `usability programs` first"
        return [_not_run(program, "deprecations", PAIRED, note) for program in PROGRAMS]
    found: dict[str, set[str]] = {program: set() for program in PROGRAMS}
    for row in rows:
        if row["metric"] == "warning" and re.match(r"(PendingDeprecation|Deprecation|Future)Warning", row["note"]):
            found[row["program"]].add(row["note"])
    tasks = len({row["task"] for row in rows})
    return [
        _row(
            program, "deprecations", len(texts), "texts", PAIRED, note=" | ".join([f"in {tasks} tasks", *sorted(texts)])
        )
        for program, texts in found.items()
    ]
