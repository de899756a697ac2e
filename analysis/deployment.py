"""Deployment: from what each machine tried (``data/measurements/<machine>/deployment/``) to the tables of the page.

Every row keeps the machine and the day it was measured on, and a path that did not come through keeps its row with the
reason. What the registries know and a machine did not try is a row as well. Nothing here runs a framework.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis import runtimes
from reproductions import contributions
from reproductions.deployment import environments, servers, spec, states

COMMAND = "snakemake --cores 8 deploy"
FRAMEWORKS = {"pytorch": "PyTorch", "tensorflow": "TensorFlow", "keras_torch": "Keras on PyTorch"}
RUNTIMES = {
    "torch": "PyTorch",
    "torchscript": "TorchScript",
    "tensorflow": "TensorFlow",
    "tensorflow_serving": "TensorFlow Serving",
    "onnxruntime": "ONNX Runtime",
    "litert": "LiteRT",
    "executorch": "ExecuTorch",
    "openvino": "OpenVINO",
    "onnxruntime_web": "ONNX Runtime Web",
    "onnxruntime_node": "ONNX Runtime for Node",
    "litert_js": "LiteRT.js",
    "tfjs_cpu": "TensorFlow.js, cpu",
    "tfjs_wasm": "TensorFlow.js, wasm",
    "tfjs_node_cpu": "TensorFlow.js in Node, cpu",
    "tfjs_node_wasm": "TensorFlow.js in Node, wasm",
}
MODELS = {"cnn_mnist": "convolutional classifier", "bert_encoder": "text transformer"}
#: How a row ended, in the words of the page. The reason stands in the note.
OUTCOMES = {
    "ok": "measured",
    "wrong": "wrong numbers",
    "failed": "failed",
    "timeout": "failed: timed out",
    "oom": "failed: out of memory",
    "expected_failure": "failed, as expected",
    "unsupported": "not supported",
    "skipped": "not measured here",
    "not_tried": "not tried",
}
NOT_TRIED = "not_tried"
#: Statuses of what could not be tried: they say nothing about the path.
OUTSIDE = ("skipped", NOT_TRIED)
#: Where a path or a server ended.
STAGES = {
    "install": "at the installation",
    "export": "at the export",
    "prepare": "before its start",
    "start": "at its start",
    "load": "at loading",
    "check": "at its check",
    "run": "at the first answer",
    "numbers": "at the check of its numbers",
    "measure": "while it was measured",
}
#: What the runner writes before the note of a path that was expected to fail and did not.
SURPRISE = "expected to fail"
_FLAGS = ("installs", "exports", "runs", "dynamic_batch", "quantized")
_COUNTS = {"ok": ("ok",), "wrong": ("wrong",), "expected": ("expected_failure",)}
_COUNTS |= {"failed": ("failed", "timeout", "oom"), "unsupported": ("unsupported",), "skipped": ("skipped",)}
_COUNTS |= {NOT_TRIED: (NOT_TRIED,)}

_PATH = ("machine", "date", "path", "path_title", "framework", "framework_title", "runtime", "runtime_title", "model")
_SERVER = ("machine", "date", "server", "server_title", "framework", "framework_title", "runtime", "runtime_title")
_TOOL = ("tool_title", "tool_state", "tool_source")
_ONCE = ("export_s", "artefact_bytes", "install_bytes", "import_ms", "load_ms", "first_answer_ms")
_TIMED = (
    *("latency_p50_ms", "latency_p50_low_ms", "latency_p50_high_ms", "latency_p95_ms", "latency_p99_ms"),
    *("throughput_b32_per_s", "throughput_b32_low", "throughput_b32_high", "peak_memory_mib"),
)
_CHECKED = (
    *("max_logit_difference", "argmax_agreement", "accuracy", "accuracy_source", "accuracy_change"),
    *("accuracy_change_low", "accuracy_change_high"),
)

#: The tables and their columns: a table without a row still says what it would hold.
COLUMNS: dict[str, tuple[str, ...]] = {
    "deployment_matrix": (
        *(*_PATH, "model_title", "data", "size", "threads", "outcome", "status", "stage", "note", "report_url"),
        *("installs", "exports", "runs", *_ONCE, *_TIMED, *_CHECKED, "test_rows", "dynamic_batch", "quantized"),
        *("environment", "versions", "clock", "rounds", "restarts", "flags", *_TOOL),
    ),
    "deployment_paths": (
        *(*_PATH, "model_title", "size", "outcome", "status", "reached", "note", "report_url", *_ONCE, *_TIMED),
        *("threads", "threads_all", "latency_all_ms", "latency_all_low_ms", "latency_all_high_ms"),
        *("throughput_all_per_s", "throughput_all_low", "throughput_all_high", *_CHECKED, "batch_words", "quantized"),
        *("versions", *_TOOL),
    ),
    "deployment_counts": ("machine", "date", "framework", "framework_title", "tried", *_COUNTS),
    "deployment_levels": ("machine", "date", *runtimes.LEVEL_COLUMNS),
    "deployment_ratios": ("machine", "date", *runtimes.RATIO_COLUMNS),
    "deployment_factors": ("machine", "date", *runtimes.FACTOR_COLUMNS),
    "deployment_serving": (
        *(*_SERVER, "model", "model_title", "outcome", "status", "stage", "note", "report_url", "rate_per_s", "sent"),
        *("answered", "errors", "rejected", "duration_s", "achieved_per_s", "latency_p50_ms", "latency_p95_ms"),
        *("latency_p99_ms", "latency_p50_low_ms", "latency_p50_high_ms", "latency_p99_low_ms", "latency_p99_high_ms"),
        *("send_lag_p99_ms", "restarts", "saturated", "start_s", "versions", "threads"),
    ),
    "deployment_servers": (
        *(*_SERVER, "model", "model_title", "outcome", "status", "note", "report_url", "start_s"),
        *("threads", "lowest_rate", "low_p50_ms", "low_p50_low_ms", "low_p50_high_ms", "low_p99_ms"),
        *("kept_rate", "kept_p50_ms", "kept_p99_ms", "saturated_rate", "sent", "unanswered", "restarts", "versions"),
        *("tool_title", "tool_state", "tool_source"),
    ),
    "deployment_states": (
        *("tool", "title", "state", "since", "release", "released", "looked", "source", "url", "why", "used_by"),
    ),
    "deployment_environments": ("environment", "kind", "packages", "mib", "seconds", "why", "used_by", "command"),
    "deployment_runs": (
        *("machine", "date", "size", "python", "threads", "restarts", "rounds", "seconds", "versions", "packages"),
        *("extra", "pressure_s"),
    ),
}


@dataclass
class Measured:
    """What deployment left in one machine's folder.

    matrix, rounds, serving  the tables as their schemas have them; empty where they are absent
    about                    environment.json, or an empty mapping
    """

    machine: str
    matrix: pd.DataFrame = field(default_factory=pd.DataFrame)
    rounds: pd.DataFrame = field(default_factory=pd.DataFrame)
    serving: pd.DataFrame = field(default_factory=pd.DataFrame)
    about: Mapping = field(default_factory=dict)

    @property
    def size(self) -> str:
        """Return ``full``, or ``smoke`` for a run that only shows that it works."""
        return str(self.about.get("settings", {}).get("recipe", {}).get("name", ""))


# -- reading -----------------------------------------------------------------------------------------------------------
def read(measurements: Path) -> list[Measured]:
    """Return what deployment left in each machine's folder, by machine id; checked first. No folder, an empty list.

    raises  SurveyError as :func:`reproductions.contributions.check_deployment` does
    """
    found = []
    for folder in contributions.sets(Path(measurements)):
        own = folder / contributions.DEPLOYMENT
        if not contributions.check_deployment(folder):
            continue
        tables = {name: _table(own / f"{name}.csv") for name in contributions.DEPLOYMENT_TABLES}
        path = own / "environment.json"
        about = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        found.append(Measured(folder.name, about=about, **tables))
    return found


#: Numbers of the tables; everything else is text, and an empty text cell is an empty text.
_NUMBERS = {
    *("test_rows", "threads", *_ONCE, *_TIMED, *_CHECKED, "rounds", "restarts", "batch_size", "restart", "round"),
    *("clock_ms", "wall_ms", "rate_per_s", "sent", "answered", "errors", "rejected", "duration_s", "achieved_per_s"),
    *("latency_p99_low_ms", "latency_p99_high_ms", "send_lag_p99_ms", "start_s"),
}


def _table(path: Path) -> pd.DataFrame:
    if not path.is_file():
        return pd.DataFrame()
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in _NUMBERS & set(frame):
        frame[name] = pd.to_numeric(frame[name], errors="coerce")  # only empty cells are left
    return frame


# -- tables ------------------------------------------------------------------------------------------------------------
def tables(measured: Iterable[Measured], seed: int = 0) -> dict[str, pd.DataFrame]:
    """Return the tables of the page by name, each with the columns of :data:`COLUMNS`; the same input, the same tables.

    The states of the tools and the extra environments come from the registries and need no machine.

    seed  of the bootstraps
    """
    rows: dict[str, list[dict]] = {name: [] for name in COLUMNS}
    tools = states.load()
    known, serving = spec.discover(), {name: module.SERVER for name, module in servers.discover().items()}
    for one in measured:
        if len(one.matrix):
            matrix = _matrix(one, known, tools)
            rows["deployment_matrix"] += matrix
            rows["deployment_paths"] += _paths(matrix)
            rows["deployment_counts"] += _counts(matrix)
            rows["deployment_runs"] += _runs(one)
            about = {"machine": one.machine, "date": _date(one.matrix["date"])}
            for name, found in runtimes.compare(_titled(matrix), one.rounds, seed).items():
                rows[f"deployment_{name}"] += [about | row for row in found]
        if len(one.serving):
            served = _serving(one, serving)
            rows["deployment_serving"] += served
            rows["deployment_servers"] += _servers(served, serving, tools)
    rows["deployment_states"] = _states(tools, known, serving)
    rows["deployment_environments"] = _environments(known, serving)
    return {name: pd.DataFrame(found, columns=list(COLUMNS[name])) for name, found in rows.items()}


def write_tables(measurements: Path, out: Path) -> dict[str, pd.DataFrame]:
    """Read, tabulate and write ``<name>.csv`` to ``out``; raises SurveyError as :func:`read` does."""
    from analysis.drawing import inert_csv
    from reproductions.files import write_text

    made = tables(read(measurements))
    for name, frame in made.items():
        write_text(out / f"{name}.csv", inert_csv(frame))
    return made


def _date(days: Iterable[str]) -> str:
    """Return the day of the rows, or the first and the last."""
    found = sorted({str(day) for day in days} - {""})
    return "" if not found else found[0] if len(found) == 1 else f"{found[0]} to {found[-1]}"


def _yes(text: str) -> str:
    return {"true": "yes", "false": "no"}.get(text, text)


def outcome(status: str, stage: str, note: str = "") -> str:
    """Say how a row ended: "measured", "failed, as expected, at loading", "not measured here"."""
    words = OUTCOMES.get(status, status.replace("_", " "))
    if status == "ok":
        return f"{words}, although {SURPRISE}" if note.startswith(SURPRISE) else words
    return words if status in (*OUTSIDE, "wrong", "unsupported") else f"{words}, {STAGES.get(stage, stage)}"


def _tool(tools: Mapping[str, states.State], name: str) -> dict[str, str]:
    state = tools.get(name)
    if state is None:
        return {"tool_title": name, "tool_state": "state not recorded", "tool_source": ""}
    words = f"{state_words(state)}, looked up {state.looked}"
    return {"tool_title": state.title, "tool_state": words, "tool_source": _url(state.source)}


def state_words(state: states.State) -> str:
    """Say a tool's state and since when, if a page says it: "deprecated since 2.11"."""
    return f"{state.state} since {state.since}" if state.since else state.state


