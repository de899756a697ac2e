"""Measurements that travel: exported as a folder a machine, checked when they leave and whenever they are read.

A folder ``<machine id>/`` holds ``machine.json``, ``environment.json`` and the rows in ``performance/``, with
``parity/``, ``accuracy/``, ``datasets/``, ``pipelines.csv`` and ``reference.csv`` beside them. It is dropped into
``data/measurements/``, where usability lands in the same folder of the same machine.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reproductions import environments, registry
from reproductions.errors import SurveyError
from reproductions.files import explain, read_yaml, write_json, write_text
from reproductions.spec import MODES
from reproductions.validation import check as check_schema

if TYPE_CHECKING:
    import pandas as pd

ROOT = Path(__file__).resolve().parents[1]
SCHEMAS = ROOT / "workflow" / "schemas"
ORIGINS = ("contributed", "landed")
FILES = ("machine.json", "environment.json")
#: Tables beside the rows, with the schema of the same name.
TABLES = ("pipelines.csv", "reference.csv")
FURTHER = (*TABLES, "README.md")
#: What other parts of the survey leave in a machine's folder, and check themselves when they read it.
OTHER_PARTS = ("usability_*", "first_contact.csv", "deployment")
#: Where a measurement that was cut off keeps what it has; it is read by nothing else and leaves with no export.
UNFINISHED = "unfinished"
#: Where deployment lands inside a machine's folder, and its tables with the schema of ``deployment_<name>``.
DEPLOYMENT = "deployment"
DEPLOYMENT_TABLES = ("matrix", "rounds", "serving")
#: Folders of a set and the suffix of their files; the first is the only one that must be there.
FOLDERS = {"performance": ".csv", "parity": ".json", "accuracy": ".csv", "datasets": ".json"}
#: CPU time beyond the threads' share of the wall-clock time: helper threads of a framework and the clocks' own errors.
CPU_SLACK, CPU_SLACK_MS = 1.5, 2.0
SHOWN = 20  # faults written out
PACKAGES = (
    *("torch", "torchvision", "transformers", "triton", "tensorflow", "tensorflow-cpu", "tf_keras", "keras"),
    *("keras-hub", "numpy", "scipy", "scikit-learn", "pandas", "ml_dtypes", "h5py"),
)
MEASURE_AGAIN = "measure again and export again instead of editing rows"

Fault = tuple[int, str, str]  # row of the file, field, what is wrong and what to do


# -- export ------------------------------------------------------------------------------------------------------------
def export(results: Path, out: Path, *, origin: str = "contributed", replace: bool = False) -> Path:
    """Write what ``results`` holds of this machine as ``<out>/<machine id>/`` and return that folder.

    The folder is made beside its place, checked, and then renamed, so there is a whole one or none. An existing one is
    only replaced with ``replace``; what other parts of the survey left of the same machine stays. Raises SurveyError
    that says what is missing or not plausible.
    """
    card = _json(results / "machine.json", "run `python -m reproductions machine --out FILE` or a measurement first")
    target = out / str(card.get("machine"))
    if (target / "performance").exists() and not replace:
        raise SurveyError(f"{target}: exists already; give --replace to put this measurement in its place")
    paths = sorted((results / "measurements").glob("*.csv"))
    if not paths:
        raise SurveyError(f"{results / 'measurements'}: holds no measured rows; run `python -m reproductions measure`")
    try:
        out.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=out, prefix=".export-"))
    except OSError as error:
        raise explain(error, out) from error
    try:
        made = scratch / target.name
        names = _names()
        _write(results, made, card, paths, origin=origin, secret=names)
        for path in other_parts(target):
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, made / path.name)
        check(made, names)
        made.chmod(0o755)
        if target.exists():
            target.rename(scratch / "replaced")
        made.rename(target)
    except OSError as error:
        raise explain(error, target) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return target


def _write(
    results: Path, made: Path, card: Mapping, paths: Iterable[Path], *, origin: str, secret: Sequence[str]
) -> None:
    names = []
    profiles, versions = set(), {}
    for path in paths:
        rows = _rows(path)
        if rows.empty:
            continue
        names.append(path.stem)
        rows["origin"] = origin
        rows["note"] = rows["note"].map(lambda text: redact(text, secret), na_action="ignore")
        profiles |= set(rows["environment"].dropna())
        for framework, own in rows.dropna(subset="version").groupby("framework"):
            versions.setdefault(framework, set()).update(own["version"])
        write_text(made / "performance" / path.name, rows.to_csv(index=False, lineterminator="\n"))
    for folder, suffix in FOLDERS.items():
        for path in sorted((results / folder).glob(f"*{suffix}")) if folder != "performance" else ():
            if path.stem in names:
                write_text(made / folder / path.name, redact(path.read_text(encoding="utf-8"), secret))
    for name in TABLES:
        if (results / name).exists():
            write_text(made / name, redact((results / name).read_text(encoding="utf-8"), secret))
    write_json(made / "machine.json", dict(card))
    packages, packages_from = _packages(versions)
    known = registry.discover()
    set_by = {name: dict(profile.variables) for name, profile in environments.load().items() if name in profiles}
    write_json(
        made / "environment.json",
        {
            "format": 1,
            "origin": origin,
            "exported": datetime.now(UTC).date().isoformat(),
            "versions": {name: sorted(found) for name, found in sorted(versions.items())},
            "packages": packages,
            "packages_from": packages_from,
            "profiles": set_by,
            "workloads": {name: known[name].digest() if name in known else None for name in names},
        },
    )


def _packages(versions: Mapping[str, Iterable[str]]) -> tuple[dict[str, str], str]:
    """Return the installed packages, or none where another interpreter than this one measured."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    here = {"pytorch": found.get("torch"), "tensorflow": found.get("tensorflow") or found.get("tensorflow-cpu")}
    same = all(
        {text.split("+")[0] for text in versions.get(name, ())} <= {str(here[name]).split("+")[0]} for name in here
    )
    return (found, "this interpreter") if same else ({}, "rows")


