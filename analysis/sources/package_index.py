"""Releases of the frameworks and their satellites: dates, wheels, requirements, and what a route costs to install.

The index that pip is set up with is asked by pip's own session (``_pip_session``), one package at a time: those of
``data/upkeep.yaml`` and no other. It answers with every file, its size and its upload date; the requirements of chosen
releases come from the metadata file that the index keeps beside a wheel (PEP 658), or, where it keeps none, from inside
the wheel, of which pip asks for the few bytes that hold it. No wheel is downloaded whole, nothing is installed. In the
same way the file is read in which a wheel of TensorFlow or PyTorch says how it was built: CUDA, and what GPUs for.

A route is resolved by ``uv pip compile`` for one Python and platform. Its bytes are the wheels that this platform would
take, one a package. Where uv is not installed the routes of the last snapshot stay, each with its own day.

Rules
    A release is final, a pre-release or a development release by its version number (PEP 440). Its day is the upload
    day of its first file. A withdrawn (yanked) file does not count, nor does a release without another. Pre-releases
    are kept where they are newer than every final release. A stable-ABI wheel (``abi3``) for Python 3.9 stands as 3.9+.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from email.parser import HeaderParser
from functools import cache
from pathlib import Path
from urllib.parse import urljoin, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from analysis.harvesting.cache import Answer
from analysis.harvesting.errors import SourceError, Violation
from analysis.harvesting.run import Finding, Piece, Plan, Run
from analysis.harvesting.snapshots import Snapshot
from analysis.sources._pip_session import PipSession
from analysis.sources._shared import mapping, note, only, sequence, shown
from reproductions.files import read_yaml, write_text
from reproductions.validation import check as check_schema

AGAIN = "run the same command again later; what was finished is kept"
ROOT = Path(__file__).resolve().parents[2]
REGISTRY, SCHEMA = ROOT / "data" / "upkeep.yaml", ROOT / "workflow" / "schemas" / "upkeep.schema.yaml"
JSON = "application/vnd.pypi.simple.v1+json"
MAX_METADATA = 1 << 20  # bytes; the longest real one has 0.4 MB
PROJECT_BYTES, METADATA_BYTES = 400_000, 60_000  # of an answer, for the plan
FROM = {"torch": "1.12", "tensorflow": "2.9", "keras": "2.9", "jax": "0.4"}  # minors whose requirements are read
PLATFORMS = (
    (r"(manylinux|musllinux|linux).*_x86_64", "linux_x86_64"),
    (r"(manylinux|musllinux|linux).*_aarch64", "linux_aarch64"),
    (r"macosx.*_arm64", "macos_arm64"),
    (r"macosx.*_(x86_64|intel)", "macos_x86_64"),
    (r"macosx.*_universal2", "macos_universal2"),
    (r"win_amd64", "windows_x86_64"),
    (r"win_arm64", "windows_arm64"),
    (r"any", "any"),
)
MACOS = "15.0"  # uv takes an older macOS otherwise, for which new wheels are not built
UV_PLATFORMS = {
    "linux_x86_64": "x86_64-manylinux_2_28",
    "macos_arm64": "aarch64-apple-darwin",
    "windows_x86_64": "x86_64-pc-windows-msvc",
}
RELEASE_COLUMNS = (
    *("package", "version", "stage", "day", "wheels", "sdist", "pythons", "platforms", "linux_tag", "requires_python"),
    *("bytes_smallest", "bytes_largest"),
)
WHEEL_COLUMNS = ("package", "python", "platform", "first_version", "first_day", "last_version", "last_day")
REQUIREMENT_COLUMNS = ("package", "version", "day", "name", "extra", "specifier")
BUILD_COLUMNS = ("package", "version", "day", "key", "value")
ROUTE_COLUMNS = ("route", "python", "platform", "package", "version", "bytes", "resolved")
#: Requirements that say what a build needs of an accelerator.
ACCELERATORS = re.compile(
    r"nvidia-.*|cuda-.*|triton.*|pytorch-triton.*|jax-.*plugin|libtpu.*|rocm.*|tpu-.*|torch-xla.*"
)


#: The file of a wheel that says how it was built, and what is asked of it.
BUILD_FILES = {
    "torch": ("torch/version.py", ("cuda", "hip")),
    "tensorflow": (
        "tensorflow/python/platform/build_info.py",
        ("cuda_version", "cudnn_version", "cuda_compute_capabilities", "is_rocm_build"),
    ),
}
ABSENT = "key absent"


@cache
def registry() -> dict:
    """Return data/upkeep.yaml: ``packages`` and ``routes``; raise SurveyError naming file, field and remedy."""
    found = read_yaml(REGISTRY)
    check_schema(found, read_yaml(SCHEMA), str(REGISTRY))
    return found


def session(run: Run) -> PipSession:
    """Return pip's session: it sends the requests of this source."""
    return PipSession(run.settings["base_url"])


