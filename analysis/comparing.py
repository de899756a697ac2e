"""What changed between two sets of measurements: cell by cell with intervals, and what the sets were measured on.

The two sets were measured apart, so nothing is paired between them: the interval of a quotient of two medians comes
from two independent bootstraps over restarts and rounds (:func:`analysis.resampling.quotient`). A change is named only
where the whole interval leaves 1 out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.measured_rows import POINT, Cell, Measured, Point, tidy
from analysis.measured_sets import MeasuredSet, read_set
from analysis.resampling import quotient
from analysis.style import EQUAL_WITHIN
from reproductions import contributions
from reproductions.errors import SurveyError

#: What must be the same for two cells to be the same cell; sets, machines and environments' contents may differ.
PLACE = tuple(name for name in POINT if name not in ("origin", "machine"))


@dataclass(frozen=True)
class Change:
    """One line of the comparison.

    kind    ``cell``: milliseconds a step of one cell; ``ratio``: PyTorch's speed over TensorFlow's at one point
    what    the cell ("pytorch-eager") or the two ("pytorch-eager / tensorflow-xla")
    metric  ``cpu`` or ``wall``; for a cell in milliseconds a step
    a, b    the value in each set
    ratio   b over a, with its interval (NaN where a set has too few restarts)
    words   what the interval allows to be said
    """

    workload: str
    phase: str
    batch_size: int
    shape: str
    precision: str
    threads: int
    environment: str
    preset: str
    data: str
    track: str
    kind: str
    what: str
    metric: str
    a: float
    b: float
    ratio: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class Comparison:
    """Two sets beside each other.

    names        what the sets are called
    differences  ``{field: (in a, in b)}`` of machine, versions and settings
    changes      cells and ratios that both hold
    only         cells that one side alone holds, as ``(side, place)``
    """

    names: tuple[str, str]
    differences: Mapping[str, tuple[str, str]]
    changes: tuple[Change, ...]
    only: tuple[tuple[str, str], ...]


def load(folder: Path) -> tuple[MeasuredSet, dict]:
    """Read a set of ``data/measurements``, checked, or a results folder; return it and its environment.json or {}."""
    if (folder / "performance").is_dir():
        contributions.check(folder)
        rows_in, about = "performance", contributions.environment(folder)
    elif (folder / "measurements").is_dir():
        rows_in, about = "measurements", {}
    else:
        raise SurveyError(
            f"{folder}: holds neither performance/ (a set) nor measurements/ (results); name one of the two kinds"
        )
    if not (folder / "machine.json").exists():
        raise SurveyError(f"{folder / 'machine.json'}: missing; run `python -m reproductions machine --out` it")
    names = [path.stem for path in sorted((folder / rows_in).glob("*.csv"))]
    found = read_set(folder, rows_in, names, "set")
    if found.rows.empty:
        raise SurveyError(f"{folder / rows_in}: holds no rows; measure first")
    return found, about


def compare(a: Path, b: Path) -> Comparison:
    """Compare two folders; raises SurveyError where one cannot be read."""
    sets = [load(Path(folder)) for folder in (a, b)]
    return compare_sets(*(found for found, _ in sets), names=(str(a), str(b)), environments=tuple(e for _, e in sets))


def compare_sets(
    a: MeasuredSet, b: MeasuredSet, *, names: tuple[str, str] = ("A", "B"), environments: tuple[dict, dict] = ({}, {})
) -> Comparison:
    """Compare two sets that are read already."""
    measured = [Measured(tidy(found.rows), {}) for found in (a, b)]
    places = [_places(found) for found in measured]
    changes, only = [], []
    for key in dict.fromkeys([*places[0], *places[1]]):
        cells = [places[side].get(key, (None, []))[1] for side in (0, 1)]
        for cell in dict.fromkeys([*cells[0], *cells[1]]):
            where = [cell in found for found in cells]
            if all(where):
                changes += _cell(measured, [place[key][0] for place in places], cell)
            else:
                only.append(("A" if where[0] else "B", f"{_place_words(key)}, {'-'.join(cell)}"))
        if key in places[0] and key in places[1]:
            changes += _ratios(measured, [place[key][0] for place in places], *cells)
    return Comparison(names, _differences(a, b, environments), tuple(changes), tuple(only))


def _places(measured: Measured) -> dict[tuple, tuple[Point, list[Cell]]]:
    """Return ``{place: (point, cells that have blocks there)}``."""
    found = {}
    for point in measured.points:
        cells = [cell for cell in measured.cells(point) if len(measured.blocks(point, cell))]
        if cells:
            found[tuple(getattr(point, name) for name in PLACE)] = (point, cells)
    return found


def _place_words(key: tuple) -> str:
    told = dict(zip(PLACE, key, strict=True))
    words = [told["workload"], told["phase"], f"batch {told['batch_size']}", told["shape"], told["precision"]]
    words += [f"{told['threads']} thread{'s' if told['threads'] != 1 else ''}", told["environment"], told["preset"]]
    return ", ".join(str(word) for word in words if word)


def _metric(measured: list[Measured], points: list[Point], cell: Cell) -> str:
    """Return the clock of both: CPU time for one thread on a CPU, else wall-clock time."""
    devices = [str(m.only("device", m.blocks(point, cell))) for m, point in zip(measured, points, strict=True)]
    alone = all(point.threads == 1 for point in points)
    return "cpu" if alone and not any(name.startswith("GPU") for name in devices) else "wall"


def _cell(measured: list[Measured], points: list[Point], cell: Cell) -> list[Change]:
    metric = _metric(measured, points, cell)
    times = []
    for found, point in zip(measured, points, strict=True):
        where = found.blocks(point, cell)
        times.append(found.by_restart(found.values[f"{metric}_ms"][where], where))
    values = [float(np.median(np.concatenate(list(split.values())))) for split in times]
    ratio, low, high = quotient(list(times[1].values()), list(times[0].values()))
    words = _words(low, high, "B slower", "B faster")
    return [
        _change(
            points[0], "cell", "-".join(cell), metric=metric, values=values, estimate=(ratio, low, high), words=words
        )
    ]


def _ratios(measured: list[Measured], points: list[Point], *cells: list[Cell]) -> list[Change]:
    """Return the ratios PyTorch over TensorFlow that both sets can form: paired inside a set, unpaired between them."""
    found = []
    for ours in cells[0]:
        for theirs in cells[0]:
            if (ours[0], theirs[0]) != ("pytorch", "tensorflow") or ours not in cells[1] or theirs not in cells[1]:
                continue
            metric, splits = _metric(measured, points, ours), []
            for side, point in zip(measured, points, strict=True):
                first, second = side.pairs(point, ours, theirs)
                clock = side.values[f"{metric}_ms"]
                splits.append(side.by_restart(clock[second] / clock[first], first))
            if not all(splits):
                continue
            values = [float(np.median(np.concatenate(list(split.values())))) for split in splits]
            estimate = quotient(list(splits[1].values()), list(splits[0].values()))
            words = _words(*estimate[1:], "moved towards PyTorch", "moved towards TensorFlow")
            what = f"{'-'.join(ours)} / {'-'.join(theirs)}"
            found.append(
                _change(points[0], "ratio", what, metric=metric, values=values, estimate=estimate, words=words)
            )
    return found


def _change(point: Point, kind: str, what: str, *, metric: str, values, estimate, words: str) -> Change:
    place = {name: getattr(point, name) for name in PLACE}
    ratio, low, high = estimate
    return Change(
        **place,
        kind=kind,
        what=what,
        metric=metric,
        a=values[0],
        b=values[1],
        ratio=ratio,
        low=low,
        high=high,
        words=words,
    )


def _words(low: float, high: float, up: str, down: str) -> str:
    if np.isnan(low) or np.isnan(high):
        return "no interval"
    if low >= 1 / EQUAL_WITHIN and high <= EQUAL_WITHIN:
        return "practically equal"
    return up if low > 1 else down if high < 1 else "no change shown"


def _differences(a: MeasuredSet, b: MeasuredSet, environments: tuple[dict, dict]) -> dict[str, tuple[str, str]]:
    """Return what differs in machine, versions, profiles and extent; a side that does not tell says so."""
    sides = []
    for own, about in zip((a, b), environments, strict=True):
        told = {f"machine: {key}": _plain(value) for key, value in own.card.items()}
        for framework, rows in own.rows.dropna(subset="version").groupby("framework"):
            told[f"version: {framework}"] = ", ".join(sorted(set(rows["version"])))
        for column in ("preset", "device", "threads", "precision", "environment"):
            if column in own.rows:
                told[f"measured: {column}"] = ", ".join(sorted(map(str, set(own.rows[column].dropna()))))
        told["measured: date"] = f"{own.rows['date'].min()} to {own.rows['date'].max()}"
        told |= {f"package: {name}": text for name, text in about.get("packages", {}).items()}
        told |= {f"workload: {name}": str(digest)[:12] for name, digest in about.get("workloads", {}).items()}
        for profile, variables in about.get("profiles", {}).items():
            told |= {f"profile {profile}: {name}": text for name, text in variables.items()}
        sides.append(told)
    names = dict.fromkeys([*sides[0], *sides[1]])
    unknown = [not about for about in environments]
    found = {}
    for name in names:
        here, there = (side.get(name, "not told") for side in sides)
        only_in_sets = name.startswith(("package", "workload", "profile"))
        if here != there and not (only_in_sets and any(unknown)):
            found[name] = (here, there)
    return found


def _plain(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False) if isinstance(value, (list, dict)) else str(value)


# -- writing -----------------------------------------------------------------------------------------------------------
def text(found: Comparison, form: str = "text") -> str:
    """Return the comparison as ``text``, ``json`` or ``csv`` (the changes alone)."""
    rows = [asdict(change) for change in found.changes]
    if form == "csv":
        columns = [field.name for field in fields(Change)]
        return pd.DataFrame(rows, columns=columns).to_csv(index=False, float_format="%.6g", lineterminator="\n")
    if form == "json":
        clean = [
            {key: None if isinstance(value, float) and np.isnan(value) else value for key, value in row.items()}
            for row in rows
        ]
        document = {"a": found.names[0], "b": found.names[1], "changes": clean}
        document["differences"] = {key: list(values) for key, values in found.differences.items()}
        document["only"] = [{"side": side, "what": what} for side, what in found.only]
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    return _table(found)


def _table(found: Comparison) -> str:
    lines = [f"A  {found.names[0]}", f"B  {found.names[1]}", "", "What differs"]
    lines += [f"  {name}: {here} | {there}" for name, (here, there) in found.differences.items()] or ["  nothing told"]
    heads = {
        "cell": "Cells: milliseconds a step, and B over A with 95 % interval (above 1, B is slower)",
        "ratio": "Ratios: PyTorch's speed over TensorFlow's, and B over A with 95 % interval",
    }
    for kind, head in heads.items():
        lines += ["", head]
        rows = [change for change in found.changes if change.kind == kind]
        before = ""
        for change in rows:
            place = _place_words(tuple(getattr(change, name) for name in PLACE))
            if place != before:
                lines.append(f"  {place}")
                before = place
            span = "" if np.isnan(change.low) else f" [{change.low:.3f}, {change.high:.3f}]"
            lines.append(
                f"    {change.what:<40} {change.metric:<4} {change.a:>10.3f} {change.b:>10.3f}  "
                f"{change.ratio:.3f}{span}  {change.words}"
            )
        if not rows:
            lines.append("  none that both hold")
    cells = [change for change in found.changes if change.kind == "cell"]
    counts = {words: sum(change.words == words for change in cells) for words in dict.fromkeys(c.words for c in cells)}
    lines += ["", "Only in one"] + ([f"  {side}: {what}" for side, what in found.only] or ["  nothing"])
    lines += [
        "",
        f"{len(cells)} cells: " + (", ".join(f"{n} {words}" for words, n in counts.items()) or "none compared"),
    ]
    return "\n".join(lines) + "\n"
