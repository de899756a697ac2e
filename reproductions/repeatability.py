"""Would the same measurement say the same again? Two complete ones on a loaded machine, and many short ones.

Two complete measurements of a preset run one after another while a foreign process keeps one core busy; where the
interval of a ratio is narrow, the two must agree as narrowly. Then a short measurement is repeated; its 95 % interval
ought to hold the long-run ratio 19 times of 20. The long-run ratio of a repeat is the median of all the others, so that
no interval is judged by a value that it helped to make.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reproductions.errors import SurveyError

log = logging.getLogger("reproductions.repeatability")

TEXT = "Show that a measurement repeats: two complete ones beside a busy neighbour, and many short ones."
#: Two measurements must agree within this share wherever both intervals reach no further than it to either side.
AGREEMENT = 0.03
#: Of the repeats' intervals this share must hold the long-run ratio: 18 of 20.
COVERED = 0.9
#: The short measurement: one pair of modes that people use most, in one environment profile.
SHORT_MODES = (("pytorch", "eager"), ("tensorflow", "function"))
SHORT_RESTARTS, SHORT_ROUNDS, SHORT_ENVIRONMENT = 3, 4, "tuned"
#: What a complete measurement takes where no workload is named: the default run of the survey.
COMPLETE = ("cnn_mnist", "gru_text", "bert_encoder")
#: Burns one core until its parent ends.
NEIGHBOUR = "import ctypes\nctypes.CDLL(None).prctl(1, 9)\nwhile True: pass"

CELL = (
    *("workload", "data", "phase", "batch_size", "shape", "precision", "threads", "environment", "track"),
    *("pytorch_mode", "tensorflow_mode"),
)
COLUMNS = (
    *("part", "number", *CELL, "metric", "ratio", "low", "high", "pairs", "restarts", "flagged", "status", "date"),
)


@dataclass(frozen=True)
class Options:
    """What the caller decides.

    work      folder of the measurements; each finished one stays there, so a killed run goes on
    cache     folder of the data sets
    preset    what a complete measurement is
    repeats   number of short measurements; 0 leaves them out
    """

    work: Path
    cache: Path
    preset: str = "quick"
    repeats: int = 20
    threads: int = 1
    device: str = "auto"
    seed: int = 1
    python: tuple[tuple[str, str | None], ...] = ()


@contextlib.contextmanager
def neighbour() -> Iterator[None]:
    """Keep one core busy with a foreign process."""
    process = subprocess.Popen([sys.executable, "-c", NEIGHBOUR])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def run(complete: Sequence, repeated, options: Options, out: Path) -> tuple[list[dict], list[dict]]:
    """Measure what is not there yet, write ``repeatability.md`` and ``.csv`` to ``out``; return rows and verdicts.

    complete  workloads that are measured twice, beside a foreign process; none leaves that part out
    repeated  workload of the short measurements
    """
    from reproductions.files import write_csv, write_text

    rows: list[dict] = []
    for number in range(2):
        for workload in complete:
            log.info("repeatability: complete measurement %d of 2, beside a busy process: %s", number + 1, workload.id)
            with neighbour():
                folder = options.work / f"complete-{options.preset}-{number}"
                found = _measure(workload, workload.preset(options.preset), folder, options)
            rows += _rows("complete", number, found, workload)
    if options.repeats:
        workload, preset = short(repeated, options.preset)
        for number in range(options.repeats):
            log.info("repeatability: short measurement %d of %d", number + 1, options.repeats)
            found = _measure(workload, preset, options.work / f"short-{options.preset}-{number:02d}", options)
            rows += _rows("repeat", number, found, workload)
    verdicts = [*agreement(rows), *coverage(rows)]
    write_csv(out / "repeatability.csv", COLUMNS, rows)
    write_text(out / "repeatability.md", document(rows, verdicts, options))
    return rows, verdicts


def short(workload, preset_name: str) -> tuple:
    """Return the workload and preset of the short measurement."""
    from reproductions.spec import Cell

    preset = workload.preset(preset_name)
    cells = tuple(Cell(*mode) for mode in SHORT_MODES)
    changes = {"restarts": SHORT_RESTARTS, "rounds": SHORT_ROUNDS, "environments": (SHORT_ENVIRONMENT,)}
    narrow = {"modes": cells, "precisions": (), "threads": (), "sweep_points": (), "sweep_cells": ()}
    known = {one.name for one in dataclasses.fields(preset)}
    preset = dataclasses.replace(preset, **changes, **{key: value for key, value in narrow.items() if key in known})
    return dataclasses.replace(workload, modes=cells), preset


def _measure(workload, preset, folder: Path, options: Options) -> Path:
    """Return the table of a measurement; one that is finished is not made again."""
    from reproductions import datasets, harness
    from reproductions.client import Runtime

    out = folder / f"{workload.id}.csv"
    if out.is_file():
        log.info("repeatability: %s of %s is there", folder.name, workload.id)
        return out
    data = Path("synthetic")
    if workload.datasets[0] != "synthetic":
        data = datasets.fetch(workload.datasets[0], options.cache) / "arrays.npz"
    runtime = Runtime(data, options.threads, options.device, dict(options.python))
    settings = harness.Options(runtime, folder=folder / "unfinished", seed=options.seed)
    harness.measure(workload, preset, settings, checked=None, out=out)
    return out


def _rows(part: str, number: int, table: Path, workload) -> list[dict]:
    """Return the primary ratios of one measurement, one row a cell of the comparison."""
    import pandas as pd

    from analysis.measurements import ratios

    measured = pd.read_csv(table, keep_default_na=False, na_values=[""])
    found = ratios(measured, {workload.id: workload})
    found = found[found["primary"] & (found["status"] == "ok")]
    found = found.reindex(columns=[name for name in COLUMNS if name not in ("part", "number")])
    # A cell is told apart by its values, and nothing equals what is missing.
    found[list(CELL)] = found[list(CELL)].astype(object).where(found[list(CELL)].notna(), "")
    return [row._asdict() | {"part": part, "number": number} for row in found.itertuples(index=False)]


# -- what follows ----------------------------------------------------------------------------------------------------
def _by_cell(rows: Sequence[dict], part: str) -> dict[tuple, list[dict]]:
    found: dict[tuple, list[dict]] = {}
    for row in sorted((row for row in rows if row["part"] == part), key=lambda row: row["number"]):
        found.setdefault(tuple(row[name] for name in CELL), []).append(row)
    return found


def half_width(row: dict) -> float:
    """Return half of the interval as a share of the ratio; NaN where there is none."""
    return (row["high"] - row["low"]) / 2 / row["ratio"]


def agreement(rows: Sequence[dict]) -> list[dict]:
    """Compare the two complete measurements cell by cell.

    The verdict is ``agree``, ``differ`` or, where an interval is wider than :data:`AGREEMENT` or absent, ``wide``.
    """
    found = []
    for cell, pair in _by_cell(rows, "complete").items():
        if len(pair) != 2:
            continue
        one, other = pair
        difference = max(one["ratio"], other["ratio"]) / min(one["ratio"], other["ratio"]) - 1
        narrow = all(half_width(row) < AGREEMENT for row in pair)
        verdict = "wide" if not narrow else "agree" if difference <= AGREEMENT else "differ"
        row = dict(zip(CELL, cell, strict=True)) | {"part": "complete", "verdict": verdict, "difference": difference}
        found.append(row | {"first": one, "second": other})
    return found


def coverage(rows: Sequence[dict]) -> list[dict]:
    """Count, cell by cell, how many repeats' intervals hold the median of all the other repeats."""
    import numpy as np

    found = []
    for cell, repeats in _by_cell(rows, "repeat").items():
        values = np.array([row["ratio"] for row in repeats])
        if len(values) < 3:
            continue
        held = sum(
            row["low"] <= np.median(np.delete(values, index)) <= row["high"] for index, row in enumerate(repeats)
        )
        verdict = "covers" if held >= COVERED * len(values) else "misses"
        about = {"part": "repeat", "held": int(held), "of": len(values), "median": float(np.median(values))}
        width = float(np.median([half_width(row) for row in repeats]))
        found.append(dict(zip(CELL, cell, strict=True)) | about | {"verdict": verdict, "half_width": width})
    return found


