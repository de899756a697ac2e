"""Upkeep: will it run here, will it last. From the releases in the package index and what was run to the page's tables.

Releases, wheels, requirements and routes come from the newest snapshot of the source ``package_index`` and are full
counts, so they carry no interval. Builds, hostile files and repeatability come from ``data/measurements/<machine>/``.
Days count to the day on which the snapshot was read, never to today, so the same data give the same tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import median

import pandas as pd
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import Version

from analysis.adoption_data import read_rows
from analysis.harvesting.snapshots import latest
from analysis.sources.package_index import registry
from reproductions.errors import SurveyError

SOURCE = "package_index"
COMMAND = "snakemake --cores 8 upkeep"
#: What a row rests on, and the command that makes it again; of what is cited there is none.
READ_BY = {"basis": "metadata", "command": f"python -m analysis sources fetch {SOURCE}"}
CITED = {"basis": "cited", "command": None}
RUN_NONE = ("not_run", "skipped", "not_installable")  # status of rows that say why nothing was run
PUBLISHED = "read"  # state of the removals that the page shows
MINORS = 6  # minors that the cadence looks at: five gaps
LAG_YEARS = 3
TABLES = ("releases", "wheels", "requirements", "builds", "routes")  # of the snapshot
SHOWN_SINCE = "2023-01-01"  # minors of the runway
SHOWN = 5  # of the newest of each framework that the page lists
SIDES = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "keras": "Keras", "jax": "JAX", "both": "both"}
PLATFORMS = {
    "linux_x86_64": "Linux x86-64",
    "linux_aarch64": "Linux aarch64",
    "macos_arm64": "macOS arm64",
    "macos_x86_64": "macOS x86-64",
    "macos_universal2": "macOS universal",
    "windows_x86_64": "Windows x86-64",
    "windows_arm64": "Windows arm64",
    "any": "any",
    "other": "other",
}
CARRIERS = ("jaxlib",)  # packages that only carry a framework's binaries
#: Tables of a machine's folder.
MEASURED = (
    *("upkeep_builds", "upkeep_safety", "upkeep_repeatability"),
    *("upkeep_moving", "upkeep_defaults", "upkeep_old_files"),
)
#: Where a model is before and after a move.
PLACES = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "keras_torch": "Keras on PyTorch"}
#: What the key of a build's own file means.
BUILDS = {
    "cuda": "CUDA version",
    "cuda_version": "CUDA version",
    "cudnn_version": "cuDNN version",
    "cuda_compute_capabilities": "GPU architectures",
    "hip": "ROCm version",
    "is_rocm_build": "ROCm build",
}
CURATED = ("python_life", "removals", "accelerators")

COLUMNS: dict[str, tuple[str, ...]] = {
    "upkeep_packages": (
        *("package", "title", "side", "kind", "role", "version", "stage", "day", "age_days", "releases_365d"),
        *("minors_365d", "gap_days", "gap_shortest", "gap_longest", "gaps", "patches", "patched_days", "pythons"),
        *("platforms", "glibc", "follows", "admits", "state", "behind_days", "lag_days", "lag_minors", "lag_waiting"),
        *("read", "basis", "command"),
    ),
    "upkeep_minors": (
        *("package", "title", "version", "day", "gap_days", "patches", "last_patch", "patched_days"),
        *("read", "basis", "command"),
    ),
    "upkeep_pythons": (
        *("package", "title", "python", "released", "state", "first_version", "first_day", "days", "source"),
        *("read", "basis", "command"),
    ),
    "upkeep_versions": (
        *("package", "title", "version", "day", "newest_python", "python_ends", "days_left", "pythons", "platforms"),
        *("platforms_gone", "glibc", "cuda", "last_patch", "shown", "read", "basis", "command"),
    ),
    "upkeep_runway": (
        *("package", "title", "version", "day", "needs", "what", "state", "served_until", "days_left", "source"),
        *("read", "basis", "command"),
    ),
    "upkeep_routes": (
        *("route", "title", "side", "version", "python", "platform", "packages", "mib", "largest", "largest_mib"),
        *("resolved", "basis", "command"),
    ),
    "upkeep_accelerators": (
        *("side", "package", "version", "day", "what", "value", "source", "machine", "shown"),
        *("read", "basis", "command"),
    ),
    "upkeep_removals": ("day", "side", "who", "what", "state", "source", "note", "read", "basis", "command"),
    "upkeep_safety": (
        *("machine", "date", "file", "title", "side", "reader", "documented", "version", "outcome", "marker"),
        *("message", "basis", "command", "status", "note"),
    ),
    "upkeep_repeatability": (
        *("machine", "date", "device", "side", "mode", "mode_title", "switches", "version", "runs", "distinct"),
        *("identical", "step_ms", "low", "high", "cost", "cost_low", "cost_high", "basis", "command", "status", "note"),
    ),
    "upkeep_moving": (
        *("machine", "date", "workload", "network", "route", "title", "direction", "documented", "tools", "version"),
        *("converts", "convert_s", "parameters", "trainable", "kept", "logits_difference", "logits_tolerance"),
        *("same_outputs", "trace_difference", "trace_tolerance", "same_training", "infer", "infer_low", "infer_high"),
        *("train", "train_low", "train_high", "rounds", "basis", "command", "status", "note"),
    ),
    "upkeep_defaults": (
        *("machine", "date", "default", "title", "network", "dataset", "pytorch_asked", "pytorch_value"),
        *("pytorch_version", "tensorflow_asked", "tensorflow_value", "tensorflow_version", "seeds", "epochs"),
        *("n_train", "n_test", "accuracy_pytorch", "accuracy_tensorflow", "difference", "low", "high", "wording"),
        *("basis", "command", "status", "note"),
    ),
    "upkeep_old_files": (
        *("machine", "date", "kind", "title", "side", "network", "maker", "saved_by", "loader", "loaded_by", "way"),
        *("documented", "outcome", "difference", "message", "way_out", "basis", "command", "status", "note"),
    ),
}


@dataclass
class Counted:
    """What the tables are made from: the snapshot's tables, the curated ones and what each machine measured.

    read   day on which the index was read; empty without a snapshot
    rows   ``{table: rows}`` of the snapshot, values as text
    """

    read: str = ""
    rows: Mapping[str, list[dict]] = field(default_factory=dict)
    curated: Mapping[str, list[dict]] = field(default_factory=dict)
    measured: Mapping[str, list[dict]] = field(default_factory=dict)

    def table(self, name: str) -> list[dict]:
        """Return the rows of a table of the snapshot."""
        return self.rows.get(name, [])


# -- reading -----------------------------------------------------------------------------------------------------------
def read(snapshots: Path, measurements: Path, data: Path, schemas: Path) -> Counted:
    """Return what is there; a snapshot or a machine that is absent gives no rows.

    raises  SurveyError with ``file: row: fault; remedy`` a line
    """
    version = latest(snapshots, SOURCE)
    rows = {name: version.rows(name) for name in TABLES} if version else {}
    faults: list[str] = []
    curated = {}
    for name in CURATED:
        numbered, wrong = read_rows(data / f"{name}.csv", schemas / f"{name}.schema.yaml")
        curated[name] = [row for _, row in numbered]
        faults += wrong
        faults += [
            f"{data / name}.csv: row {number}: read: empty, although the state is {PUBLISHED}; give the day you read it"
            for number, row in numbered
            if row.get("state") == PUBLISHED and not row["read"]
        ]
    if faults:
        raise SurveyError("\n".join(faults[:20]))
    measured = read_measured(measurements, schemas)
    return Counted(version.provenance["retrieved"] if version else "", rows, curated, measured)


def read_measured(measurements: Path, schemas: Path, machine: str = "*") -> dict[str, list[dict]]:
    """Return the rows that machines left, by table; ``machine`` reads that one's folder alone.

    raises  SurveyError with ``file: row: fault; remedy`` a line
    """
    measured, faults = {name: [] for name in MEASURED}, []
    for name in MEASURED:
        for path in sorted(Path(measurements).glob(f"{machine}/{name}.csv")):
            numbered, wrong = read_rows(path, schemas / f"{name}.schema.yaml")
            faults += wrong
            faults += [
                f"{path}: row {number}: machine {row['machine']} lies in the folder of {path.parent.name}; move it"
                for number, row in numbered
                if row["machine"] != path.parent.name
            ]
            measured[name] += [row for _, row in numbered]
    if faults:
        raise SurveyError("\n".join(faults[:20]))
    return measured


def tables(counted: Counted) -> dict[str, pd.DataFrame]:
    """Return the tables of the page by name, each with the columns of :data:`COLUMNS`; same input, same tables."""
    packages = registry()["packages"]
    made: dict[str, list[dict]] = {name: [] for name in COLUMNS}
    releases = _releases(counted)
    for name, entry in packages.items():
        if name in releases:
            made["upkeep_packages"].append(_package(counted, releases, name, entry))
    for name in (name for name, entry in packages.items() if entry["kind"] == "framework" and name in releases):
        made["upkeep_minors"] += _minor_rows(counted, releases[name], name, packages[name]["title"])
        made["upkeep_pythons"] += _python_rows(counted, name, packages[name])
        wide, long = _runway(counted, releases, name, packages[name])
        made["upkeep_versions"] += wide
        made["upkeep_runway"] += long
    made["upkeep_routes"] = _routes(counted)
    made["upkeep_accelerators"] = _accelerators(counted, releases)
    for name in ("upkeep_packages", "upkeep_minors", "upkeep_pythons", "upkeep_versions", "upkeep_runway"):
        made[name] = [READ_BY | row for row in made[name]]
    made["upkeep_removals"] = [row | CITED for row in counted.curated.get("removals", []) if row["state"] == PUBLISHED]
    for name in ("upkeep_safety", "upkeep_repeatability", "upkeep_defaults", "upkeep_old_files"):
        made[name] = [_was_run(row) for row in counted.measured.get(name, [])]
    made["upkeep_moving"] = [_was_run(_moved(row)) for row in counted.measured.get("upkeep_moving", [])]
    return {name: pd.DataFrame(rows, columns=list(COLUMNS[name])) for name, rows in made.items()}


def write_tables(snapshots: Path, measurements: Path, data: Path, schemas: Path, out: Path) -> dict[str, pd.DataFrame]:
    """Read, tabulate and write ``<name>.csv`` to ``out``; raises SurveyError as :func:`read` does."""
    from analysis.drawing import inert_csv
    from reproductions.files import write_text

    made = tables(read(snapshots, measurements, data, schemas))
    for name, frame in made.items():
        write_text(out / f"{name}.csv", inert_csv(frame))
    return made


# -- releases ----------------------------------------------------------------------------------------------------------
def _releases(counted: Counted) -> dict[str, list[dict]]:
    """Return the releases of each package by version, oldest first, with ``at`` and ``when`` parsed."""
    found: dict[str, list[dict]] = {}
    for row in counted.table("releases"):
        parsed = {"at": Version(row["version"]), "when": date.fromisoformat(row["day"])}
        found.setdefault(row["package"], []).append(row | parsed)
    return {name: sorted(rows, key=lambda row: row["at"]) for name, rows in found.items()}


def finals(rows: Iterable[Mapping]) -> list[Mapping]:
    """Return the final releases, or all of them where a package has none."""
    rows = list(rows)
    return [row for row in rows if row["stage"] == "final"] or rows


def minors(rows: Iterable[Mapping]) -> list[list[Mapping]]:
    """Return the final releases by minor version, oldest minor first, each minor oldest release first.

    A minor that came only when a higher one was out already (TensorFlow 1.15 after 2.0) belongs to an older line and is
    left out: the time between minors is that of the newest line.
    """
    grouped: dict[tuple[int, ...], list[Mapping]] = {}
    for row in finals(rows):
        grouped.setdefault((*row["at"].release, 0)[:2], []).append(row)
    found: list[list[Mapping]] = []
    for key in sorted(grouped, reverse=True):
        if not found or grouped[key][0]["when"] < found[-1][0]["when"]:
            found.append(grouped[key])
    return found[::-1]


def gaps(grouped: Sequence[Sequence[Mapping]]) -> list[int]:
    """Return the days from the first release of each minor to that of the next."""
    days = [own[0]["when"] for own in grouped]
    return [(after - before).days for before, after in pairwise(days)]


def _package(counted: Counted, releases: Mapping[str, list], name: str, entry: Mapping) -> dict:
    read_on = date.fromisoformat(counted.read)
    final, grouped = finals(releases[name]), minors(releases[name])
    newest = final[-1]
    recent = grouped[-MINORS:]
    between = gaps(recent)
    year = read_on - timedelta(days=365)
    patched = [own for own in recent[:-1] if own] or recent
    carrier = finals(releases[entry["wheels"]])[-1] if entry.get("wheels") in releases else newest
    row = {
        "package": name,
        **{key: entry[key] for key in ("title", "side", "kind")},
        "role": "framework" if entry["kind"] == "framework" else "carrier" if name in CARRIERS else "satellite",
        **{key: newest[key] for key in ("version", "stage", "day")},
        "age_days": (read_on - newest["when"]).days,
        "releases_365d": sum(each["when"] > year for each in final),
        "minors_365d": sum(own[0]["when"] > year for own in grouped),
        "gap_days": median(between) if between else None,
        "gap_shortest": min(between, default=None),
        "gap_longest": max(between, default=None),
        "gaps": len(between),
        "patches": median(len(own) - 1 for own in patched),
        "patched_days": median((own[-1]["when"] - own[0]["when"]).days for own in patched),
        "pythons": words(carrier["pythons"].split(), newest["requires_python"]),
        "platforms": ", ".join(PLATFORMS[each] for each in carrier["platforms"].split()),
        "glibc": glibc(carrier),
        "follows": entry.get("follows", ""),
        "read": counted.read,
    }
    return row | _keeping_up(counted, releases, name, entry.get("follows"), read_on)


def words(pythons: Sequence[str], requires: str) -> str:
    """Say the Pythons of a release's wheels, oldest to newest; of a wheel for any, what the release asks for."""
    exact = [each for each in pythons if re.fullmatch(r"3\.\d+", each)]
    more = [each for each in pythons if each not in exact and each != "any"]
    if exact:
        return " ".join([f"{exact[0]}-{exact[-1]}" if len(exact) > 1 else exact[0], *more])
    return " ".join(more) or (f"any {requires}".strip() if "any" in pythons else "no wheel")