# -- the four functions of a source ------------------------------------------------------------------------------------
def plan(run: Run) -> Plan:
    """Count the packages still to be asked today; which requirements are missing only the answers can tell."""
    names = list(registry()["packages"])
    routes = len(registry()["routes"])
    size = len(names) * (PROJECT_BYTES + METADATA_BYTES)
    words = f"the files of {len(names)} packages, requirements and builds not read before; {routes} routes through uv"
    return Plan(2 * len(names), size, words, exact=False)


def fetch(run: Run) -> Iterator[Piece]:
    """Yield each package's files, the metadata of the releases that count, and the resolved routes."""
    names = run.settings["packages"] or list(registry()["packages"])
    listed = {}
    for name in run.progress(names, "package"):
        answer = _project(run, name)
        listed[name] = answer
        yield Piece({"kind": "project", "name": name}, answer)
    for name, version, file in wanted({name: answer.json() for name, answer in listed.items()}):
        label = {"kind": "metadata" if file["metadata"] else "inside", "name": name, "version": version}
        yield Piece(label, _metadata(run, name, file) if file["metadata"] else _inside(run, name, version, file))
    for name, version, file in wanted_builds({name: answer.json() for name, answer in listed.items()}):
        yield Piece({"kind": "build", "name": name, "version": version}, _build(run, name, version, file))
    yield Piece({"kind": "routes"}, note(run, "routes", _routes(run)))


def extract(run: Run, pieces: Sequence[Piece]) -> Snapshot:
    """Turn the answers into releases, wheels, requirements and routes."""
    projects = {str(p.label["name"]): p.answer.json() for p in pieces if p.label.get("kind") == "project"}
    releases, wheels = [], []
    for name, content in projects.items():
        files = read_files(content, name)
        releases += release_rows(name, files)
        wheels += wheel_rows(name, files)
    days = {(row["package"], row["version"]): row["day"] for row in releases}
    needs = []
    for piece in pieces:
        if piece.label.get("kind") in ("metadata", "inside"):
            name, version = str(piece.label["name"]), str(piece.label["version"])
            told = from_metadata if piece.label["kind"] == "metadata" else from_inside
            needs += requirement_rows(name, version, days[name, version], told(piece.answer, name, version))
    builds = []
    for piece in pieces:
        if piece.label.get("kind") == "build":
            name, version = str(piece.label["name"]), str(piece.label["version"])
            builds += build_rows(
                name, version, days[name, version], mapping(piece.answer.json(), "a build").get("text")
            )
    routes = sequence(mapping(only(pieces, "routes").answer.json(), "the routes").get("rows"), "the routes")
    why = mapping(only(pieces, "routes").answer.json(), "the routes").get("why") or ""
    span = sorted(row["day"] for row in releases)
    tables = {"releases": releases, "wheels": wheels, "requirements": needs, "builds": builds, "routes": routes}
    return Snapshot(
        tables={name: rows for name, rows in tables.items() if rows},
        span=f"{span[0]}/{span[-1]}",
        upstream=f"{len(projects)} packages, {len(releases)} releases",
        notes=str(why),
    )