def _url(text: str) -> str:
    return text if text.startswith("https://") else ""


# -- the matrix
def _matrix(one: Measured, known: Mapping[str, spec.Path], tools: Mapping[str, states.State]) -> list[dict]:
    """Return a machine's rows in the order of the registry, those of paths that it did not try included."""
    own = one.matrix.to_dict("records")
    threads = sorted({int(row["threads"]) for row in own})
    tried = {(row["path"], row["model"]) for row in own}
    models = list(dict.fromkeys(row["model"] for row in own))
    own += [
        _untried(one.machine, path, model, count)
        for path in known.values()
        for model in path.models
        if model in models and (path.id, model) not in tried
        for count in threads
    ]
    order = {name: place for place, name in enumerate(known)}
    place = {name: number for number, name in enumerate(MODELS)}
    own.sort(
        key=lambda row: (
            *(list(FRAMEWORKS).index(row["framework"]), order.get(row["path"], len(order)), row["path"]),
            *(place.get(row["model"], len(place)), row["threads"]),
        )
    )
    found = []
    for row in own:
        path = known.get(row["path"])
        extra = {
            "path_title": path.title if path else row["path"],
            "framework_title": FRAMEWORKS[row["framework"]],
            "runtime_title": RUNTIMES.get(row["runtime"], row["runtime"]),
            "model_title": MODELS.get(row["model"], row["model"]),
            "size": one.size,
            "outcome": outcome(row["status"], row["stage"], row["note"]),
            **{name: _yes(row.get(name, "")) for name in _FLAGS},
            **_tool(tools, path.tool if path else ""),
        }
        found.append({**row, **extra})
    return found