def glibc(release: Mapping) -> str | None:
    """Say the oldest glibc that a release's x86-64 wheels ask for."""
    return f"glibc {release['linux_tag']}" if release["linux_tag"] else None


def _keeping_up(counted: Counted, releases: Mapping, name: str, follows: str | None, read_on: date) -> dict:
    """Return what a satellite's newest release admits of its framework, since when a newer one is shut out, and lags.

    The lag is the days from a minor of the framework to the satellite's next final release, over the minors of the last
    three years that came after the satellite's first release; a minor that still waits is counted apart.
    """
    if not follows or follows not in releases:
        return {}
    own, framework = finals(releases[name]), finals(releases[follows])
    since = max(read_on - timedelta(days=365 * LAG_YEARS), min(row["when"] for row in own))
    lags, waiting = [], 0
    for minor in minors(releases[follows]):
        first = minor[0]["when"]
        if first < since:
            continue
        later = [row["when"] for row in own if row["when"] >= first]
        lags += [(min(later) - first).days] if later else []
        waiting += not later
    found = {
        "lag_days": median(lags) if lags else None,
        "lag_minors": len(lags) + waiting,
        "lag_waiting": waiting,
        "admits": None,
        "state": "names no release of it",
        "behind_days": None,
    }
    asked = [
        row
        for row in counted.table("requirements")
        if row["package"] == name and re.sub(r"\[.*", "", row["name"]) in (follows, f"{follows}-cpu")
    ]
    asked = [row for row in asked if not row["extra"]] or asked
    if not any(row["package"] == name for row in counted.table("requirements")):
        return found | {"state": "its newest release has no wheel to read it from"}
    if not asked:
        return found
    admitted = [row for row in framework if any(_admits(need["specifier"], row["version"]) for need in asked)]
    optional = " in an extra" if all(row["extra"] for row in asked) else ""
    if not admitted:
        return found | {"state": f"admits none that is served{optional}"}
    newest = admitted[-1]
    shut_out = [row for row in framework if row["at"] > newest["at"]]
    if not shut_out:
        bound = any(re.search(r"[<=~]", re.sub(r">=", "", row["specifier"])) for row in asked)
        state = f"admits the newest{'' if bound else ', sets no bound'}{optional}"
        return found | {"admits": newest["version"], "state": state, "behind_days": 0}
    days = (read_on - min(row["when"] for row in shut_out)).days
    return found | {"admits": newest["version"], "state": f"shuts newer ones out{optional}", "behind_days": days}


