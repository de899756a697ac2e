"""Which packages a manifest asks for: requirements, setup.py, setup.cfg, pyproject.toml, Pipfile, conda files.

Nothing is executed and no YAML is loaded: conda files are read by lines, so anchors and aliases mean nothing here.
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from itertools import islice

from analysis.detecting.imports import Unreadable, decode, without_comments

_REQUIREMENT = re.compile(r"(?:[\w.-]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)[ \t]*(?:\[[^\]]*\])?[ \t]*([^;#]*)")
_WHEEL = re.compile(r"/([A-Za-z0-9_.]+)-(\d[^-/]*)-[^/]*\.whl\b")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_REQUIREMENTS = re.compile(r"(?i)(?:.*[-_.])?require(?:ments?|s)?[^/]*\.(?:txt|in|pip)")
_CONDA = re.compile(r"(?i)(?:.*[-_.])?(?:conda|env(?:ironment)?s?)(?:[-_.].*)?\.ya?ml")
_SECTION = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(.*)")
_ITEM = re.compile(r"[ \t]*-[ \t]+['\"]?([^'\"]*)")
_ASKED = re.compile(
    r"(?:install_requires|extras_require|setup_requires|tests_require)['\"]?[ \t]*[=:][ \t]*([A-Za-z_]\w{0,80}|[\[({])"
)
_QUOTED = re.compile(r"""(['"])([A-Za-z0-9][^'"\n]{0,200})\1(?!\s*:)""")
_BRACKET = re.compile(r"""[\[({\])}]|'[^'\n]*'|"[^"\n]*\"""")
MOST_LISTS = 20
LONGEST = 1 << 18  # bytes of a manifest
_CHAIN = re.compile(r"(?:[A-Za-z0-9_\"'-]{1,80}[ \t]*\.[ \t]*){40}")  # a dotted key that takes TOML's reader for ever
LONGEST_LIST = 20_000  # characters of a list of requirements
SETUP_KEYS = ("install_requires", "extras_require", "setup_requires", "tests_require")

Packages = dict[str, str]  # {name in lower case with hyphens: what is said of its release}


def is_manifest(path: str) -> bool:
    """Return whether a path has the name of a manifest that :func:`packages` reads."""
    return _reader(path) is not None


def packages(path: str, content: bytes) -> Packages:
    """Return the packages that a manifest asks for, with what it says of their releases.

    raises  Unreadable if the content is not of the kind that the name says
    """
    reader = _reader(path)
    found: Packages = {}
    if len(content) > LONGEST:
        raise Unreadable(f"longer than {LONGEST} bytes")
    try:
        for line in reader(decode(content)):
            name, release = _split(line)
            if name:
                found[name] = found.get(name) or release
    except (ValueError, TypeError, AttributeError, RecursionError, MemoryError, configparser.Error) as error:
        raise Unreadable(f"not a {path.rpartition('/')[2]}: {type(error).__name__}") from error
    return found


def _reader(path: str) -> Callable[[str], Iterator[str]] | None:
    folder, _, name = path.rpartition("/")
    if name in _EXACT:
        return _EXACT[name]
    if not name.lower().endswith(_ENDINGS):
        return None
    if _REQUIREMENTS.fullmatch(name) or (folder.rpartition("/")[2] == "requirements" and name.endswith(".txt")):
        return _requirements
    return _conda if _CONDA.fullmatch(name) else None


def _split(line: str) -> tuple[str, str]:
    """Return the normalised name and the rest of one requirement, or two empty strings."""
    line = line.strip()
    if line.startswith("-") and not line.startswith(("-e", "--editable")):
        return "", ""
    wheel, egg = _WHEEL.search(line), _EGG.search(line)
    if wheel or egg:
        name, release = (wheel[1], f"=={wheel[2]}") if wheel else (egg[1], "")
    else:
        match = _REQUIREMENT.match(line)
        if not match or "://" in line.split("@")[0] or line.startswith("-"):
            return "", ""
        name, release = match[1], match[2].strip()
    return re.sub(r"[-_.]+", "-", name).lower(), release[:80]


def _requirements(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield line.split(" #")[0].strip() if not line.lstrip().startswith("#") else ""


def _conda(text: str) -> Iterator[str]:
    """Yield the items below ``dependencies:`` and its ``pip:``; channels carry framework names as well."""
    section = ""
    for line in text.splitlines():
        head = _SECTION.match(line)
        if head:
            section = head[1]
            if section == "dependencies" and head[2].strip().startswith("["):
                yield from (part.strip(" []'\"") for part in head[2].split(","))
            continue
        item = _ITEM.match(line)
        if section == "dependencies" and item and not item[1].rstrip().endswith(":"):
            yield item[1].split(" #")[0]


def _setup_py(text: str) -> Iterator[str]:
    """Yield the quoted words of the lists of requirements, written in place or assigned to a name before."""
    code = without_comments(text, keep_strings=True)
    for match in islice(_ASKED.finditer(code), MOST_LISTS):
        start = match.end()
        if match[1].isidentifier():
            assigned = re.search(rf"^{match[1]}[ \t]*=[ \t]*[\[({{]", code, re.M)
            start = assigned.end() if assigned else len(code)
        yield from (words for _, words in _QUOTED.findall(_to_closing(code[start : start + LONGEST_LIST])))


def _to_closing(code: str) -> str:
    """Return what stands before the bracket that closes the one before ``code``."""
    depth = 1
    for match in _BRACKET.finditer(code):
        depth += (match[0] in "[({") - (match[0] in "])}")
        if depth == 0:
            return code[: match.start()]
    return code


def _setup_cfg(text: str) -> Iterator[str]:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.read_string(text)
    for section in parser.sections():
        for key, value in parser.items(section):
            if (section == "options" and key in SETUP_KEYS) or section == "options.extras_require":
                yield from (value or "").splitlines()


def _pyproject(text: str) -> Iterator[str]:
    content = _toml(text)
    project, tool = _mapping(content.get("project")), _mapping(content.get("tool"))
    yield from _strings(project.get("dependencies"))
    for group in (project.get("optional-dependencies"), content.get("dependency-groups")):
        for entries in _mapping(group).values():
            yield from _strings(entries)
    yield from _strings(_mapping(content.get("build-system")).get("requires"))
    poetry = _mapping(tool.get("poetry"))
    groups = [_mapping(group).get("dependencies") for group in _mapping(poetry.get("group")).values()]
    for entries in (poetry.get("dependencies"), poetry.get("dev-dependencies"), *groups):
        yield from _table(entries)
    pixi = _mapping(tool.get("pixi"))
    yield from _table(pixi.get("dependencies"))
    yield from _table(pixi.get("pypi-dependencies"))


def _toml(text: str) -> dict:
    if _CHAIN.search(text):
        raise ValueError("a key of too many parts")
    return tomllib.loads(text)


def _pipfile(text: str) -> Iterator[str]:
    content = _toml(text)
    yield from _table(content.get("packages"))
    yield from _table(content.get("dev-packages"))


def _table(entries: object) -> Iterator[str]:
    """Yield ``name release`` for a table of packages."""
    for name, value in _mapping(entries).items():
        release = value.get("version") if isinstance(value, dict) else value
        yield f"{name} {release if isinstance(release, str) else ''}"


def _mapping(value: object) -> Mapping:
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> Iterator[str]:
    yield from (part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


_EXACT = {"setup.py": _setup_py, "setup.cfg": _setup_cfg, "pyproject.toml": _pyproject, "Pipfile": _pipfile}
_ENDINGS = (".txt", ".in", ".pip", ".yml", ".yaml")