def _untried(machine: str, path: spec.Path, model: str, threads: int) -> dict:
    return {
        **{"machine": machine, "date": "", "path": path.id, "framework": path.framework, "runtime": path.runtime},
        **{"model": model, "data": spec.MODELS.get(model, ""), "threads": threads, "status": NOT_TRIED, "stage": ""},
        "note": f"this machine has not run it; `python -m reproductions deploy run --only {path.id}` does",
        **{"report_url": "", "quantized": "true" if path.quantized else "false"},
    }


def _by_path(matrix: Iterable[Mapping]) -> list[list[Mapping]]:
    """Return the rows of each path and model, fewest threads first."""
    groups: dict[tuple, list[Mapping]] = {}
    for row in matrix:
        groups.setdefault((row["path"], row["model"]), []).append(row)
    return [sorted(own, key=lambda row: row["threads"]) for own in groups.values()]


def _telling(own: Sequence[Mapping]) -> Mapping:
    """Return the row that says how a path ended: the first that is not good, or else the first."""
    return next((row for row in own if row["status"] != "ok"), own[0])


def _paths(matrix: Sequence[Mapping]) -> list[dict]:
    """Return a path and model a row: the numbers at the fewest threads, and the times at the most beside them."""
    found = []
    for own in _by_path(matrix):
        first, last, told = own[0], own[-1], _telling(own)
        # Numbers that were measured at fewer threads are shown although more threads failed, so the status is theirs.
        row = dict(first) | {name: told[name] for name in ("outcome", "note", "report_url")}
        if told is not first:
            row["outcome"] += f", with {told['threads']:.0f} threads"
        row["reached"] = _reached(told)
        row["batch_words"] = {"yes": "any", "no": "as exported"}.get(first["dynamic_batch"], "")
        if last is not first:
            row["threads_all"] = last["threads"]
            for end in ("", "_low", "_high"):
                row[f"latency_all{end}_ms"] = last.get(f"latency_p50{end}_ms")
            for end in ("_per_s", "_low", "_high"):
                row[f"throughput_all{end}"] = last.get(f"throughput_b32{end}")
        found.append({name: row.get(name) for name in COLUMNS["deployment_paths"]})
    return found