def check(run: Run) -> list[Finding]:
    """Ask whether the index still says sizes, upload dates and requirements, which everything here rests on."""
    content = _project(run, "torch").json()
    files = read_files(content, "torch")
    ((name, version, file), *_) = wanted({"torch": content})[::-1]
    answer = _metadata(run, name, file) if file["metadata"] else _inside(run, name, version, file)
    told = (from_metadata if file["metadata"] else from_inside)(answer, name, version)
    return [
        Finding("files of torch with size and upload date", str(len(files)), "some", bool(files)),
        Finding(f"requirements of torch {version}", str(len(told)), "some", bool(told)),
    ]


# -- asking ------------------------------------------------------------------------------------------------------------
def _project(run: Run, name: str) -> Answer:
    index = run.client._session.index
    run.client.hide(index)

    def judge(answer: Answer) -> None:
        read_files(answer.json(), name)

    return run.client.get(f"{index}/{name}/", headers={"Accept": JSON}, judge=judge)


def _metadata(run: Run, name: str, file: Mapping) -> Answer:
    address = urljoin(f"{run.client._session.index}/{name}/", f"{file['url']}.metadata")
    run.client.hide("{0.scheme}://{0.netloc}".format(urlsplit(address)))

    def judge(answer: Answer) -> None:
        found = hashlib.sha256(answer.read(MAX_METADATA)).hexdigest()
        if file["metadata"] is not True and found != file["metadata"]:
            raise Violation(f"the metadata of {shown(file['filename'])} does not have the sha256 that the index gives")

    return run.client.get(address, judge=judge, since=date.min, max_bytes=MAX_METADATA)


def _inside(run: Run, name: str, version: str, file: Mapping) -> Answer:
    """Return the requirements that stand inside a wheel: pip reads the end of the archive, and that file of it."""

    def ask(address: str) -> dict:
        told, texts = run.client._session.requirements(name, address)
        return {"info": {"version": told, "requires_dist": texts}}

    return _of_wheel(run, (name, version), file, "requirements", ask)


def _build(run: Run, name: str, version: str, file: Mapping) -> Answer:
    """Return the text of the file in which a wheel says how it was built."""
    path, _ = BUILD_FILES[name]
    return _of_wheel(
        run, (name, version), file, "build", lambda address: {"text": run.client._session.member(address, path)}
    )


def _of_wheel(run: Run, release: tuple[str, str], file: Mapping, what: str, ask: Callable[[str], dict]) -> Answer:
    """Return what ``ask`` finds in a wheel at its address; it is asked for once and kept, for a wheel never changes."""
    name, version = release
    label = f"pypi:{name}=={version} {what}"
    known = run.client.cache.find(run.client.key(label), date.min)
    if known is not None:
        return known
    address = urljoin(f"{run.client._session.index}/{name}/", file["url"])
    for wait_s in [*run.settings["backoff_s"], None]:
        try:
            with run.client.clock.turn():
                found = ask(address)
            return note(run, label, found)
        except OSError as error:
            if wait_s is None:
                why = f"the wheel's {what} cannot be read ({type(error).__name__})"
                raise SourceError("package_index", f"{name}=={version}", why, AGAIN) from None
            time.sleep(wait_s)
    raise AssertionError("unreachable: the last try returns or raises")


def wanted(listed: Mapping[str, object]) -> list[tuple[str, str, dict]]:
    """Return package, release and wheel whose metadata is read.

    The first release of every minor of a framework from ``FROM`` on, and the newest release of everything else.
    """
    found = []
    for name, content in listed.items():
        files = read_files(content, name)
        rows = release_rows(name, files)
        finals = [row for row in rows if row["stage"] == "final"]
        chosen = [row["version"] for row in (finals or rows)[-1:]]
        if name in FROM:
            first: dict[tuple, str] = {}
            for row in finals:
                if Version(row["version"]) >= Version(FROM[name]):
                    first.setdefault(Version(row["version"]).release[:2], row["version"])
            chosen = [*first.values(), *chosen]
        found += [(name, version, file) for version in dict.fromkeys(chosen) for file in _linux_wheel(files, version)]
    return found


