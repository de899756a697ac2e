"""The sources: the entries of ``data/sources.yaml``, with the configuration laid over their settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

from reproductions.errors import SurveyError
from reproductions.files import read_yaml
from reproductions.validation import suggest

SOURCES_YAML = Path(__file__).resolve().parents[2] / "data" / "sources.yaml"
ENABLED = "enabled"
#: What a module of a source must define, and what an entry must say: the rest has a value in ``common``.
FUNCTIONS = ("plan", "fetch", "extract", "check")
NEEDED = ("title", "gives", "what_is_counted", "publisher", "licence", "terms", "caveats")


@dataclass(frozen=True)
class Source:
    """An entry of ``data/sources.yaml``; the fields are explained at the top of that file."""

    id: str
    title: str
    gives: str
    what_is_counted: str
    publisher: str
    licence: str
    settings: Mapping
    terms: str = ""
    caveats: str = ""
    breaks: str = ""
    indicator: str | None = None
    defines: Mapping = field(default_factory=dict)
    enabled: bool = True
    why_off: str | None = None
    key: str | None = None
    supersedes: tuple[str, ...] = ()
    bound: float = 0.05

    def module(self) -> ModuleType:
        """Import ``analysis.sources.<id>``; raise SurveyError where it is absent or lacks one of its functions."""
        import importlib
        import importlib.util

        path = f"analysis/sources/{self.id}.py"
        if importlib.util.find_spec(f"analysis.sources.{self.id}") is None:
            raise SurveyError(f"{self.id}: {path} is absent; write the module, analysis/sources/README.md says how")
        module = importlib.import_module(f"analysis.sources.{self.id}")
        if lacking := [name for name in FUNCTIONS if not callable(getattr(module, name, None))]:
            raise SurveyError(
                f"{self.id}: {path} has no {', '.join(lacking)}; analysis/sources/README.md says what each does"
            )
        return module

    def part(self, name: str) -> object | None:
        """Return what the source's module calls ``name``; None without it, or where a caller reads without a module."""
        import importlib.util

        there = importlib.util.find_spec(f"analysis.sources.{self.id}")
        return getattr(self.module(), name, None) if there else None

    @property
    def clock(self) -> str:
        """Name of the clock whose turns its requests take."""
        return self.settings["clock"] or urlsplit(self.settings["base_url"]).netloc


@cache
def entries(path: Path = SOURCES_YAML) -> dict[str, dict]:
    """Return ``{id: entry}`` with the common values filled in, in the order of the file."""
    shared = common(path)
    return {
        name: {**shared, **entry, "settings": {**shared["settings"], **entry.get("settings", {})}}
        for name, entry in (_content(path)["sources"] or {}).items()
    }


def common(path: Path = SOURCES_YAML) -> dict:
    """Return what every entry has unless it says otherwise."""
    return _content(path)["common"]


@cache
def _content(path: Path) -> dict:
    return read_yaml(path)


def sources(configured: Mapping[str, Mapping] | None = None, where: str = "configuration") -> dict[str, Source]:
    """Return every source, its settings overlaid with ``configured`` (the config key ``sources``).

    raises  SurveyError naming the key that is wrong and the remedy
    """
    configured = configured or {}
    known = entries()
    for name, own in configured.items():
        if name not in known:
            raise SurveyError(f"{where}: sources.{name}: no such source; {suggest(name, list(known))}")
        if not isinstance(own, Mapping):
            raise SurveyError(f"{where}: sources.{name}: {own!r} is not a mapping of settings; write {{key: value}}")
    return {name: _source(name, entry, configured.get(name, {}), where) for name, entry in known.items()}


def find(name: str, configured: Mapping[str, Mapping] | None = None) -> Source:
    """Return one source; raises SurveyError with a suggestion if there is none of that name."""
    known = sources(configured)
    if name not in known:
        raise SurveyError(f"{name}: no such source; {suggest(name, list(known))}")
    return known[name]


def _source(name: str, entry: Mapping, configured: Mapping, where: str) -> Source:
    _check(name, entry)
    settings = dict(entry["settings"])
    for key, value in configured.items():
        if key not in (ENABLED, *settings):
            hint = suggest(key, [ENABLED, *settings])
            raise SurveyError(f"{where}: sources.{name}.{key}: unknown setting; {hint}")
        default = entry[ENABLED] if key == ENABLED else settings[key]
        if not _fits(value, default):
            kind = type(default).__name__
            raise SurveyError(f"{where}: sources.{name}.{key}: {value!r} is not of the kind of its default, {kind}")
        if key != ENABLED:
            settings[key] = value
    own = {key: value for key, value in entry.items() if key not in ("settings", "supersedes", ENABLED)}
    return Source(
        id=name,
        settings=settings,
        supersedes=tuple(entry["supersedes"]) or (name,),
        enabled=configured.get(ENABLED, entry[ENABLED]),
        **own,
    )


def _check(name: str, entry: Mapping) -> None:
    """Raise SurveyError for an entry that has a key too many, or says nothing where the page needs words."""
    known = [field.name for field in fields(Source) if field.name != "id"]
    faults = [f"{key}: unknown key; {suggest(key, known)}" for key in entry if key not in known]
    faults += [f"{key}: missing; say it in a line" for key in NEEDED if not entry.get(key)]
    if "base_url" not in entry["settings"]:
        faults.append("settings.base_url: missing; say where the source is asked")
    if faults:
        raise SurveyError("\n".join(f"{SOURCES_YAML}: sources.{name}.{fault}" for fault in faults))


def _fits(value: object, default: object) -> bool:
    """Return whether a value may stand where the default stands: null fits where it is the default."""
    if default is None or value is None:
        return True
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, int | float):
        return isinstance(value, int | float) and value >= 0
    return isinstance(value, type(default))