def _reached(row: Mapping) -> str:
    """Say how far a path came: "installs, exports, runs"."""
    if row["status"] == NOT_TRIED:
        return "not tried"
    words = [name for name in ("installs", "exports", "runs") if row.get(name) == "yes"]
    return ", ".join(words) or "nothing"


def _counts(matrix: Sequence[Mapping]) -> list[dict]:
    """Return how the paths of each framework ended, each with each model once."""
    ends = [_telling(own) for own in _by_path(matrix)]
    found = []
    for framework, title in FRAMEWORKS.items():
        own = [row for row in ends if row["framework"] == framework]
        if own:
            counts = {name: sum(row["status"] in those for row in own) for name, those in _COUNTS.items()}
            found.append(
                {
                    "machine": own[0]["machine"],
                    "date": _date(row["date"] for row in own),
                    "framework": framework,
                    "framework_title": title,
                    "tried": len(own) - counts["skipped"] - counts[NOT_TRIED],
                    **counts,
                }
            )
    return found


def _titled(matrix: Sequence[Mapping]) -> pd.DataFrame:
    names = ["path", "path_title", "framework", "runtime", "model", "model_title", "threads", "status", "clock"]
    return pd.DataFrame(matrix).reindex(columns=[*names, "quantized"])


def _runs(one: Measured) -> list[dict]:
    """Return how the matrix of a machine was measured."""
    about, settings = one.about, one.about.get("settings", {})
    made = [
        f"{name} ({found['mib'] / 1024:.1f} GiB, {found['seconds']:.0f} s)" if found.get("mib") else name
        for name, found in about.get("environments", {}).items()
    ]
    return [
        {
            "machine": one.machine,
            "date": about.get("date", ""),
            "size": one.size,
            "python": about.get("python", ""),
            "threads": " and ".join(map(str, settings.get("threads", ()))),
            "restarts": " and ".join(map(str, settings.get("restarts", {}).values())),
            "rounds": settings.get("rounds"),
            "seconds": settings.get("seconds"),
            "versions": "; ".join(f"{name} {version}" for name, version in about.get("versions", {}).items()),
            "packages": len(about.get("packages", ())),
            "extra": ", ".join(made),
            "pressure_s": about.get("pressure_s"),
        }
    ]