def document(rows: Sequence[dict], verdicts: Sequence[dict], options: Options) -> str:
    """Return the page: conditions, goals, and every cell."""
    from reproductions import machine

    card = machine.describe()
    complete = [one for one in verdicts if one["part"] == "complete"]
    repeats = [one for one in verdicts if one["part"] == "repeat"]
    narrow = [one for one in complete if one["verdict"] != "wide"]
    goals = []
    if complete:
        worst = max((one["difference"] for one in narrow), default=None)
        said = "no interval was that narrow" if worst is None else f"at most {worst:.1%} in {len(narrow)} cells"
        met = "not measured" if worst is None else "yes" if worst <= AGREEMENT else "no"
        what = f"two complete measurements, where both intervals are within {AGREEMENT:.0%} to either side"
        goals.append(f"| {what} | within {AGREEMENT:.0%} | {said} | {met} |")
    if repeats:
        fewest = min(repeats, key=lambda one: one["held"] / one["of"])
        met = "yes" if all(one["verdict"] == "covers" for one in repeats) else "no"
        need = f"at least {-(-int(COVERED * 100) * fewest['of'] // 100)} of {fewest['of']}"
        held = f"{fewest['held']} to {max(one['held'] for one in repeats)} of {fewest['of']}"
        goals.append(
            f"| intervals of the repeats that hold the long-run ratio, cell by cell | {need} | {held} | {met} |"
        )
    repeated = ", ".join(sorted({one["workload"] for one in repeats})) or "left out"
    dates = sorted({row["date"] for row in rows})
    words = [
        "# Would the same measurement say the same again?",
        "",
        "Made by `python -m reproductions repeatability`. Ratios are TensorFlow's time by PyTorch's, by the clock "
        "that the page uses.",
        "",
        f"- Date: {' to '.join(dict.fromkeys((dates[0], dates[-1]))) if dates else 'nothing measured'}",
        f"- Machine: {card['processor']}, {card['cores_online']} cores, {card['memory_gib']} GiB, {card['system']}",
        f"- Complete: preset {options.preset}, {'twice' if complete else 'left out'}, while a foreign process kept one "
        "core busy",
        f"- Short: {repeated}, {options.repeats} times, {SHORT_RESTARTS} restarts of {SHORT_ROUNDS} rounds, "
        f"environment profile {SHORT_ENVIRONMENT}, no foreign process of ours",
        "",
        "## Goals",
        "| what | goal | measured | met |",
        "|---|---|---|---|",
        *goals,
        "",
    ]
    if complete:
        words += ["## Two complete measurements", "| cell | first | second | difference | |", "|---|---|---|---|---|"]
        words += [
            f"| {_name(one)} | {_interval(one['first'])} | {_interval(one['second'])} | {one['difference']:.1%} "
            f"| {one['verdict']} |"
            for one in complete
        ]
        words += ["", "`wide`: an interval reaches further than the goal, so the goal says nothing about the cell.", ""]
        words += [_apart(complete), ""]
    if repeats:
        words += ["## Short measurements, repeated", "| cell | long-run ratio | interval, median | held | |"]
        words += ["|---|---|---|---|---|"]
        words += [
            f"| {_name(one)} | {one['median']:.3f} | ±{one['half_width']:.1%} | {one['held']} of {one['of']} "
            f"| {one['verdict']} |"
            for one in repeats
        ]
        words.append("")
    return "\n".join(words)