def _admits(specifier: str, version: str) -> bool:
    try:
        return SpecifierSet(specifier).contains(version)
    except InvalidSpecifier:
        return False


def _minor_rows(counted: Counted, rows: list[dict], name: str, title: str) -> list[dict]:
    grouped = minors(rows)
    between = [None, *gaps(grouped)]
    found = []
    for own, gap in zip(grouped, between, strict=True):
        found.append(
            {
                "package": name,
                "title": title,
                "version": own[0]["version"],
                "day": own[0]["day"],
                "gap_days": gap,
                "patches": len(own) - 1,
                "last_patch": own[-1]["day"],
                "patched_days": (own[-1]["when"] - own[0]["when"]).days,
                "read": counted.read,
            }
        )
    return found


# -- Pythons -----------------------------------------------------------------------------------------------------------
def _python_rows(counted: Counted, name: str, entry: Mapping) -> list[dict]:
    """Return for each Python the days from its release to the first final release with a wheel for it."""
    carrier = entry.get("wheels", name)
    first: dict[str, dict] = {}
    for row in counted.table("wheels"):
        if row["package"] == carrier and (
            row["python"] not in first or row["first_day"] < first[row["python"]]["first_day"]
        ):
            first[row["python"]] = row
    if "any" in first and len(first) == 1:
        return []  # one wheel for any Python: the question does not arise
    found = []
    life = counted.curated.get("python_life", [])
    oldest = min((row["first_day"] for row in first.values()), default="")
    for row in life:
        for python in (row["python"], f"{row['python']}t"):
            wheel = first.get(python)
            free = python.endswith("t")
            # What the index holds begins after this Python: its first wheel is not known.
            if row["first_release"] < oldest or (wheel is None and free):
                continue
            until = wheel["first_day"] if wheel else counted.read
            found.append(
                {
                    "package": name,
                    "title": entry["title"],
                    "python": f"Python {python}",
                    "released": row["first_release"],
                    "state": "wheel" if wheel else "none yet",
                    "first_version": wheel["first_version"] if wheel else None,
                    "first_day": wheel["first_day"] if wheel else None,
                    "days": (date.fromisoformat(until) - date.fromisoformat(row["first_release"])).days,
                    "source": row["source"],
                    "read": counted.read,
                }
            )
    return found