# -- servers
def _serving(one: Measured, known: Mapping[str, servers.Server]) -> list[dict]:
    """Return a machine's rows of load in the order of the registry, those of servers that it did not try included."""
    own = one.serving.to_dict("records")
    tried = {(row["server"], row["model"]) for row in own}
    models = list(dict.fromkeys(row["model"] for row in own))
    command = "python -m reproductions deploy serve --only"
    own += [
        {
            **{"machine": one.machine, "date": "", "server": server.id, "framework": server.framework},
            **{"runtime": server.runtime, "model": model, "status": NOT_TRIED, "stage": "", "report_url": ""},
            "note": f"this machine has not run it; `{command} {server.id}` does",
        }
        for server in known.values()
        for model in models
        if (server.id, model) not in tried
    ]
    order = {name: place for place, name in enumerate(known)}
    place = {name: number for number, name in enumerate(MODELS)}

    def where(row: Mapping) -> tuple:
        rate = row.get("rate_per_s")
        at = order.get(row["server"], len(order)), row["server"], place.get(row["model"], len(place))
        return *at, 0 if rate is None or pd.isna(rate) else rate

    found = []
    for row in sorted(own, key=where):
        server = known.get(row["server"])
        extra = {
            "server_title": server.title if server else row["server"],
            "framework_title": FRAMEWORKS[row["framework"]],
            "runtime_title": RUNTIMES.get(row["runtime"], row["runtime"]),
            "model_title": MODELS.get(row["model"], row["model"]),
            "outcome": outcome(row["status"], row["stage"]),
            "saturated": _yes(row.get("saturated", "")),
        }
        found.append({**row, **extra})
    return found


def _servers(
    rows: Sequence[Mapping], known: Mapping[str, servers.Server], tools: Mapping[str, states.State]
) -> list[dict]:
    """Return a server and model a row: the lowest rate, the highest that it kept up with, where it no longer did."""
    groups: dict[tuple, list[Mapping]] = {}
    for row in rows:
        groups.setdefault((row["server"], row["model"]), []).append(row)
    found = []
    for (name, _), own in groups.items():
        row = dict(own[0]) | _tool(tools, known[name].tool if name in known else "")
        loaded = [each for each in own if not pd.isna(each.get("rate_per_s", float("nan")))]
        if loaded:
            low = loaded[0]
            row |= {"lowest_rate": low["rate_per_s"], "low_p99_ms": low["latency_p99_ms"]}
            row |= {f"low_p50{end}_ms": low[f"latency_p50{end}_ms"] for end in ("", "_low", "_high")}
            row |= {"sent": sum(each["sent"] for each in loaded), "restarts": max(each["restarts"] for each in loaded)}
            row["unanswered"] = sum(each["errors"] + each["rejected"] for each in loaded)
            row["note"] = "; ".join(dict.fromkeys(each["note"] for each in loaded if each["note"]))
        over = [each["rate_per_s"] for each in loaded if each["saturated"] == "yes"]
        kept = [each for each in loaded if each["saturated"] == "no" and (not over or each["rate_per_s"] < min(over))]
        if kept:
            last = kept[-1]
            row |= {"kept_rate": last["rate_per_s"], "kept_p50_ms": last["latency_p50_ms"]}
            row["kept_p99_ms"] = last["latency_p99_ms"]
        row["saturated_rate"] = min(over) if over else None
        found.append({key: row.get(key) for key in COLUMNS["deployment_servers"]})
    return found


# -- registries
def _states(
    tools: Mapping[str, states.State], known: Mapping[str, spec.Path], serving: Mapping[str, servers.Server]
) -> list[dict]:
    """Return a tool a row, in the order of the registry."""
    users: dict[str, list[str]] = {}
    for each in (*known.values(), *serving.values()):
        users.setdefault(each.tool, []).append(each.title)
    found = []
    for state in tools.values():
        row = {name: getattr(state, name) for name in ("tool", "title", "state", "since", "release", "released")}
        row |= {"looked": state.looked, "source": state.source, "url": _url(state.source), "why": state.why}
        found.append(row | {"used_by": "; ".join(users.get(state.tool, ()))})
    return found


def _environments(known: Mapping[str, spec.Path], serving: Mapping[str, servers.Server]) -> list[dict]:
    """Return the environments that are made only if asked, with what each takes and what needs it."""
    found = []
    for name, entry in environments.load().items():
        used = [each.title for each in (*known.values(), *serving.values()) if each.extra == name]
        found.append(
            {
                "environment": name,
                "kind": entry["kind"],
                "packages": ", ".join(entry.get("packages", ())) or "lock files of browser/ and node/",
                **{key: entry[key] for key in ("mib", "seconds", "why")},
                "used_by": "; ".join(used),
                "command": f"--config 'deploy={{extra: [{name}]}}'",
            }
        )
    return found
