"""What each adoption indicator counts: the knowledge of ``analysis/indicators.yaml`` as frozen records."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from analysis.harvesting import registry
from analysis.periods import FORMS, parse_breaks
from reproductions.errors import SurveyError
from reproductions.files import read_yaml

INDICATORS_YAML = Path(__file__).with_name("indicators.yaml")
SPLITS = ("none", "stratum", "source")


class IndicatorError(SurveyError, ValueError):
    """An entry is at fault; the text names the file, the entry and the key."""


@dataclass(frozen=True)
class Side:
    """The rows that count for one framework: the first framework and stratum are needed, the others added."""

    frameworks: tuple[str, ...]
    strata: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rule:
    """One way of telling the two frameworks apart."""

    id: str
    label: str
    pytorch: Side
    tensorflow: Side


@dataclass(frozen=True)
class Layout:
    """How the rows become series: split by stratum, by source or not; as they are or pooled into years."""

    split: str
    name: str
    pool: str | None = None


@dataclass(frozen=True)
class Indicator:
    """An entry of ``indicators.yaml``; the fields are explained at the top of that file."""

    id: str
    title: str
    short: str
    unit: str
    grain: str
    naming: str
    interval: bool
    rules: tuple[Rule, ...]
    series: tuple[Layout, ...]
    headline: tuple[str, ...]
    no_interval: str = ""
    whole: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    breaks: str = ""

    @property
    def default_rule(self) -> Rule:
        """The rule that statements are made by, unless another is named."""
        return self.rules[0]


@cache
def load_indicators(path: Path | str = INDICATORS_YAML) -> dict[str, Indicator]:
    """Return ``{id: Indicator}`` in the order of the file, then those that the sources' registry defines.

    raises  IndicatorError naming the file, the entry and the key that is wrong
    """
    entries = read_yaml(path)
    defined = {name: entry for source in registry.entries().values() for name, entry in source["defines"].items()}
    indicators = {}
    for name, entry in (entries | defined).items():
        where = registry.SOURCES_YAML if name in defined else path
        try:
            if name in entries and name in defined:
                raise ValueError("is defined a second time")
            indicators[name] = _indicator(name, entry)
        except (TypeError, KeyError, ValueError) as error:
            raise IndicatorError(
                f"{where}: {name}: {_said(error)}; the head of {INDICATORS_YAML} says what is"
            ) from error
    return indicators


def _said(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _indicator(name: str, entry: dict) -> Indicator:
    entry = dict(entry)
    rules = tuple(
        Rule(**{**rule, "pytorch": _side(rule["pytorch"]), "tensorflow": _side(rule["tensorflow"])})
        for rule in entry.pop("rules")
    )
    series = tuple(Layout(**layout) for layout in entry.pop("series"))
    lists = {key: tuple(entry.pop(key, ())) for key in ("headline", "whole", "partial")}
    indicator = Indicator(id=name, rules=rules, series=series, **lists, **entry)
    if indicator.grain not in FORMS:
        raise ValueError(f"grain {indicator.grain!r} is not one of {', '.join(FORMS)}")
    if indicator.naming not in ("disjoint", "overlapping"):
        raise ValueError(f"naming {indicator.naming!r} is not disjoint or overlapping")
    if not indicator.interval and not indicator.no_interval:
        raise ValueError("interval is false, but no_interval gives no reason")
    for layout in series:
        if layout.split not in SPLITS or layout.pool not in (None, "year"):
            raise ValueError(f"series {layout.name!r}: split is one of {', '.join(SPLITS)}, pool is year or left out")
    parse_breaks(indicator.breaks)
    return indicator


def _side(side: dict) -> Side:
    return Side(**{key: tuple(values) for key, values in side.items()})