# -- runway ------------------------------------------------------------------------------------------------------------
def _runway(counted: Counted, releases: Mapping, name: str, entry: Mapping) -> tuple[list[dict], list[dict]]:
    """Return a row a minor and a row for each thing that a minor needs: how long it is still served.

    A Python is served until its end of life; a platform or CUDA major while the newest final release still has it, and
    otherwise until the day of the first release without it.
    """
    life = {row["python"]: row for row in counted.curated.get("python_life", [])}
    carriers = finals(releases[entry["wheels"]]) if entry.get("wheels") in releases else finals(releases[name])
    grouped = minors(releases[name])
    cuda = cuda_majors(counted, name)
    wide, long = [], []
    newest = {own[0]["version"] for own in grouped[-SHOWN:]}
    for own in grouped:
        last = own[-1]
        if own[0]["day"] < SHOWN_SINCE:
            continue
        carrier = _carrier(carriers, last) if entry.get("wheels") else last
        pythons = [each for each in carrier["pythons"].split() if each in life]
        platforms = carrier["platforms"].split()
        common = {"package": name, "title": entry["title"], "version": last["version"], "read": counted.read}
        needs = [_python_need(life[each], counted.read) for each in pythons]
        needs += [_platform_need(each, carriers) for each in platforms if each != "any"]
        majors = cuda.get((*own[0]["at"].release, 0)[:2], [])
        needs += [_cuda_need(each, cuda, grouped) for each in majors]
        long += [common | {"day": last["day"]} | need for need in needs]
        ends = max((life[each]["end_of_life"] for each in pythons), default=None)
        left = (date.fromisoformat(ends) - date.fromisoformat(counted.read)).days if ends else None
        gone = [need["what"] for need in needs if need["needs"] == "platform" and need["state"] == "gone"]
        wide.append(
            common
            | {
                "day": own[0]["day"],
                "newest_python": f"Python {pythons[-1]}" if pythons else None,
                "python_ends": ends,
                "days_left": left,
                "pythons": words(carrier["pythons"].split(), last["requires_python"]),
                "platforms": ", ".join(PLATFORMS[each] for each in platforms),
                "platforms_gone": ", ".join(gone) or None,
                "glibc": glibc(carrier),
                "cuda": f"CUDA {', '.join(majors)}" if majors else None,
                "last_patch": last["day"],
                # Where one wheel is for any Python, the runway is that of what it runs on.
                "shown": "yes" if pythons and own[0]["version"] in newest else "no",
            }
        )
    return wide[::-1], long[::-1]