def _linux_wheel(files: Iterable[Mapping], version: str) -> list[Mapping]:
    """Return the wheel of a release that says most of accelerators, which is the Linux one; none if it has no wheel."""
    wheels = [file for file in files if str(file["version"]) == version and file["python"] is not None]
    return sorted(wheels, key=lambda file: ("linux_x86_64" not in file["platforms"], file["filename"]))[:1]


def wanted_builds(listed: Mapping[str, object]) -> list[tuple[str, str, Mapping]]:
    """Return package, release and Linux wheel whose build is read: the first release of each minor."""
    found = []
    for name, content in listed.items():
        if name not in BUILD_FILES:
            continue
        files = read_files(content, name)
        first: dict[tuple, str] = {}
        for row in release_rows(name, files):
            if row["stage"] != "dev" and Version(row["version"]) >= Version(FROM[name]):
                first.setdefault(Version(row["version"]).release[:2], row["version"])
        for version in first.values():
            found += [
                (name, version, file) for file in _linux_wheel(files, version) if "linux_x86_64" in file["platforms"]
            ]
    return found


# -- reading -----------------------------------------------------------------------------------------------------------
def read_files(content: object, name: str) -> list[dict]:
    """Return the files that count, checked: filename, version, day, bytes, python, platforms and so on.

    raises  Violation where the answer is not about ``name`` or says no sizes and upload dates
    """
    content = mapping(content, "the index's answer")
    told = mapping(content.get("meta"), "meta").get("api-version")
    if not isinstance(told, str) or not re.fullmatch(r"1\.[1-9][0-9]?", told):
        raise Violation(f"the index speaks version {shown(told)} and says no sizes and upload dates", retry=False)
    if content.get("name") != name:
        raise Violation(f"the answer is about {shown(content.get('name'))} and not {name}")
    found = []
    for entry in (mapping(each, "a file") for each in sequence(content.get("files"), "files")):
        if entry.get("yanked"):
            continue
        filename = entry.get("filename")
        if not isinstance(filename, str) or not isinstance(entry.get("url"), str):
            raise Violation("a file has no name or address")
        parsed = _parse(filename)
        if parsed is not None:
            found.append(parsed | _file(entry, filename))
    return found


def _parse(filename: str) -> dict | None:
    """Return version, python and platforms of a file; None for eggs, installers and names that are no version."""
    try:
        if filename.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(filename)
            pythons = sorted({_python(tag.interpreter, tag.abi) for tag in tags} - {""}, key=_python_order)
            return {
                "version": version,
                "python": pythons,
                "platforms": sorted({_platform(tag.platform) for tag in tags}),
                "tags": sorted({tag.platform for tag in tags}),
            }
        if filename.endswith((".tar.gz", ".zip")):
            return {"version": parse_sdist_filename(filename)[1], "python": None, "platforms": [], "tags": []}
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return None
    return None


def _file(entry: Mapping, filename: str) -> dict:
    size, uploaded = entry.get("size"), entry.get("upload-time")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise Violation(f"{shown(filename)}: {shown(size)} is no size")
    try:
        day = datetime.fromisoformat(uploaded).date().isoformat()
    except (TypeError, ValueError) as error:
        raise Violation(f"{shown(filename)}: {shown(uploaded)} is no upload time", retry=False) from error
    told = entry.get("core-metadata", entry.get("data-dist-info-metadata"))
    digest = told.get("sha256") if isinstance(told, dict) else told
    requires = entry.get("requires-python")
    return {
        "filename": filename,
        "url": entry["url"],
        "bytes": size,
        "day": day,
        "metadata": digest if digest is True or (isinstance(digest, str) and digest) else None,
        "requires_python": requires if isinstance(requires, str) else "",
    }


def _python(interpreter: str, abi: str) -> str:
    """Return a Python as people write it: 3.13, 3.13t (free-threaded), 3.9+ (stable ABI), any; empty for others."""
    exact = re.fullmatch(r"cp3(\d{1,2})", interpreter)
    if exact:
        return f"3.{exact[1]}{'+' if abi == 'abi3' else 't' if re.fullmatch(r'cp3[0-9]+t', abi) else ''}"
    return "any" if re.fullmatch(r"py3\d*", interpreter) else ""