_PATH = re.compile(
    r"file:[^\s'\"]*|(?:(?<=[\s'\"(\[=:,;])|^)(?:[A-Za-z]:\\|~[\w.-]*/|/(?=[\w.+-]+/))[^\s'\"()\[\],;:]*"
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text in which absolute paths keep their last part alone and the given names are taken out."""
    text = _PATH.sub(lambda found: "…/" + re.split(r"[\\/]", found.group().rstrip("\\/"))[-1], text)
    for name in secrets:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "<name>", text)
    return text


#: Names that say nothing about anybody, and words that would be taken out of ordinary sentences.
_HARMLESS = {
    *("root", "user", "localhost", "runner", "ubuntu", "debian", "admin", "docker", "test", "worker", "machine"),
    *("main", "linux", "python", "pytorch", "torch", "tensorflow", "keras", "cpu", "gpu", "cuda", "home"),
}


def _names() -> tuple[str, ...]:
    """Return the host and user names of this machine that a text must not hold."""
    import getpass
    import socket

    names = {socket.gethostname(), socket.gethostname().split(".")[0], Path.home().name}
    with contextlib.suppress(OSError, KeyError):  # a user without a name
        names.add(getpass.getuser())
    return tuple(sorted(name for name in names if len(name) > 2 and name.lower() not in _HARMLESS))


def tidied(rows: Iterable[Mapping]) -> list[dict]:
    """Return rows whose notes hold no absolute path and neither host nor user of this machine: messages may."""
    names = _names()
    return [{**row, "note": redact(str(row.get("note") or ""), names)} for row in rows]


# -- reading and checking ----------------------------------------------------------------------------------------------
def sets(folder: Path) -> list[Path]:
    """Return the folders of the sets in ``folder``, or ``folder`` itself where it is one; none where it is absent."""
    if (folder / "machine.json").exists():
        return [folder]
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".") if folder.is_dir() else []


def other_parts(folder: Path) -> list[Path]:
    """Return what usability and deployment left in the folder of a machine; none where it is absent."""
    return sorted(path for pattern in OTHER_PARTS for path in folder.glob(pattern))


def timed(folder: Path) -> list[Path]:
    """Return the sets in ``folder`` that hold timed rows; other parts of the survey land without any."""
    return [own for own in sets(folder) if (own / "environment.json").exists() or not other_parts(own)]


def environment(folder: Path) -> dict:
    """Return environment.json of a set."""
    return _json(folder / "environment.json", "export the set with `python -m reproductions export`")


def check(folder: Path, names: Sequence[str] = ()) -> int:
    """Check one set and return its number of rows.

    names  host and user names that no text may hold; told at the export, since a reader's own say nothing

    Raises SurveyError with every fault as ``file: row: field: fault; remedy``, the first twenty written out.
    """
    faults = [*_layout_faults(folder)]
    if faults:
        _report(faults)
    card = _json(folder / "machine.json", "take it from the machine that measured")
    about = environment(folder)
    for value, name in ((card, "machine"), (about, "environment")):
        path = folder / f"{name}.json"
        try:
            check_schema(value, _schema(f"measurements_{name}"), str(path))
        except SurveyError as error:
            faults += str(error).split("\n")
        faults += [f"{path}: {fault}" for fault in _leaks(value, names)]
    if card.get("machine") != folder.name:
        faults.append(
            f"{folder / 'machine.json'}: machine: {card.get('machine')!r} is not the name of its folder, "
            f"{folder.name!r}; rename the folder"
        )
    count = 0
    for path in sorted((folder / "performance").glob("*.csv")):
        rows = _rows(path)
        count += len(rows)
        found = (
            list(_row_faults(rows, folder.name, path.stem, card, names))
            if len(rows)
            else [(1, "", "no rows; remove it")]
        )
        faults += [f"{path}: row {row}: {field}: {fault}" for row, field, fault in sorted(found)]
    faults += _beside_faults(folder, names)
    if faults:
        _report(faults)
    return count


def _report(faults: list[str]) -> None:
    more = len(faults) - SHOWN
    raise SurveyError("\n".join([*faults[:SHOWN], *([f"and {more} more"] if more > 0 else [])]))


def _layout_faults(folder: Path) -> Iterator[str]:
    if not folder.is_dir():
        yield f"{folder}: no such folder; name a set or a folder of sets"
        return
    for name in FILES:
        if not (folder / name).is_file():
            yield f"{folder / name}: missing; export the set with `python -m reproductions export`"
    if not any((folder / "performance").glob("*.csv")):
        yield f"{folder / 'performance'}: holds no rows; export the set with `python -m reproductions export`"
    for path in sorted(folder.iterdir()):
        if path.name not in (*FILES, *FURTHER, *FOLDERS, UNFINISHED) and path not in other_parts(folder):
            yield f"{path}: not part of a set; remove it"
    for name, suffix in FOLDERS.items():
        for path in sorted((folder / name).glob("*")):
            if path.suffix != suffix or not path.is_file():
                yield f"{path}: not part of a set; {name}/ holds {suffix} files only, remove it"


def _beside_faults(folder: Path, names: Sequence[str]) -> Iterator[str]:
    """Yield what is wrong with the files beside the rows: they must be readable and name nobody."""
    for part in ("parity", "datasets"):
        for path in sorted((folder / part).glob("*.json")):
            try:
                yield from (f"{path}: {fault}" for fault in _leaks(_json(path, MEASURE_AGAIN), names))
            except SurveyError as error:
                yield str(error)
    for path in sorted((folder / "accuracy").glob("*.csv")):
        rows = _rows(path)
        yield from (f"{path}: row {row}: {field}: {fault}" for row, field, fault in _text_leaks(rows, names))
        if missing := {"workload", "dataset", "who", "kind", "seed", "correct", "n_test", "status"} - set(rows):
            yield f"{path}: row 1: {', '.join(sorted(missing))}: column missing; {MEASURE_AGAIN}"
            continue
        wrong = rows["correct"].astype(float) > rows["n_test"].astype(float)
        for row in rows.index[wrong][:1]:
            yield f"{path}: row {row + 2}: correct: exceeds n_test; {MEASURE_AGAIN}"
    for path in [folder / name for name in TABLES if (folder / name).exists()]:
        rows = _rows(path)
        found = [*_column_faults(rows, _schema(path.stem)), *_text_leaks(rows, names)]
        if "machine" in rows:
            other = rows["machine"] != folder.name
            found += _first(other, "machine", lambda row: f"{row['machine']!r} is not this one", rows)
        yield from (f"{path}: row {row}: {field}: {fault}" for row, field, fault in found)


# -- deployment --------------------------------------------------------------------------------------------------------
def check_deployment(folder: Path, names: Sequence[str] = ()) -> int:
    """Check what deployment left in the folder of a machine and return its number of rows; 0 where there is nothing.

    names  host and user names that no text may hold

    Raises SurveyError as :func:`check` does.
    """
    own = folder / DEPLOYMENT
    if not own.is_dir() or {path.name for path in own.iterdir()} <= {UNFINISHED}:
        return 0
    faults = list(_deployment_layout_faults(own))
    card = _card(folder, faults)
    tables = {name: _rows(path) for name in DEPLOYMENT_TABLES if (path := own / f"{name}.csv").is_file()}
    if (path := own / "environment.json").is_file():
        about = _json(path, MEASURE_AGAIN)
        try:
            check_schema(about, _schema("deployment_environment"), str(path))
        except SurveyError as error:
            faults += str(error).split("\n")
        faults += [f"{path}: {fault}" for fault in _leaks(about, names)]
    for name, rows in tables.items():
        found = [*_column_faults(rows, _schema(f"deployment_{name}")), *_text_leaks(rows, names)]
        # What a column means is only asked of columns that are there and hold what they should.
        found = found or list(_deployment_faults(name, rows, folder.name, tables, card))
        faults += [f"{own / name}.csv: row {row}: {field}: {fault}" for row, field, fault in sorted(found)]
    if faults:
        _report(faults)
    return sum(map(len, tables.values()))


def _deployment_layout_faults(own: Path) -> Iterator[str]:
    known = {f"{name}.csv" for name in DEPLOYMENT_TABLES} | {"environment.json", UNFINISHED}
    for path in sorted(own.iterdir()):
        if path.name not in known:
            yield f"{path}: not part of deployment; remove it"
    for name in ("rounds.csv", "environment.json"):
        if (own / "matrix.csv").is_file() and not (own / name).is_file():
            yield f"{own / name}: missing, and matrix.csv is told nothing without it; {MEASURE_AGAIN}"


def _card(folder: Path, faults: list[str]) -> Mapping:
    """Return the card of a folder's machine; what is wrong with it is added to ``faults``."""
    path = folder / "machine.json"
    try:
        card = _json(path, "take it from the machine that measured")
        check_schema(card, _schema("measurements_machine"), str(path))
    except SurveyError as error:
        faults += str(error).split("\n")
        return {}
    if card["machine"] != folder.name:
        faults.append(f"{path}: machine: {card['machine']!r} is not the name of its folder; rename the folder")
    return card


def _deployment_faults(
    name: str, rows: pd.DataFrame, machine: str, tables: Mapping[str, pd.DataFrame], card: Mapping
) -> Iterator[Fault]:
    yield from _first(rows["machine"] != machine, "machine", lambda row: f"{row['machine']!r} is not this one", rows)
    keys = {
        "matrix": ["path", "model", "threads"],
        "rounds": ["path", "model", "threads", "batch_size", "restart", "round"],
        "serving": ["server", "model", "threads", "rate_per_s"],
    }[name]
    yield from _first(rows.duplicated(keys), keys[0], lambda row: "stands twice", rows)
    if "date" in rows:
        latest = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
        yield from _first(rows["date"] > latest, "date", lambda row: f"{row['date']} lies in the future", rows)
        yield from _first(~rows["date"].map(_is_date), "date", lambda row: f"{row['date']!r} is no date", rows)
        silent = (rows["status"] != "ok") & rows["note"].isna()
        yield from _first(silent, "note", lambda row: f"empty, although {row['status']} needs its reason", rows)
    if name == "matrix":
        yield from _matrix_faults(rows, tables, card)
    elif name == "rounds":
        yield from _rounds_faults(rows, tables)
    else:
        yield from _serving_faults(rows)


def _numbers(rows: pd.DataFrame, *names: str) -> list[pd.Series]:
    import pandas as pd

    return [pd.to_numeric(rows[name], errors="coerce") for name in names]


def _out_of_order(rows: pd.DataFrame, *names: str) -> pd.Series:
    """Return where numbers that should not fall from column to column do; empty cells say nothing."""
    values = _numbers(rows, *names)
    wrong = values[0] > values[0]
    for number, low in enumerate(values):
        for high in values[number + 1 :]:
            wrong |= low > high * (1 + 1e-5)  # six digits are written
    return wrong


#: A path without quantisation whose logits are this far off has not answered rightly, whatever its own tolerance.
LOGITS_OFF = 1e-2


def _matrix_faults(rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame], card: Mapping) -> Iterator[Fault]:
    good = rows["status"] == "ok"
    needed = [
        *("latency_p50_ms", "throughput_b32_per_s", "artefact_bytes", "load_ms", "first_answer_ms", "versions"),
        *("max_logit_difference", "accuracy", "accuracy_source", "accuracy_change", "clock", "rounds", "restarts"),
    ]
    for name in needed:
        yield from _first(good & rows[name].isna(), name, lambda row: "empty, although the path is ok", rows)
    for names in (
        ("latency_p50_low_ms", "latency_p50_ms", "latency_p50_high_ms"),
        ("throughput_b32_low", "throughput_b32_per_s", "throughput_b32_high"),
        ("accuracy_change_low", "accuracy_change_high"),
        ("latency_p95_ms", "latency_p99_ms"),
    ):
        wrong = _out_of_order(rows, *names)
        yield from _first(wrong, names[0], lambda row, n=names: f"{', '.join(n)} are not in this order", rows)
    accuracy, source, change, low, high = _numbers(
        rows, *(f"accuracy{name}" for name in ("", "_source", "_change", "_change_low", "_change_high"))
    )
    wrong = (accuracy - source - change).abs() > 1e-4
    yield from _first(wrong, "accuracy_change", lambda row: "is not accuracy less accuracy_source", rows)
    outside = (change < low - 1e-6) | (change > high + 1e-6)
    yield from _first(outside, "accuracy_change", lambda row: "lies outside its interval", rows)
    (difference,) = _numbers(rows, "max_logit_difference")
    off = good & (rows["quantized"] == "false") & (difference > LOGITS_OFF)
    words = "ok, although a logit is {} off the source framework's"
    yield from _first(off, "status", lambda row: words.format(row["max_logit_difference"]), rows)
    if card.get("memory_gib"):
        (peak,) = _numbers(rows, "peak_memory_mib")
        beyond = peak > 1.05 * 1024 * float(card["memory_gib"])
        yield from _first(beyond, "peak_memory_mib", lambda row: "exceeds the machine's memory", rows)
    if "rounds" in tables and {"path", "model", "threads"} <= set(tables["rounds"]):
        measured = set(_keys(tables["rounds"]))
        alone = [ok and key not in measured for ok, key in zip(good, _keys(rows), strict=True)]
        yield from _first(alone, "path", lambda row: f"{row['path']} has no round in rounds.csv", rows)