def _carrier(carriers: Sequence[Mapping], release: Mapping) -> Mapping:
    """Return the release of the package with the binaries that has the same version, or the newest before it."""
    older = [row for row in carriers if row["at"] <= release["at"]]
    return older[-1] if older else carriers[0]


def _python_need(row: Mapping, read_on: str) -> dict:
    left = (date.fromisoformat(row["end_of_life"]) - date.fromisoformat(read_on)).days
    state = "served" if left >= 0 else "ended"
    return {
        "needs": "Python",
        "what": f"Python {row['python']}",
        "state": state,
        "served_until": row["end_of_life"],
        "days_left": left,
        "source": row["source"],
        "basis": "cited",
    }


def _platform_need(platform: str, carriers: Sequence[Mapping]) -> dict:
    having = [row for row in carriers if platform in row["platforms"].split()]
    without = [row for row in carriers if row["at"] > having[-1]["at"]] if having else []
    return {
        "needs": "platform",
        "what": PLATFORMS[platform],
        "state": "gone" if without else "served",
        "served_until": without[0]["day"] if without else None,
        "days_left": None,
        "source": "wheels in the package index",
    }


def _cuda_need(major: str, cuda: Mapping, grouped: Sequence[Sequence[Mapping]]) -> dict:
    days = {(*own[0]["at"].release, 0)[:2]: own[0]["day"] for own in grouped}
    having = max(key for key, majors in cuda.items() if major in majors)
    without = [days[key] for key in sorted(cuda) if key > having]
    return {
        "needs": "CUDA major",
        "what": f"CUDA {major}",
        "state": "gone" if without else "served",
        "served_until": without[0] if without else None,
        "days_left": None,
        "source": "requirements of the Linux wheel",
    }


