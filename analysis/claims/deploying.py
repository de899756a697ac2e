"""Claims about deployment: targets, devices, servers, export, and whether the named tools are still current.

The tables of deployment may be missing: where nothing was tried, the claim is not tested here. What a person looked up
stands in ``data/facts.csv``, with the day and the source.
"""

from __future__ import annotations

import re

import pandas as pd

from analysis.claims.evidence import Tables, need, number, text, where
from analysis.claims.registry import SURVEY_DATE, Claim
from analysis.claims.rules import (
    OPEN,
    REFUTES,
    SUPPORTS,
    Cell,
    Clause,
    Judgement,
    MissingEvidence,
    Step,
)

HOST = Step("indirectness", "tried on a computer, not on a phone, a board or in a browser of one's own")
FRAMEWORKS = {"tensorflow": "TensorFlow", "pytorch": "PyTorch"}
RUNTIMES = {"litert": "LiteRT", "executorch": "ExecuTorch", "onnxruntime": "ONNX Runtime"}
#: Statuses of a path that was tried and did not come through.
FAILURES = ("wrong", "failed", "timeout", "oom", "expected_failure", "unsupported")
#: States of a tool that is no longer offered under the name that the survey gives it.
GONE = ("archived", "deprecated", "renamed")
#: The tools that the survey names, with their id in the table deployment_states and in data/facts.csv.
NAMED = {"torchserve": "TorchServe", "torchscript": "TorchScript", "litert": "TensorFlow Lite"}


def _count(name: str, found: str, value: float, n: str, table: str, **other: str) -> Cell:
    return Cell(name=name, side=found, value=value, low=value, high=value, n=n, table=table, **other)


def targets(claim: Claim, tables: Tables) -> Judgement:
    """Judge in which framework more runtimes answered with the model's numbers, an existence count (C16)."""
    frame = _full(need(tables, "deployment_paths", "machine", "date", "framework", "runtime_title", "status"))
    cells = []
    for machine, rows in frame.groupby("machine", sort=False):
        ran = rows[rows["status"].eq("ok")]
        tried = rows[rows["status"].isin(("ok", *FAILURES))]
        count = {name: ran[ran["framework"].eq(name)]["runtime_title"].nunique() for name in FRAMEWORKS}
        of = {name: tried[tried["framework"].eq(name)]["runtime_title"].nunique() for name in count}
        if not all(of.values()):
            continue
        cells.append(
            _count(
                "targets that ran, TensorFlow less PyTorch",
                SUPPORTS if count["tensorflow"] > count["pytorch"] else REFUTES,
                count["tensorflow"] - count["pytorch"],
                ", ".join(f"{title} {count[name]} of {of[name]} targets" for name, title in FRAMEWORKS.items()),
                "deployment_paths",
                unit="targets",
                machine=str(machine),
                date=_day(rows),
            )
        )
    return Judgement(
        cells=cells,
        none="no machine tried targets from both frameworks",
        holds=Clause("TensorFlow", ("reaches", "reach"), "more targets than PyTorch"),
        fails=Clause("PyTorch", ("reaches", "reach"), "as many targets as TensorFlow or more"),
        start="counted",
        steps=[HOST],
    )