def _keys(rows: pd.DataFrame) -> Iterator[tuple]:
    return rows[["path", "model", "threads"]].itertuples(index=False, name=None)


def _rounds_faults(rows: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> Iterator[Fault]:
    matrix = tables.get("matrix")
    if matrix is None or not {"path", "model", "threads", "clock"} <= set(matrix):
        yield 1, "path", f"rounds without a matrix.csv beside them; {MEASURE_AGAIN}"
        return
    clocks = dict(zip(_keys(matrix), matrix["clock"], strict=True))
    own = [clocks.get(key, "unknown") for key in _keys(rows)]
    unknown = [clock == "unknown" for clock in own]
    yield from _first(unknown, "path", lambda row: f"{row['path']} has no such row in matrix.csv", rows)
    clock, wall, threads = _numbers(rows, "clock_ms", "wall_ms", "threads")
    # A mean of CPU time over the calls of a block against a median of their wall times.
    beyond = clock > wall * threads * CPU_SLACK + CPU_SLACK_MS
    more = [much and name == "cpu" for much, name in zip(beyond, own, strict=True)]
    words = "{} ms of CPU do not fit {} ms on {} threads"
    yield from _first(more, "clock_ms", lambda row: words.format(row["clock_ms"], row["wall_ms"], row["threads"]), rows)


def _serving_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    loaded = rows["rate_per_s"].notna()
    for name in ("sent", "answered", "errors", "rejected", "duration_s", "achieved_per_s", "saturated", "restarts"):
        yield from _first(loaded & rows[name].isna(), name, lambda row: "empty at a rate that was tried", rows)
    sent, answered, errors, rejected = _numbers(rows, "sent", "answered", "errors", "rejected")
    wrong = loaded & (sent != answered + errors + rejected)
    yield from _first(wrong, "sent", lambda row: "is not answered, errors and rejected together", rows)
    for names in (
        ("latency_p50_ms", "latency_p95_ms", "latency_p99_ms"),
        ("latency_p50_low_ms", "latency_p50_ms", "latency_p50_high_ms"),
        ("latency_p99_low_ms", "latency_p99_ms", "latency_p99_high_ms"),
    ):
        wrong = _out_of_order(rows, *names)
        yield from _first(wrong, names[0], lambda row, n=names: f"{', '.join(n)} are not in this order", rows)
    never = ~loaded & (rows["status"] == "ok")
    yield from _first(never, "rate_per_s", lambda row: "empty, although the server is ok", rows)


def _row_faults(
    rows: pd.DataFrame, machine: str, workload: str, card: Mapping, names: Sequence[str]
) -> Iterator[Fault]:
    schema = _schema("measurements")
    yield from _column_faults(rows, schema)
    if set(schema["required"]) - set(rows):
        return
    yield from _text_leaks(rows, names)
    for field, wanted in (("machine", machine), ("workload", workload)):
        yield from _first(rows[field] != wanted, field, lambda row, f=field, w=wanted: f"{row[f]!r} is not {w!r}", rows)
    known = {(framework, mode) for framework in MODES for mode in MODES[framework]}
    odd = [cell not in known for cell in zip(rows["framework"], rows["mode"], strict=True)]
    yield from _first(odd, "mode", lambda row: f"{row['mode']!r} is no mode of {row['framework']}", rows)
    latest = (datetime.now(UTC).date() + timedelta(days=1)).isoformat()
    days = rows["date"].astype(str)
    yield from _first(days > latest, "date", lambda row: f"{row['date']} lies in the future", rows)
    yield from _first(~days.map(_is_date), "date", lambda row: f"{row['date']!r} is no date", rows)
    yield from _time_faults(rows, card)
    yield from _pairing_faults(rows)


def _time_faults(rows: pd.DataFrame, card: Mapping) -> Iterator[Fault]:
    import pandas as pd

    def numbers(name: str) -> pd.Series:
        return pd.to_numeric(rows[name], errors="coerce") if name in rows else pd.Series(float("nan"), rows.index)

    timed = rows["kind"].isin(["block", "first"]) & (rows["status"] == "ok")
    wall, cpu, threads = numbers("wall_ms"), numbers("cpu_ms"), numbers("threads")
    yield from _first(timed & ~(wall > 0), "wall_ms", lambda row: f"{row.get('wall_ms')} is no positive time", rows)
    yield from _first(timed & ~(cpu >= 0), "cpu_ms", lambda row: f"{row.get('cpu_ms')} is no time", rows)
    version = rows["version"].isna() if "version" in rows else True
    yield from _first(
        timed & version, "version", lambda row: f"missing, so nobody knows which {row['framework']}", rows
    )
    blocks = timed & (rows["kind"] == "block")
    room = wall * threads * CPU_SLACK + CPU_SLACK_MS / numbers("steps").fillna(1)
    more = blocks & (cpu > room)
    yield from _first(
        more,
        "cpu_ms",
        lambda row: f"{row['cpu_ms']} ms of CPU do not fit {row['wall_ms']} ms on {row['threads']} threads",
        rows,
    )
    if card.get("memory_gib"):
        beyond = numbers("peak_host_mib") > 1.05 * 1024 * float(card["memory_gib"])
        yield from _first(
            beyond, "peak_host_mib", lambda row: f"{row['peak_host_mib']} exceeds the machine's memory", rows
        )


PLACE = ("preset", "track", "data", "phase", "batch_size", "shape", "precision", "threads", "environment")


def _pairing_faults(rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield blocks that stand twice, and points at which no block of one side has a partner on the other."""
    blocks = rows[(rows["kind"] == "block") & (rows["status"] == "ok")]
    place = [name for name in PLACE if name in rows]
    turn = [name for name in ("restart", "session", "round") if name in rows]
    absent = [name for name in ("phase", "environment", "restart", "session", "round") if name not in rows]
    if absent and len(blocks):
        yield int(blocks.index[0]) + 2, ", ".join(absent), f"column missing, so no block can be paired; {MEASURE_AGAIN}"
        return
    empty = blocks[[*turn, "phase", "environment"]].isna()
    for row in blocks.index[empty.any(axis=1)][:1]:
        yield int(row) + 2, ", ".join(empty.columns[empty.loc[row]]), f"empty in a block; {MEASURE_AGAIN}"
    twice = blocks[blocks.duplicated([*place, *turn, "framework", "mode"])]
    for row in twice.index[:1]:
        yield int(row) + 2, "round", f"the same block stands twice; {MEASURE_AGAIN}"
    for _, own in blocks.groupby(place, dropna=False, sort=False):
        sides = [
            set(own.loc[own["framework"] == name, turn].itertuples(index=False, name=None))
            for name in ("pytorch", "tensorflow")
        ]
        if all(sides) and not sides[0] & sides[1]:
            yield (
                int(own.index[0]) + 2,
                "session",
                "no block of one framework ran in a round of the other, so no ratio can be formed; "
                "measure both in one run",
            )


def _first(wrong, field: str, words, rows: pd.DataFrame) -> Iterator[Fault]:
    """Yield the first row that is wrong, and how many are."""
    where = [place for place, bad in enumerate(wrong) if bad]
    if where:
        more = f" (and {len(where) - 1} more rows)" if len(where) > 1 else ""
        yield where[0] + 2, field, f"{words(rows.iloc[where[0]])}{more}; {MEASURE_AGAIN}"


def _column_faults(rows: pd.DataFrame, schema: Mapping) -> Iterator[Fault]:
    """Yield what the schema forbids, column by column: each distinct value is looked at once."""
    from jsonschema import Draft202012Validator

    known = schema["properties"]
    for name in rows:
        if name not in known:
            yield 1, name, "column not known; remove it, or export with the version of the project that measured"
    for name in schema["required"]:
        if name not in rows:
            yield 1, name, f"column missing; {MEASURE_AGAIN}"
    for name, field in known.items():
        if name not in rows:
            continue
        validator = Draft202012Validator(field)
        numeric = _numeric(field)
        for value, row in _telling(rows[name]) if numeric else _distinct(rows[name]):
            for error in validator.iter_errors(_value(value, numeric=numeric)):
                yield row + 2, name, f"{error.message}; {MEASURE_AGAIN}"


def _numeric(field: Mapping) -> bool:
    """Return whether a column may hold numbers, alone or beside words such as "auto"."""
    kinds = field.get("type", ())
    own = {"number", "integer"} & {*([kinds] if isinstance(kinds, str) else kinds)}
    return bool(own) or 1 in field.get("enum", ()) or any(map(_numeric, field.get("anyOf", ())))


def _distinct(values: pd.Series) -> Iterator[tuple[object, int]]:
    """Yield each distinct value with the first row that holds it."""
    first = values.drop_duplicates()
    yield from zip(first, first.index, strict=True)


def _telling(values: pd.Series) -> Iterator[tuple[object, int]]:
    """Yield the values of a column of numbers that would break its rules first: the ends, gaps, texts, fractions."""
    import pandas as pd

    numbers = pd.to_numeric(values, errors="coerce")
    rows = {numbers.idxmin(), numbers.idxmax()} if numbers.notna().any() else set()
    for odd in (values.isna(), numbers.isna() & values.notna(), numbers % 1 != 0):
        rows |= set(values.index[odd][:1])
    yield from ((values[row], row) for row in sorted(rows))


def _value(value: object, *, numeric: bool) -> object:
    """Return a cell as JSON Schema sees it: empty is null, a number is a number where one is asked for."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    try:
        number = float(value) if numeric else None
    except ValueError:
        return value
    if number is None:
        return value
    return int(number) if number.is_integer() else number


_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+")


def _leaks(value: object, names: Sequence[str], field: str = "") -> Iterator[str]:
    """Yield the fields of a document that hold an absolute path, an address or one of the names."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _leaks(part, names, f"{field}.{key}".strip("."))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaks(part, names, f"{field}.{number}")
    elif isinstance(value, str) and (fault := _leak(value, names)):
        yield f"{field}: {fault}"


def _leak(text: str, names: Sequence[str]) -> str:
    if found := _PATH.search(text):
        return f"holds the path {found.group()!r}; take it out"
    if found := _MAIL.search(text):
        return f"holds the address {found.group()!r}; take it out"
    for name in names:
        if re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text):
            return f"holds the host or user name {name!r}; take it out"
    return ""


def _text_leaks(rows: pd.DataFrame, names: Sequence[str]) -> Iterator[Fault]:
    for name in rows.select_dtypes(["object", "string"]):
        for value, row in _distinct(rows[name]):
            if isinstance(value, str) and (fault := _leak(value, names)):
                yield row + 2, name, fault


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _rows(path: Path) -> pd.DataFrame:
    """Return the rows of a CSV as text, empty cells missing; raise SurveyError where it is none."""
    import pandas as pd

    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, na_values=[""])
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[-1]
        raise SurveyError(f"{path}: cannot be read as CSV ({reason}); export the set again") from error


def _json(path: Path, remedy: str) -> dict:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SurveyError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    except ValueError as error:
        raise SurveyError(f"{path}: not JSON ({error}); {remedy}") from error
    if not isinstance(found, dict):
        raise SurveyError(f"{path}: holds no object; {remedy}")
    return found


def _schema(name: str) -> dict:
    return read_yaml(SCHEMAS / f"{name}.schema.yaml")
