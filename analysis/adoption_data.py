"""Reading the embedded adoption figures: every row is checked before anything is counted."""

from __future__ import annotations

import csv
import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pandas as pd
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from analysis.harvesting.snapshots import Version, latest
from analysis.indicators import Indicator, load_indicators
from analysis.periods import FORMS, parse_breaks, parse_period, parse_span
from reproductions.files import read_yaml

SHOWN = 20
FIX = "fix the row or remove it"

Row = dict[str, object]
Fault = tuple[int, str]  # the row as a spreadsheet numbers it (the header is row 1), and what is wrong with it


class AdoptionDataError(ValueError):
    """One or more faults of the adoption data, a line each: file, row, what is wrong, what to do."""

    def __init__(self, faults: Iterable[str]):
        self.faults = tuple(faults)
        more = len(self.faults) - SHOWN
        lines = [*self.faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]
        super().__init__("\n".join(lines))


def read_figures(
    figures_csv: Path | str,
    sources_csv: Path | str,
    schemas_dir: Path | str,
    indicators: Mapping[str, Indicator] | None = None,
    snapshots: Path | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the checked figures and their sources.

    figures_csv   rows of counts; columns as in ``adoption_figures.schema.yaml``
    sources_csv   one row a source; columns as in ``adoption_sources.schema.yaml``
    schemas_dir   the folder that holds the two schemas
    indicators    what may be counted (default: ``analysis/indicators.yaml`` and the sources' registry)
    snapshots     folder of the dated snapshots; the latest of a source takes the place of what it supersedes
    returns       figures (count as int64, total as Int64, the rest as text) and sources (all text)
    raises        AdoptionDataError with every fault of all files, the first 20 written out
    """
    indicators = load_indicators() if indicators is None else indicators
    sources, faults = read_rows(Path(sources_csv), Path(schemas_dir) / "adoption_sources.schema.yaml")
    faults += _report(sources_csv, _source_faults(sources, indicators))
    figures, figure_faults = read_rows(Path(figures_csv), Path(schemas_dir) / "adoption_figures.schema.yaml")
    faults += figure_faults
    if sources:
        faults += _report(figures_csv, _figure_faults(figures, sources, indicators))
    own, rows = [row for _, row in sources], [row for _, row in figures]
    for version in _latest(snapshots):
        replaced = [row for row in own if row["source"] in version.provenance["supersedes"]]
        if any(row["retrieved"] > version.provenance["retrieved"] for row in replaced):
            continue  # the embedded figures are newer
        superseded = {row["source"] for row in replaced}
        path = version.folder / "figures.csv"
        new, new_source, new_faults = _read_snapshot(path, version.provenance, Path(schemas_dir), indicators)
        faults += new_faults
        own = [row for row in own if row["source"] not in superseded] + [new_source]
        rows = [row for row in rows if row["source"] not in superseded] + new
    if faults:
        raise AdoptionDataError(faults)
    frame = pd.DataFrame(rows)
    return frame.astype({"count": "int64", "total": "Int64"}), pd.DataFrame(own)


def check_snapshot(figures_csv: Path, provenance: Mapping, schemas_dir: Path) -> None:
    """Raise AdoptionDataError with every fault of a snapshot's figures."""
    _, _, faults = _read_snapshot(figures_csv, provenance, schemas_dir, load_indicators())
    if faults:
        raise AdoptionDataError(faults)


def _latest(snapshots: Path | None) -> Iterator[Version]:
    """Yield the newest snapshot of each source that gives figures."""
    for folder in sorted(Path(snapshots).iterdir()) if snapshots and Path(snapshots).is_dir() else ():
        version = latest(folder.parent, folder.name)
        if version is not None and "figures.csv" in version.provenance["files"]:
            version.rows("figures")  # raises if the file is not what was landed
            yield version


def _read_snapshot(
    figures_csv: Path, provenance: Mapping, schemas_dir: Path, indicators: Mapping[str, Indicator]
) -> tuple[list[Row], Row, list[str]]:
    """Return the rows of a snapshot, its source as a row of adoption_sources.csv, and what is wrong with either."""
    schema = read_yaml(schemas_dir / "adoption_sources.schema.yaml")
    source = {name: provenance.get(name) or "" for name in schema["properties"]}
    source["caveats"] = "; ".join(filter(None, (source["caveats"], provenance.get("notes"))))
    place = figures_csv.with_name("provenance.json")
    faults = [f"{place}: {_explain(error, schema)}" for error in Draft202012Validator(schema).iter_errors(source)] + [
        f"{place}: {fault}" for _, fault in _source_faults([(0, source)], indicators)
    ]
    rows, row_faults = read_rows(figures_csv, schemas_dir / "adoption_figures.schema.yaml")
    faults += row_faults + _report(figures_csv, _figure_faults(rows, [(0, source)], indicators))
    return [row for _, row in rows], source, faults


def read_quotes(quotes_csv: Path | str, schemas_dir: Path | str) -> pd.DataFrame:
    """Return the quoted shares (percentages as float, ``as_of`` as text).

    raises  AdoptionDataError with every fault, the first 20 written out
    """
    quotes, faults = read_rows(Path(quotes_csv), Path(schemas_dir) / "adoption_quotes.schema.yaml")
    faults += _report(quotes_csv, _repeats(quotes, ("quote",)))
    for number, row in quotes:
        try:
            parse_period(str(row["as_of"]))
        except ValueError as error:
            faults += _report(quotes_csv, [(number, f'as_of "{row["as_of"]}" is not a date ({error}); {FIX}')])
    if faults:
        raise AdoptionDataError(faults)
    return pd.DataFrame([row for _, row in quotes]).astype({"pytorch_percent": float, "tensorflow_percent": float})


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``did you mean "pytorch"?``, or the list of what is known when nothing is close."""
    known = sorted(known)
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"


def read_rows(path: Path, schema_path: Path) -> tuple[list[tuple[int, Row]], list[str]]:
    """Return the rows that satisfy the schema, with their row numbers, and one message for each fault."""
    schema = read_yaml(schema_path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        return [], [f"{path}: no such file; restore it from the repository"]
    except UnicodeDecodeError as error:
        return [], [f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"]
    records = list(csv.reader(text.splitlines(keepends=True)))
    if len(records) < 2:
        return [], [f"{path}: no rows; restore the file from the repository"]
    header = records[0]
    if faults := list(_header_faults(header, schema)):
        return [], _report(path, faults)
    validator = Draft202012Validator(schema)
    rows, found = [], []
    for number, record in enumerate(records[1:], start=2):
        if len(record) != len(header):
            found.append((number, f"{len(record)} fields instead of {len(header)}; {FIX} (quote commas)"))
            continue
        row = {name: _value(text, schema["properties"][name]) for name, text in zip(header, record, strict=True)}
        faults = [(number, _explain(error, schema)) for error in validator.iter_errors(row)]
        found += faults
        if not faults:
            rows.append((number, row))
    return rows, _report(path, found)


def _header_faults(header: list[str], schema: Mapping) -> Iterator[Fault]:
    known = list(schema["properties"])
    for name in header:
        if name not in known:
            yield 1, f'column "{name}" is not known; {did_you_mean(name, known)}; rename the column or remove it'
    for name in known:
        if name not in header:
            yield 1, f'column "{name}" is missing; add it'
    for name in sorted({name for name in header if header.count(name) > 1}):
        yield 1, f'column "{name}" stands twice; keep one'


def _value(text: str, field: Mapping) -> object:
    """Return the text as the number or null that the schema asks for, or unchanged where it is neither."""
    kinds = field.get("type", "string")
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if text == "" and "null" in kinds:
        return None
    for kind, convert in (("integer", int), ("number", float)):
        if kind in kinds:
            try:
                return convert(text)
            except ValueError:
                return text
    return text


def _explain(error: ValidationError, schema: Mapping) -> str:
    field, value, rule = error.absolute_path[0], error.instance, error.validator_value
    shown = f'"{value}"' if isinstance(value, str) else value
    if value in ("", None):
        return f"{field} is empty; {FIX}"
    if field in ("period", "as_of"):
        return f"{field} {shown} is not a period; write it like {', '.join(FORMS.values())}"
    words = {
        "type": lambda: f"is not a {'whole number' if 'integer' in rule else 'number'}",
        "minimum": lambda: f"is below {rule}",
        "maximum": lambda: f"is above {rule}",
        "enum": lambda: f"is not known; {did_you_mean(str(value), rule)}",
    }
    meaning = schema["properties"][field].get("description", f"must match {rule}")
    return f"{field} {shown} {words.get(error.validator, lambda: f'is malformed ({meaning})')()}; {FIX}"


def _report(path: Path | str, faults: Iterable[Fault]) -> list[str]:
    return [f"{path}: row {number}: {fault}" for number, fault in sorted(faults)]


def _repeats(rows: Iterable[tuple[int, Row]], key: tuple[str, ...]) -> Iterator[Fault]:
    first: dict[tuple, int] = {}
    for number, row in rows:
        earlier = first.setdefault(tuple(row[name] for name in key), number)
        if earlier != number:
            yield number, f"repeats row {earlier} (same {', '.join(key)}); keep one of the two"


def _no_indicator(row: Row, indicators: Mapping[str, Indicator]) -> str:
    named = str(row["indicator"])
    remedy = f"{did_you_mean(named, indicators)}; or define it in analysis/indicators.yaml"
    return f'indicator "{named}" is not known; {remedy}'


def _source_faults(sources: list[tuple[int, Row]], indicators: Mapping[str, Indicator]) -> Iterator[Fault]:
    yield from _repeats(sources, ("source",))
    checks: tuple[tuple[str, Callable], ...] = (
        ("retrieved", parse_period),
        ("span", parse_span),
        ("breaks", parse_breaks),
    )
    for number, row in sources:
        if row["indicator"] not in indicators:
            yield number, _no_indicator(row, indicators)
        for field, parse in checks:
            try:
                parse(row[field])
            except ValueError as error:
                yield number, f'{field} "{row[field]}" cannot be read ({error}); {FIX}'


def _figure_faults(
    figures: list[tuple[int, Row]], sources: list[tuple[int, Row]], indicators: Mapping[str, Indicator]
) -> Iterator[Fault]:
    by_id = {row["source"]: row for _, row in sources}
    yield from _repeats(figures, ("indicator", "period", "stratum", "framework", "source"))
    period_faults: dict[tuple, str | None] = {}
    for number, row in figures:
        if row["total"] is not None and row["count"] > row["total"]:
            yield number, f"count {row['count']} exceeds total {row['total']}; {FIX}"
        if row["indicator"] not in indicators:
            yield number, _no_indicator(row, indicators)
            continue
        source = by_id.get(row["source"])
        if source is None:
            yield number, f'source "{row["source"]}" is not known; {did_you_mean(row["source"], by_id)}; {FIX}'
        elif source["indicator"] != row["indicator"]:
            own = source["indicator"]
            yield number, f'indicator "{row["indicator"]}" is not what source {row["source"]} counts ({own}); {FIX}'
        key = (row["period"], row["indicator"], row["source"])
        if key not in period_faults:
            period_faults[key] = _period_fault(row["period"], indicators[row["indicator"]], source)
        if period_faults[key]:
            yield number, period_faults[key]


def _period_fault(text: str, indicator: Indicator, source: Row | None) -> str | None:
    try:
        period = parse_period(text)
    except ValueError as error:
        return f'period "{text}" does not exist ({error}); {FIX}'
    if period.grain != indicator.grain:
        form = FORMS[indicator.grain]
        return (
            f'period "{text}" is a {period.grain}, but {indicator.id} counts by {indicator.grain}; write it like {form}'
        )
    try:
        span = parse_span(source["span"]) if source else period
    except ValueError:  # reported with the sources
        return None
    if period.start < span.start or period.end > span.end:
        return f'period "{text}" lies outside {source["span"]}, the span of source {source["source"]}; {FIX}'
    return None