def _full(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of runs at full size; one at smoke size only shows that it works."""
    return frame[~frame["size"].eq("smoke")] if "size" in frame else frame


def _day(rows: pd.DataFrame) -> str:
    """Return the last day of rows that may have been tried on several."""
    return max((text(date) for date in rows["date"]), default="")


def _float(frame: pd.DataFrame) -> pd.DataFrame:
    if "quantized" not in frame:
        return frame
    return frame[~frame["quantized"].astype(str).str.lower().isin(("true", "yes", "1", "1.0"))]


def _sizes(ours: pd.Series, others: pd.DataFrame) -> str:
    sizes = [
        size / 1e6 for size in (ours["artefact_bytes"], others["artefact_bytes"].min(), others["artefact_bytes"].max())
    ]
    return "file {:.2f} MB, others {:.2f} to {:.2f}".format(*sizes)


def device(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether LiteRT's file is the smallest and its answer the fastest for the same weights (C17)."""
    columns = (
        "runtime",
        "model",
        "status",
        "artefact_bytes",
        "latency_p50_ms",
        "latency_p50_low_ms",
        "latency_p50_high_ms",
    )
    frame = _full(_float(need(tables, "deployment_matrix", "machine", "date", *columns)))
    frame = frame[frame["status"].eq("ok") & frame["runtime"].isin(RUNTIMES)]
    frame = frame.assign(threads=frame.get("threads", 1))
    cells, absent = [], set()
    for (machine, model, threads), rows in frame.groupby(["machine", "model", "threads"], sort=False):
        named = rows.sort_values("latency_p50_ms").drop_duplicates("runtime").set_index("runtime")
        if "litert" not in named.index or len(named) < 2:
            continue
        ours, others = named.loc["litert"], named.drop("litert")
        smallest = ours["artefact_bytes"] < others["artefact_bytes"].min()
        largest = ours["artefact_bytes"] > others["artefact_bytes"].max()
        fastest = ours["latency_p50_high_ms"] < others["latency_p50_low_ms"].min()
        slowest = ours["latency_p50_low_ms"] > others["latency_p50_high_ms"].max()
        found = REFUTES if largest or slowest else SUPPORTS if smallest and fastest else OPEN
        absent |= set(RUNTIMES) - set(named.index)
        against = " and ".join(RUNTIMES[name] for name in sorted(others.index))
        at = f", {number(threads):.0f} thread{'s' if number(threads) != 1 else ''}"
        cells.append(
            Cell(
                name=f"{text(ours.get('model_title')) or model}{at}, LiteRT against {against}",
                side=found,
                value=number(ours["latency_p50_ms"]),
                low=number(ours["latency_p50_low_ms"]),
                high=number(ours["latency_p50_high_ms"]),
                unit="ms an answer",
                n=_sizes(ours, others),
                table="deployment_matrix",
                machine=str(machine),
                date=_day(rows),
            )
        )
    return Judgement(
        cells=cells,
        none="no machine ran LiteRT and another runtime with the same weights",
        holds=Clause("LiteRT", ("has", "have"), "the smallest file and the fastest answer"),
        fails=Clause("LiteRT", ("has", "have"), "the largest file or the slowest answer"),
        steps=[
            HOST,
            *([Step("imprecision", "neither first nor last in some")] if any(c.side == OPEN for c in cells) else []),
        ],
        missing=f"no answer of {' and '.join(RUNTIMES[name] for name in sorted(absent))}" if absent else "",
    )


def _fact(tables: Tables, name: str) -> dict | None:
    frame = tables.get("facts")
    if frame is None or "fact" not in frame:
        return None
    found = frame[frame["fact"].eq(name)]
    return found.iloc[0].to_dict() if len(found) else None


def microcontroller(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether a supported bare-metal target of PyTorch exists (C18)."""
    fact = _fact(tables, "executorch_cortex_m")
    if fact is None:
        raise MissingEvidence("nobody looked up ExecuTorch's targets on microcontrollers")
    exists = text(fact["value"]).lower() not in ("", "none")
    cell = _count(
        text(fact["says"]), REFUTES if exists else SUPPORTS, float(exists), f"checked {text(fact['checked'])}", "facts",
        unit="supported target, at least", date=text(fact["checked"]),
    )  # fmt: skip
    return Judgement(
        cells=[cell],
        holds=Clause("PyTorch", ("has", "have"), "no supported path to microcontrollers"),
        fails=Clause("PyTorch", ("has", "have"), "a supported path to microcontrollers"),
        start="looked up",
        note="Nothing was run on a board here.",
    )


def serving(claim: Claim, tables: Tables) -> Judgement:
    """Judge the 99th percentile of latency of TensorFlow Serving against TorchServe at the same load (C19)."""
    columns = ("server", "model", "status", "rate_per_s", "latency_p99_ms", "latency_p99_low_ms", "latency_p99_high_ms")
    frame = need(tables, "deployment_serving", "machine", "date", *columns)
    cells = []
    for (machine, model, rate), rows in frame[frame["status"].eq("ok")].groupby(
        ["machine", "model", "rate_per_s"], sort=False
    ):
        named = rows.drop_duplicates("server").set_index("server")
        if not {"tensorflow_serving", "torchserve"} <= set(named.index):
            continue
        ours, theirs = named.loc["tensorflow_serving"], named.loc["torchserve"]
        found = OPEN
        if ours["latency_p99_high_ms"] < theirs["latency_p99_low_ms"]:
            found = SUPPORTS
        elif ours["latency_p99_low_ms"] > theirs["latency_p99_high_ms"]:
            found = REFUTES
        cells.append(
            Cell(
                name=f"{text(ours.get('model_title')) or model}, {number(rate):g} requests/s",
                side=found,
                value=number(ours["latency_p99_ms"]),
                low=number(ours["latency_p99_low_ms"]),
                high=number(ours["latency_p99_high_ms"]),
                unit="ms at the 99th percentile, TensorFlow Serving",
                n=f"TorchServe {number(theirs['latency_p99_ms']):.3g} ms",
                table="deployment_serving",
                machine=str(machine),
                date=_day(rows),
            )
        )
    if not cells:
        raise MissingEvidence("no machine ran both servers under the same load")
    steps = [Step("imprecision", "intervals overlap at some loads")] if any(c.side == OPEN for c in cells) else []
    return Judgement(
        cells=cells,
        holds=Clause("TensorFlow Serving", ("answers", "answer"), "with the lower 99th percentile"),
        fails=Clause("TorchServe", ("answers", "answer"), "with the lower 99th percentile"),
        steps=steps,
    )


def onnx(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether each export of PyTorch to ONNX runs and keeps the numbers (C20)."""
    most = claim.limit("difference")
    frame = _float(need(tables, "deployment_matrix", "machine", "date", "path", "runtime", "model", "status",
                        "max_logit_difference"))  # fmt: skip
    frame = frame[frame["path"].eq("torch_onnx_dynamo") & frame["status"].isin(("ok", *FAILURES))]
    if frame.empty:
        raise MissingEvidence("no export of a PyTorch model to ONNX was tried")
    # Of several numbers of threads the largest difference counts, or a failure with any of them.
    frame = frame.assign(failed=frame["status"].ne("ok")).sort_values(
        ["failed", "max_logit_difference"], ascending=False, kind="stable"
    )
    cells = []
    for row in frame.drop_duplicates(["machine", "model"]).sort_index().to_dict("records"):
        difference = number(row["max_logit_difference"])
        good = row["status"] == "ok" and difference < most
        bad = row["status"] != "ok" or difference >= most
        cells.append(
            _count(
                f"{text(row.get('model_title')) or text(row['model'])}, ONNX Runtime",
                SUPPORTS if good else REFUTES if bad else OPEN,
                difference,
                text(row["status"]),
                "deployment_matrix",
                unit="largest difference of the outputs",
                **where(row),
            )
        )
    return Judgement(
        cells=cells,
        combine="every",
        holds=Clause("Every export tried", ("runs", "run"), f"with outputs that differ by less than {most:g}"),
        fails=Clause("At least one export", ("fails", "fail"), f"or differs by {most:g} or more"),
        start="counted",
        steps=[Step("indirectness", f"{frame['model'].nunique()} models were exported, not every workload")],
    )


def current(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether the tools that the survey names are maintained under these names (C24)."""
    frame = tables.get("deployment_states")
    states = {}
    if frame is not None and {"tool", "state", "looked"} <= set(frame):
        states = {text(row["tool"]): row for row in frame.to_dict("records")}
    cells, later = [], []
    for tool, name in NAMED.items():
        row, fact = states.get(tool), _fact(tables, f"{tool}_state")
        if row is not None:
            state, since, looked, table = (
                text(row["state"]),
                text(row.get("since")),
                text(row["looked"]),
                "deployment_states",
            )
        elif fact is not None:
            state, since, looked, table = text(fact["value"]), text(fact["date"]), text(fact["checked"]), "facts"
        else:
            continue
        if state in GONE and re.fullmatch(r"\d{4}-\d\d-\d\d", since) and since > SURVEY_DATE:
            later.append(name)
        found = REFUTES if state in GONE else SUPPORTS if state == "maintained" else OPEN
        words = f"{name}: {state}" + (f" since {since}" if since else "")
        cells.append(Cell(name=words, side=found, n=f"looked up {looked}", table=table, date=looked))
    return Judgement(
        cells=cells,
        none="nobody looked up the state of TorchServe, TorchScript and TensorFlow Lite",
        combine="every",
        holds=Clause("The named tools", ("are", "be"), "all maintained under these names"),
        fails=Clause("At least one of the named tools", ("is", "be"), "archived, deprecated or renamed"),
        start="looked up",
        flag=f"{' and '.join(later)}: true on the day of the survey ({SURVEY_DATE}), now dated" if later else "",
    )