def _python_order(text: str) -> tuple[int, str]:
    found = re.fullmatch(r"3\.(\d+)(.*)", text)
    return (int(found[1]), found[2]) if found else (0, text)


def _platform(tag: str) -> str:
    return next((name for pattern, name in PLATFORMS if re.fullmatch(pattern, tag)), "other")


def stage(version: Version) -> str:
    """Return final, pre or dev."""
    return "dev" if version.is_devrelease else "pre" if version.is_prerelease else "final"


def release_rows(name: str, files: Iterable[Mapping]) -> list[dict]:
    """Return a release a row, oldest version first."""
    grouped: dict[Version, list[Mapping]] = {}
    for file in files:
        if file["version"].local is None:
            grouped.setdefault(file["version"], []).append(file)
    finals = [version for version in grouped if stage(version) == "final"]
    rows = []
    for version, own in sorted(grouped.items()):
        if stage(version) != "final" and finals and version < max(finals):
            continue
        wheels = [file for file in own if file["python"] is not None]
        pythons = sorted({python for file in wheels for python in file["python"]}, key=_python_order)
        sizes = [file["bytes"] for file in wheels if "linux_x86_64" in file["platforms"] or "any" in file["platforms"]]
        values = (
            *(name, str(version), stage(version), min(file["day"] for file in own), len(wheels)),
            *(int(len(wheels) < len(own)), " ".join(pythons)),
            " ".join(sorted({platform for file in wheels for platform in file["platforms"]})),
            _linux_tag(wheels),
            next((file["requires_python"] for file in own if file["requires_python"]), ""),
            *((min(sizes), max(sizes)) if sizes else (None, None)),
        )
        rows.append(dict(zip(RELEASE_COLUMNS, values, strict=True)))
    return rows


def _linux_tag(wheels: Iterable[Mapping]) -> str:
    """Return the oldest glibc that a release's x86-64 wheels ask for (``2.28``); empty where they say none."""
    older = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
    found = set()
    for tag in (tag for wheel in wheels for tag in wheel["tags"]):
        if match := re.fullmatch(r"manylinux_(\d+)_(\d+)_x86_64", tag):
            found.add((int(match[1]), int(match[2])))
        elif match := re.fullmatch(r"(manylinux\d+)_x86_64", tag):
            found.add(older.get(match[1], (0, 0)))
    return "{}.{}".format(*min(found)) if found else ""


def wheel_rows(name: str, files: Iterable[Mapping]) -> list[dict]:
    """Return a row for each Python and platform: in which final release its wheels came first and last."""
    found: dict[tuple[str, str], list[tuple[str, Version]]] = {}
    for file in files:
        if file["python"] is None or stage(file["version"]) != "final" or file["version"].local is not None:
            continue
        for python in file["python"]:
            for platform in file["platforms"]:
                found.setdefault((python, platform), []).append((file["day"], file["version"]))
    rows = []
    for (python, platform), dated in sorted(found.items(), key=lambda item: (_python_order(item[0][0]), item[0][1])):
        first, last = min(dated), max(dated, key=lambda pair: pair[1])
        values = (name, python, platform, str(first[1]), first[0], str(last[1]), last[0])
        rows.append(dict(zip(WHEEL_COLUMNS, values, strict=True)))
    return rows


def from_metadata(answer: Answer, name: str, version: str) -> list[str]:
    """Return the requirements of a METADATA file; raises Violation where it is of another release."""
    head = HeaderParser().parsestr(answer.read(MAX_METADATA).split(b"\n\n", 1)[0].decode("utf-8", "replace"))
    _same_release(name, version, head.get("Version"))
    return head.get_all("Requires-Dist") or []


def from_inside(answer: Answer, name: str, version: str) -> list[str]:
    """Return the requirements that were read inside a wheel; raises Violation where it is of another release."""
    about = mapping(mapping(answer.json(), "the release").get("info"), "info")
    _same_release(name, version, about.get("version"))
    found = sequence(about.get("requires_dist") or [], "requires_dist")
    if not all(isinstance(text, str) for text in found):
        raise Violation(f"the requirements of {name} {version} are no texts")
    return found