def _apart(complete: Sequence[dict]) -> str:
    """Return how far the two complete measurements are apart over all cells, however wide their intervals are."""
    import numpy as np

    apart = np.array([one["difference"] for one in complete])
    pairs = [(one["first"], one["second"]) for one in complete]
    overlap = sum(first["low"] <= second["high"] and second["low"] <= first["high"] for first, second in pairs)
    sides = sum(first["high"] < 1 < second["low"] or second["high"] < 1 < first["low"] for first, second in pairs)
    return (
        f"Over all {len(apart)} cells the two ratios differ by {np.median(apart):.1%} in the median and by at most "
        f"{apart.max():.1%}; their intervals overlap in {overlap} of {len(apart)}, and {sides or 'none'} "
        f"{'is' if sides < 2 else 'are'} settled for different sides."
    )


def _name(one: dict) -> str:
    parts = [one["workload"], one["phase"], f"batch {one['batch_size']}", one["shape"], one["environment"]]
    parts += [one["precision"] if one["precision"] != "float32" else "", f"threads {one['threads']}"]
    return f"{', '.join(part for part in parts if part)}: {one['pytorch_mode']} / {one['tensorflow_mode']}"


def _interval(row: dict) -> str:
    return f"{row['ratio']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"


# -- the command -----------------------------------------------------------------------------------------------------
def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``repeatability`` to the sub-parsers of the command line; returns its parser."""
    root = Path(__file__).resolve().parents[1]
    parser = commands.add_parser("repeatability", help=TEXT, description=TEXT)
    parser.set_defaults(run=_run)
    parser.add_argument("workload", nargs="*", help=f"measured completely; default: {' '.join(COMPLETE)}")
    parser.add_argument("--preset", default="quick", help="what a complete measurement is (default: %(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=20, metavar="N", help="short measurements (default: 20; 0: none)"
    )
    parser.add_argument("--short", default="cnn_mnist", metavar="WORKLOAD", help="whose short measurement is repeated")
    parser.add_argument("--no-complete", action="store_true", help="leave the two complete measurements out")
    parser.add_argument(
        "--out", type=Path, default=Path("docs/benchmarks"), metavar="DIR", help="folder of the document"
    )
    parser.add_argument(
        "--work", type=Path, default=Path("results/repeatability"), metavar="DIR", help="unfinished work"
    )
    parser.add_argument("--cache", type=Path, default=root / "data/downloads", metavar="DIR")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
    parser.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workloads", action="append", type=Path, default=[], metavar="DIR", help="further workloads")
    for framework in ("pytorch", "tensorflow"):
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    return parser


def _run(options: argparse.Namespace) -> int:
    from reproductions import registry
    from reproductions.exclusive import exclusive

    if options.repeats and options.repeats < 3:
        raise SurveyError("--repeats takes 0 or a number from 3 on: each repeat is judged by the others")
    names = () if options.no_complete else options.workload or COMPLETE
    complete = [registry.find(name, options.workloads) for name in names]
    repeated = registry.find(options.short, options.workloads)
    for workload in (*complete, repeated):
        workload.preset(options.preset)
    settings = Options(
        work=options.work,
        cache=options.cache,
        preset=options.preset,
        repeats=options.repeats,
        threads=options.threads,
        device=options.device,
        seed=options.seed,
        python=tuple((name, getattr(options, f"python_{name}")) for name in ("pytorch", "tensorflow")),
    )
    with exclusive(options.wait):
        _, verdicts = run(complete, repeated, settings, options.out)
    failed = [one for one in verdicts if one["verdict"] in ("differ", "misses")]
    for one in failed:
        log.warning("repeatability: %s: %s", _name(one), one["verdict"])
    return 1 if failed else 0