# -- routes ------------------------------------------------------------------------------------------------------------
def _routes(counted: Counted) -> list[dict]:
    known = registry()["routes"]
    grouped: dict[str, list[dict]] = {}
    for row in counted.table("routes"):
        grouped.setdefault(row["route"], []).append(row)
    found = []
    for name, rows in grouped.items():
        if name not in known:
            continue
        largest = max(rows, key=lambda row: int(row["bytes"]))
        found.append(
            {
                "route": name,
                "title": known[name]["title"],
                "side": known[name]["side"],
                "version": _asked_for(rows, known[name]["needs"]),
                "python": f"Python {rows[0]['python']}",
                "platform": PLATFORMS[rows[0]["platform"]],
                "packages": len(rows),
                "mib": sum(int(row["bytes"]) for row in rows) / 2**20,
                "largest": f"{largest['package']} {largest['version']}",
                "largest_mib": int(largest["bytes"]) / 2**20,
                "resolved": rows[0]["resolved"],
                **READ_BY,
            }
        )
    order = list(known)
    return sorted(found, key=lambda row: order.index(row["route"]))


def _asked_for(rows: Iterable[Mapping], needs: Sequence[str]) -> str:
    """Say the versions of the packages that a route asks for by name."""
    names = [re.split(r"[\[<>=!~ ]", need)[0] for need in needs]
    return ", ".join(f"{row['package']} {row['version']}" for row in rows if row["package"] in names)