def _same_release(name: str, version: str, told: object) -> None:
    try:
        same = isinstance(told, str) and Version(told) == Version(version)
    except InvalidVersion:
        same = False
    if not same:
        raise Violation(f"the requirements of {name} {version} are of version {shown(told)}")


def requirement_rows(name: str, version: str, day: str, texts: Iterable[str]) -> list[dict]:
    """Return the requirements that name a framework of the registry or say something of an accelerator."""
    frameworks = {own for own, entry in registry()["packages"].items() if entry["kind"] == "framework"}
    rows = []
    for text in texts:
        try:
            needed = Requirement(text)
        except InvalidRequirement:
            continue
        own = needed.name.lower().replace("_", "-")
        extra = re.search(r"extra\s*==\s*['\"]([\w.-]+)['\"]", str(needed.marker or ""))
        if own not in {*frameworks, "tensorflow-cpu"} and not ACCELERATORS.fullmatch(own):
            continue
        bracket = f"[{','.join(sorted(needed.extras))}]" if needed.extras else ""
        values = (name, version, day, own + bracket, extra[1] if extra else "", str(needed.specifier))
        row = dict(zip(REQUIREMENT_COLUMNS, values, strict=True))
        rows += [row] if row not in rows else []
    # A release that asks for none of these says so.
    nothing = dict(zip(REQUIREMENT_COLUMNS, (name, version, day, "", "", ""), strict=True))
    return rows or [nothing]


# -- builds -----------------------------------------------------------------------------------------------------------
def build_rows(name: str, version: str, day: str, text: object) -> list[dict]:
    """Return what a wheel says of its build, a key a row; a key that is gone, or the whole file, is an answer.

    raises  Violation where the file is there and cannot be read as what it was
    """
    path, keys = BUILD_FILES[name]
    values = _literals(name, version, text) if isinstance(text, str) else {}
    return [
        dict(zip(BUILD_COLUMNS, (name, version, day, f"{path} {key}", said(values, key)), strict=True)) for key in keys
    ]


def said(values: Mapping, key: str) -> str:
    """Return a value as a person writes it; ``key absent`` where there is none."""
    if key not in values:
        return ABSENT
    value = values[key]
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "none"
    return "none" if value in (None, "") else str(value)


def _literals(name: str, version: str, text: str) -> dict:
    """Return the names that a module gives plain values, and the pairs of a dictionary that it calls build_info."""
    found: dict = {}
    try:
        tree = ast.parse(text)
        for node in tree.body:
            target = (
                node.target
                if isinstance(node, ast.AnnAssign)
                else node.targets[0]
                if isinstance(node, ast.Assign)
                else None
            )
            if not isinstance(target, ast.Name) or node.value is None:
                continue
            if isinstance(node.value, ast.Call):
                if target.id == "build_info" and node.value.args:
                    found |= dict(ast.literal_eval(node.value.args[0]))
            elif isinstance(node.value, ast.Dict) and target.id == "build_info":
                found |= ast.literal_eval(node.value)
            elif isinstance(node.value, ast.Constant):
                found[target.id] = node.value.value
    except (SyntaxError, ValueError, TypeError) as error:
        raise Violation(
            f"the build of {name} {version} cannot be read ({type(error).__name__})", retry=False
        ) from error
    return found


# -- routes ------------------------------------------------------------------------------------------------------------
def _routes(run: Run) -> dict:
    """Return the rows of the routes, and why they are not of today where they are not."""
    client = uv_command()
    standing = run.latest()
    if client is None or not run.settings["routes"]:
        rows = standing.rows("routes") if standing else []
        why = "uv is not installed" if client is None else "they were not asked for"
        return {"rows": rows, "why": f"the routes were not resolved anew: {why}"}
    rows = []
    chosen = registry()["routes"]
    for name in run.progress(list(chosen), "route"):
        rows += resolve(run, client, name, chosen[name])
    return {"rows": rows, "why": ""}


