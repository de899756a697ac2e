"""Does the runtime matter more than the framework? Deployment paths that took turns in the same rounds, compared.

A model out of both frameworks through the same runtimes makes a two-way table of times: frameworks by runtimes. What
changing the framework does to the time (runtime held) is set against what changing the runtime does (framework held),
both as the mean absolute logarithm of a ratio of times, so neither depends on how many frameworks and runtimes there
are. Noise makes either of them larger than it is, the smaller one more: it works against finding that one matters more.

Blocks of one round ran right after one another, so ratios are taken inside a round; intervals are the harness's
two-stage bootstrap (:mod:`analysis.resampling`), with the same restarts and rounds drawn for every path.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.resampling import MIN_RESTARTS, bounds, interval, replicates, restart_factor
from analysis.style import interval_words

SIDES = ("pytorch", "tensorflow")
#: Runtimes in the process that are neither framework's own; named before any of them was measured.
SHARED = {"onnxruntime": "ONNX Runtime", "litert": "LiteRT", "openvino": "OpenVINO"}
#: Each framework through its own runtime, as the suite's modes are.
OWN = {
    "own, eager": {"pytorch": ("torch_eager",), "tensorflow": ("keras_eager",)},
    "own, compiled": {"pytorch": ("torch_compile",), "tensorflow": ("tf_function", "tf_xla")},
}
OWN_RUNTIMES = {"pytorch": "torch", "tensorflow": "tensorflow"}
LEVELS = (*OWN, *SHARED)
SCOPES = {"shared runtimes": tuple(SHARED), "shared and own runtimes": LEVELS}
MORE, LESS, OPEN, ALONE = "the runtime matters more", "the framework matters more", "not settled", "no interval"
#: Kinds of ratios.
THROUGH, NATIVE, AGAINST = "frameworks, one runtime", "frameworks, own runtimes", "shared runtime, own runtime"

_AT = ("model", "model_title", "threads", "batch_size")
_EVIDENCE = ("rounds", "restarts")
LEVEL_COLUMNS = (*_AT, "clock", "level", "level_title", "framework", "paths", "ms", "low", "high", *_EVIDENCE)
RATIO_COLUMNS = (
    *("kind", *_AT, "base", "clock", "runtime", "first", "first_title", "second", "second_title"),
    *("ratio", "low", "high", *_EVIDENCE, "wording"),
)
FACTOR_COLUMNS = (
    *("scope", *_AT, "levels", "paths"),
    *(f"{name}{end}" for name in ("framework_factor", "runtime_factor", "quotient") for end in ("", "_low", "_high")),
    *("share_framework", "share_runtime", "share_runtime_low", "share_runtime_high", "share_both"),
    *(*_EVIDENCE, "verdict", "status", "note"),
)


@dataclass(frozen=True)
class Point:
    """One model, number of threads and batch size, with the times of every path that was measured there.

    about    the columns of ``_AT``
    paths    rows of the matrix, ``{path: row}``
    times    ``{path: {(restart, round): (clock_ms, wall_ms)}}``
    """

    about: Mapping[str, object]
    paths: Mapping[str, Mapping]
    times: Mapping[str, Mapping[tuple[int, int], tuple[float, float]]]

    def through(self, framework: str, runtime: str) -> list[str]:
        """Return the float paths out of a framework through a runtime."""
        return [
            name
            for name, row in self.paths.items()
            if (row["framework"], row["runtime"]) == (framework, runtime) and row["quantized"] != "yes"
        ]

    def level(self, framework: str, level: str) -> list[str]:
        """Return the paths of a cell of the two-way table."""
        if level in OWN:
            return [name for name in OWN[level][framework] if name in self.paths]
        return self.through(framework, level)

    def clock(self, names: Iterable[str]) -> str:
        """Return the clock that all the paths have in common: ``cpu``, or else ``wall``."""
        return "cpu" if {self.paths[name]["clock"] for name in names} == {"cpu"} else "wall"

    def turns(self, names: Iterable[str]) -> list[tuple[int, int]]:
        """Return the rounds in which every one of the paths ran, restart after restart."""
        return sorted(set.intersection(*(set(self.times[name]) for name in names)))

    def values(self, name: str, turns: Iterable[tuple[int, int]], clock: str) -> np.ndarray:
        """Return the milliseconds of a path in these rounds."""
        return np.array([self.times[name][turn][clock == "wall"] for turn in turns])


def compare(matrix: pd.DataFrame, rounds: pd.DataFrame, seed: int = 0) -> dict[str, list[dict]]:
    """Return the rows of ``levels``, ``ratios`` and ``factors`` of one machine.

    matrix  path, path_title, framework, runtime, model, model_title, threads, status, clock, quantized (yes, no)
    rounds  as ``deployment_rounds.schema.yaml`` has them
    """
    found: dict[str, list[dict]] = {"levels": [], "ratios": [], "factors": []}
    for point in points(matrix, rounds):
        found["levels"] += levels(point, seed)
        found["ratios"] += ratios(point, seed)
        found["factors"] += [factors(point, scope, seed) for scope in SCOPES]
    return found


def points(matrix: pd.DataFrame, rounds: pd.DataFrame) -> Iterator[Point]:
    """Yield every model, number of threads and batch size that was measured, with its good paths."""
    if rounds.empty:
        return
    good = matrix[matrix["status"] == "ok"]
    titles = dict(zip(matrix["model"], matrix["model_title"], strict=True))
    for (model, threads, batch), own in rounds.groupby(["model", "threads", "batch_size"], sort=True):
        there = good[(good["model"] == model) & (good["threads"] == threads)]
        times = {
            path: {
                (restart, number): (clock, wall)
                for restart, number, clock, wall in zip(
                    *(rows[name] for name in ("restart", "round", "clock_ms", "wall_ms")), strict=True
                )
            }
            for path, rows in own.groupby("path", sort=False)
        }
        rows = {row["path"]: row for row in there.to_dict("records") if row["path"] in times}
        about = {"model": model, "model_title": titles.get(model, model), "threads": threads, "batch_size": batch}
        yield Point(about, rows, times)


def _split(values: np.ndarray, turns: Sequence[tuple[int, int]]) -> list[np.ndarray]:
    """Return the values one array a restart."""
    restarts = np.array([restart for restart, _ in turns])
    return [values[restarts == restart] for restart in np.unique(restarts)]


def _evidence(turns: Sequence[tuple[int, int]]) -> dict[str, int]:
    return {"rounds": len(turns), "restarts": len({restart for restart, _ in turns})}


# -- levels ------------------------------------------------------------------------------------------------------------
def levels(point: Point, seed: int = 0) -> list[dict]:
    """Return the time of each framework through each runtime; several exporters count as their geometric mean."""
    found = []
    for level, framework in itertools.product(LEVELS, SIDES):
        names = point.level(framework, level)
        turns = point.turns(names) if names else []
        if not turns:
            continue
        clock = point.clock(names)
        logs = np.mean([np.log(point.values(name, turns, clock)) for name in names], axis=0)
        ms, low, high = interval(_split(np.exp(logs), turns), seed=seed)
        found.append(
            {
                **point.about,
                **{"clock": clock, "level": level, "level_title": SHARED.get(level, level), "framework": framework},
                **{"paths": "; ".join(names), "ms": ms, "low": low, "high": high},
                **_evidence(turns),
            }
        )
    return found


# -- ratios ------------------------------------------------------------------------------------------------------------
def ratios(point: Point, seed: int = 0) -> list[dict]:
    """Return ratios of times between two paths; above 1 the one named first is faster.

    Frameworks through one runtime, frameworks through their own, and each framework's own runtime against a shared one.
    """
    found = []
    runtimes = dict.fromkeys(row["runtime"] for row in point.paths.values())
    for runtime in runtimes:
        sides = [point.through(framework, runtime) for framework in SIDES]
        found += [_ratio(point, THROUGH, runtime, pair, seed) for pair in itertools.product(*sides)]
    for level in OWN:
        sides = [point.level(framework, level) for framework in SIDES]
        found += [_ratio(point, NATIVE, level, pair, seed) for pair in itertools.product(*sides)]
    for framework, runtime in itertools.product(SIDES, SHARED):
        sides = [point.through(framework, name) for name in (runtime, OWN_RUNTIMES[framework])]
        found += [_ratio(point, AGAINST, runtime, pair, seed) for pair in itertools.product(*sides)]
    return [row for row in found if row]


def _ratio(point: Point, kind: str, runtime: str, pair: tuple[str, str], seed: int) -> dict:
    turns = point.turns(pair)
    if not turns:
        return {}
    clock = point.clock(pair)
    first, second = (point.values(name, turns, clock) for name in pair)
    ratio, low, high = interval(_split(second / first, turns), seed=seed)
    titles = [point.paths[name]["path_title"] for name in pair]
    own = {name for sides in OWN.values() for names in sides.values() for name in names}
    return {
        "kind": kind,
        **point.about,
        # What the page itself lists: one row at a time on one thread, and of the own runtimes those of the suite.
        "base": "yes" if base(point.about) and (kind != AGAINST or pair[1] in own) else "no",
        **{"clock": clock, "runtime": SHARED.get(runtime, runtime), "first": pair[0], "second": pair[1]},
        **{"first_title": titles[0], "second_title": titles[1], "ratio": ratio, "low": low, "high": high},
        **_evidence(turns),
        # The titles stand beside it, so the words only say which of the two.
        "wording": ALONE if np.isnan(low) else interval_words(ratio, low, high, above="the first", below="the second"),
    }


def base(about: Mapping) -> bool:
    """Return whether a point is the plain one: one row at a time on one thread."""
    return (about["threads"], about["batch_size"]) == (1, 1)


# -- factors -----------------------------------------------------------------------------------------------------------
def factors(point: Point, scope: str, seed: int = 0) -> dict:
    """Return what changing the framework and changing the runtime do to the time, and which does more.

    scope  a key of :data:`SCOPES`; own runtimes differ with the framework, so with them that difference counts for it

    ``quotient`` is the logarithm of the runtime factor over that of the framework factor; the verdict goes by where its
    95 % interval lies. Fewer than two runtimes from both frameworks: a row that says so.
    """
    cells = {
        level: [point.level(framework, level) for framework in SIDES]
        for level in SCOPES[scope]
        if all(point.level(framework, level) for framework in SIDES)
    }
    names = [name for sides in cells.values() for side in sides for name in side]
    turns = point.turns(names) if names else []
    shared = ", ".join(SHARED.get(level, level) for level in cells)
    row = {"scope": scope, **point.about, "levels": shared, "paths": "; ".join(names), **_evidence(turns)}
    if len(cells) < 2 or not turns:
        there = f"only {shared} ran from both frameworks" if cells else "no runtime ran from both frameworks"
        return row | {"verdict": "not tested", "status": "not_tried", "note": f"{there}; at least two are needed"}
    clock = point.clock(names)
    logs = np.array(
        [
            [
                np.mean([np.log(point.values(name, turns, clock)) for name in cells[level][side]], axis=0)
                for level in cells
            ]
            for side in range(len(SIDES))
        ]
    )
    centre = effects(np.median(logs, axis=-1))
    row |= {name: float(value) for name, value in centre.items()} | {"status": "ok", "note": f"{clock} time"}
    if row["restarts"] < MIN_RESTARTS:
        return row | {"verdict": ALONE}
    # The same seed and the same rounds: every cell is drawn alike, and its restarts are moved apart alike, by the most
    # that one of them needs, so that what restarts have in common still cancels.
    times = [[_split(np.exp(cell), turns) for cell in side] for side in logs]
    factor = max(restart_factor(cell) for side in times for cell in side)
    drawn = np.log([[replicates(cell, seed, factor) for cell in side] for side in times])
    for name, values in effects(drawn).items():
        if f"{name}_low" in FACTOR_COLUMNS:
            row[f"{name}_low"], row[f"{name}_high"] = bounds(values, row[name])
    return row | {"verdict": MORE if row["quotient_low"] > 1 else LESS if row["quotient_high"] < 1 else OPEN}


def effects(logs: np.ndarray) -> dict[str, np.ndarray]:
    """Return the factors, their quotient and the shares of variance of two-way tables of logarithms of times.

    logs     (2 frameworks, runtimes, ...); everything behind the first two axes is kept
    returns  ``framework_factor`` and ``runtime_factor``: exp of the mean absolute difference of two cells that differ
             in that alone; ``quotient`` of the two logarithms; ``share_*`` of the sum of squares, ``both`` being what
             neither explains alone
    """
    pairs = list(itertools.combinations(range(logs.shape[1]), 2))
    framework = np.abs(logs[0] - logs[1]).mean(axis=0)
    runtime = np.mean([np.abs(logs[:, a] - logs[:, b]).mean(axis=0) for a, b in pairs], axis=0)
    grand = logs.mean(axis=(0, 1))
    by_framework = logs.shape[1] * ((logs.mean(axis=1) - grand) ** 2).sum(axis=0)
    by_runtime = logs.shape[0] * ((logs.mean(axis=0) - grand) ** 2).sum(axis=0)
    total = ((logs - grand) ** 2).sum(axis=(0, 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = np.where(framework > 0, runtime / framework, np.where(runtime > 0, np.inf, 1.0))
        shares = [np.where(total > 0, part / total, 0.0) for part in (by_framework, by_runtime)]
    return {
        "framework_factor": np.exp(framework),
        "runtime_factor": np.exp(runtime),
        "quotient": quotient,
        "share_framework": shares[0],
        "share_runtime": shares[1],
        "share_both": np.where(total > 0, 1 - shares[0] - shares[1], 0.0),
    }