# -- accelerators ------------------------------------------------------------------------------------------------------
def cuda_majors(counted: Counted, name: str) -> dict[tuple[int, ...], list[str]]:
    """Return the CUDA majors that the Linux wheel of a minor's first release requires, by minor.

    They are read from the names of NVIDIA's packages (``nvidia-cudnn-cu13``), from the version of ``cuda-toolkit``, and
    from the extras ``cuda12`` and the like. A release that names none has an empty list: before such requirements came
    in use the libraries lay inside the wheel.
    """
    found: dict[tuple[int, ...], set[str]] = {}
    for row in counted.table("requirements"):
        if row["package"] != name:
            continue
        majors = found.setdefault((*Version(row["version"]).release, 0)[:2], set())
        package = re.sub(r"\[.*", "", row["name"])
        if (
            (match := re.search(r"-cu(\d+)$", package))
            or (package in ("cuda-toolkit", "cuda-bindings") and (match := re.search(r"==\s*(\d+)", row["specifier"])))
            or (match := re.search(r"cuda(\d+)", package))
        ):
            majors.add(match[1])
    return {key: sorted(majors, key=int) for key, majors in sorted(found.items())}


def _built(counted: Counted, name: str, side: str) -> list[dict]:
    """Return what the Linux wheel of each minor says of its own build; the page lists those that say something new."""
    found, before = [], {}
    rows = [row for row in counted.table("builds") if row["package"] == name]
    newest = max((Version(row["version"]) for row in rows), default=None)
    for row in sorted(rows, key=lambda row: Version(row["version"])):
        path, key = row["key"].split(" ")
        changed = before.get(key) != row["value"] or Version(row["version"]) == newest
        before[key] = row["value"]
        found.append(
            {
                "side": side,
                "package": name,
                "version": row["version"],
                "day": row["day"],
                "what": f"{BUILDS[key]} in the Linux wheel",
                "value": row["value"],
                "source": f"{path} of the wheel",
                "read": counted.read,
                "shown": "yes" if changed and not BUILDS[key].startswith(("cuDNN", "ROCm b")) else "no",
                **READ_BY,
            }
        )
    return found