def uv_command() -> list[str] | None:
    """Return how uv is started here, or None."""
    if importlib.util.find_spec("uv"):
        return [sys.executable, "-m", "uv"]
    found = shutil.which("uv")
    return [found] if found else None


def resolve(run: Run, client: Sequence[str], name: str, route: Mapping) -> list[dict]:
    """Return what a route installs, a package a row; raises SourceError where uv cannot say."""
    needs = run.work / "route.in"
    out = run.work / "pylock.route.toml"
    write_text(needs, "\n".join(route["needs"]) + "\n")
    out.unlink(missing_ok=True)
    command = [*client, "pip", "compile", str(needs), "--no-config", "--quiet", "--format=pylock.toml"]
    command += ["--only-binary=:all:", f"--python-version={route['python']}"]
    command += [f"--python-platform={UV_PLATFORMS[route['platform']]}", f"--output-file={out}"]
    command += [f"--default-index={run.client._session.index}"]
    remedy = "see whether uv reaches the index, then run it again"
    try:
        with run.client.clock.turn():
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                timeout=run.settings["deadline_s"],
                env=os.environ | {"MACOSX_DEPLOYMENT_TARGET": MACOS},
                check=False,
            )
    except (subprocess.TimeoutExpired, OSError) as error:
        raise SourceError(
            "package_index", f"route {name}", f"uv did not end ({type(error).__name__})", remedy
        ) from None
    if done.returncode != 0 or not out.is_file():
        # uv's words may name this machine's index, so they stay out of the message.
        raise SourceError("package_index", f"route {name}", "uv finds no set of packages for it", remedy)
    return route_rows(name, route, out.read_text(encoding="utf-8"), run.today.isoformat())


def route_rows(name: str, route: Mapping, lock: str, day: str) -> list[dict]:
    """Read a ``pylock.toml`` (PEP 751): for each package the wheel that this Python and platform would take.

    raises  Violation where a package has no such wheel, or the lock gives no sizes
    """
    rows = []
    for package in tomllib.loads(lock).get("packages", []):
        best = None
        for wheel in package.get("wheels", []):
            filename = wheel.get("name") or urlsplit(wheel["url"]).path.rpartition("/")[2]
            parsed = _parse(filename.replace("%2B", "+"))
            rank = _fit(parsed, route) if parsed else None
            if rank is not None and (best is None or rank > best[0]):
                best = (rank, wheel)
        if best is None:
            raise Violation(f"route {name}: {shown(package.get('name'))} has no wheel for {route['platform']}")
        size = best[1].get("size")
        if not isinstance(size, int):
            raise Violation(f"route {name}: the lock gives no size of {shown(package.get('name'))}")
        values = (name, route["python"], route["platform"], package["name"], package["version"], size, day)
        rows.append(dict(zip(ROUTE_COLUMNS, values, strict=True)))
    return rows


def _fit(parsed: Mapping, route: Mapping) -> tuple | None:
    """Return how well a wheel fits a route, larger is better; None where it does not.

    An exact Python goes before the stable ABI and that before any; of several glibc baselines the newest up to 2.28,
    which is what the resolver was told; musl never fits.
    """
    wanted = int(route["python"].partition(".")[2])
    pythons = []
    for python in parsed["python"]:
        minor = _python_order(python)[0]
        if python == route["python"]:
            pythons.append((3, minor))
        elif python.endswith("+") and minor <= wanted:
            pythons.append((2, minor))
        elif python == "any":
            pythons.append((1, 0))
    tags = []
    for tag in parsed["tags"]:
        if tag == "any":
            tags.append((0, 0))
        elif (
            tag.startswith("musllinux")
            or _platform(tag) not in (route["platform"], "macos_universal2")
            or (_platform(tag) == "macos_universal2" and not route["platform"].startswith("macos"))
        ):
            continue
        else:
            glibc = re.search(r"manylinux_(\d+)_(\d+)_", tag)
            version = (int(glibc[1]), int(glibc[2])) if glibc else (1, 0)
            tags += [version] if version <= (2, 28) else []
    return (max(pythons), max(tags)) if pythons and tags else None