def _routes_named(counted: Counted, name: str, side: str, firsts: Sequence[Mapping]) -> list[dict]:
    """Return what the newest minor of a framework names for TPU and ROCm, and in which extra."""
    if not firsts:
        return []
    newest = firsts[-1]
    found = []
    for what, pattern in (("TPU", r"libtpu.*|tpu-.*|torch-xla.*"), ("ROCm", r".*rocm.*")):
        named = [
            f"{row['name']}{' in the extra ' + row['extra'] if row['extra'] else ''}"
            for row in counted.table("requirements")
            if (row["package"], row["version"]) == (name, newest["version"]) and re.fullmatch(pattern, row["name"])
        ]
        found.append(
            {
                "side": side,
                "package": name,
                "version": newest["version"],
                "day": newest["day"],
                "what": what,
                "value": ", ".join(dict.fromkeys(named)) or "named in no requirement",
                **READ_BY,
                "source": "requirements of the Linux wheel",
                "read": counted.read,
                "shown": "yes" if named else "no",
            }
        )
    return found


def _accelerators(counted: Counted, releases: Mapping) -> list[dict]:
    """Return what each release says of accelerators: read from metadata, run here, or cited."""
    packages = registry()["packages"]
    found = []
    for name in ("torch", "tensorflow", "jax"):
        days = {(*own[0]["at"].release, 0)[:2]: own[0] for own in minors(releases.get(name, []))}
        before = None
        majors_of = {key: majors for key, majors in cuda_majors(counted, name).items() if key in days}
        for key, majors in majors_of.items():
            changed, before = majors != before or key == max(majors_of), majors
            found.append(
                {
                    "side": packages[name]["side"],
                    "package": name,
                    "version": days[key]["version"],
                    "day": days[key]["day"],
                    "what": "CUDA major",
                    "value": f"CUDA {', '.join(majors)}" if majors else "named in no requirement",
                    **READ_BY,
                    "source": "requirements of the Linux wheel",
                    "read": counted.read,
                    "shown": "yes" if changed else "no",
                }
            )
        found += _built(counted, name, packages[name]["side"])
        found += _routes_named(counted, name, packages[name]["side"], list(days.values()))
    for name, entry in packages.items():
        if entry["kind"] == "hardware" and name in releases:
            newest = finals(releases[name])[-1]
            found.append(
                {
                    "side": entry["side"],
                    "package": name,
                    "version": newest["version"],
                    "day": newest["day"],
                    "what": "newest release",
                    "value": words(newest["pythons"].split(), newest["requires_python"]),
                    **READ_BY,
                    "source": "the package index",
                    "read": counted.read,
                    "shown": "no",  # the table of packages has it
                }
            )
    for row in counted.measured.get("upkeep_builds", []):
        found.append(
            {
                "side": row["side"],
                "package": row["package"],
                "version": row["version"],
                "day": None,
                "what": row["what"],
                "value": row["value"],
                "basis": "run",
                "command": row["command"],
                "source": row["asked"],
                "read": row["date"],
                "machine": row["machine"],
                "shown": "yes" if re.match("CUDA v|GPU|MPS|ROCm", row["what"]) else "no",
            }
        )
    # What a snapshot has read from the wheel itself need not be cited beside it.
    read_here = {(row["package"], row["version"], row["what"]) for row in found if row["basis"] == READ_BY["basis"]}
    found += [
        row | CITED | {"shown": "yes"}
        for row in counted.curated.get("accelerators", [])
        if (row["package"], row["version"], row["what"]) not in read_here
    ]
    return found


def _was_run(row: Mapping) -> dict:
    """Return a measured row that says whether it was run."""
    return dict(row) | {"basis": "not run" if row["status"] in RUN_NONE else "run"}


# -- moving a model ----------------------------------------------------------------------------------------------------
def _moved(row: Mapping) -> dict:
    """Return a row of a move with its direction and the share of the parameters that still train."""
    known = row["parameters"] and row["trainable"] is not None
    found = {name: value for name, value in row.items() if name not in ("leaves", "arrives")}
    return found | {
        "direction": f"{PLACES[row['leaves']]} to {PLACES[row['arrives']]}",
        "kept": row["trainable"] / row["parameters"] if known else None,
    }
