"""Claims about speed: training and inference, small and large, and whether one side wins throughout."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.claims import evidence
from analysis.claims.evidence import Tables, common_steps, drawn, measured, number, ratio_cell, text
from analysis.claims.registry import Claim
from analysis.claims.rules import (
    Cell,
    Clause,
    Judgement,
    MissingEvidence,
    Step,
    above,
    below,
    either,
    holding,
    outside,
    side,
    within,
)

#: What stands in for the convolutional classifier of Novac 2022, whose architecture was not seen.
CNN = ("cnn_mnist", "cnn_resolution")
STAND_IN = Step("indirectness", "the networks stand in for one that was not seen, on hardware that was not stated")
DEFAULT = ("eager", "function")
FASTER = ("is", "be")
#: What stays the same along an axis.
LINE = (
    *("origin", "machine", "workload", "phase", "pytorch_mode", "tensorflow_mode", "environment", "threads", "shape"),
)


def _rows(frame: pd.DataFrame) -> list[dict]:
    return frame.to_dict("records")


def _default(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["pytorch_mode"].eq(DEFAULT[0]) & frame["tensorflow_mode"].eq(DEFAULT[1])]


def _cnn(frame: pd.DataFrame, phase: str, what: str) -> pd.DataFrame:
    frame = _default(frame[frame["workload"].isin(CNN) & frame["phase"].eq(phase)])
    if frame.empty:
        raise MissingEvidence(f"no admitted {what} ratio of {' or '.join(CNN)} in eager PyTorch against tf.function")
    return frame


def training_time(claim: Claim, tables: Tables) -> Judgement:
    """Judge the training ratio of the convolutional classifiers at default modes (C01)."""
    exactly, limit = claim.limit("exactly"), claim.limit("above")
    frame = _cnn(evidence.ratios(tables), "train", "training")
    cells = [ratio_cell(row, either(holding(exactly), above(limit)), below(limit), modes=False) for row in _rows(frame)]
    return Judgement(
        cells=cells,
        holds=Clause("PyTorch", ("trains", "train"), "these convolutional classifiers about as much faster as quoted"),
        fails=Clause(
            "PyTorch", ("falls", "fall"), f"short of {limit:g} times TensorFlow's speed in training these classifiers"
        ),
        steps=[STAND_IN, *common_steps(cells), *evidence.small_sizes(cells)],
    )


def inference_time(claim: Claim, tables: Tables) -> Judgement:
    """Judge the inference ratio of the convolutional classifiers at the fixed batch sizes (C02)."""
    limit, batches = claim.limit("above"), claim.thresholds["batches"]
    frame = evidence.sweeps(tables, "batch")
    frame = _cnn(frame[pd.to_numeric(frame["value"], errors="coerce").isin(batches)], "infer", "inference")
    cells = [
        ratio_cell(row | measured(row, tables), above(limit), below(limit), modes=False, table="performance_sweeps")
        for row in _rows(frame)
    ]
    return Judgement(
        cells=cells,
        holds=Clause("PyTorch", ("infers", "infer"), f"more than {limit:g} times as fast on these classifiers"),
        fails=Clause("PyTorch", ("falls", "fall"), f"short of {limit:g} times TensorFlow's speed in inference"),
        steps=[STAND_IN, *common_steps(cells), *evidence.small_sizes(cells)],
    )


def samples(tables: Tables) -> dict[str, float]:
    """Return how many examples each data set has for training, as far as the tables tell."""
    found: dict[str, float] = {}
    frame = tables.get("datasets")
    if frame is not None and {"dataset", "examples"} <= set(frame):
        for row in _rows(frame):
            match = re.match(r"([\d,]+) training", text(row["examples"]))
            if match and (
                count := float(match.group(1).replace(",", ""))
            ):  # synthetic data have no number of their own
                found[text(row["dataset"])] = count
    frame = tables.get("accuracy")
    if frame is not None and {"dataset", "n_train"} <= set(frame):
        for row in _rows(frame):
            if number(row["n_train"]) > 0:  # a training to an accuracy may take a part of the data
                found.setdefault(text(row["dataset"]), number(row["n_train"]))
    return found


def _sized(frame: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    names = frame["data"] if "data" in frame else pd.Series("", index=frame.index)
    return frame.assign(samples=names.map(samples(tables)))


def _median(claim: Claim, cells: list[Cell], supports, refutes, name: str) -> Cell:
    value, low, high = np.exp(drawn(cells, evidence.median))
    names = len({cell.cluster for cell in cells})
    return Cell(
        name=name,
        side=side(float(low), float(high), supports, refutes),
        value=float(value),
        low=float(low),
        high=float(high),
        unit="times TensorFlow's speed",
        n=f"{len(cells)} cells of {names} workload{'s' if names != 1 else ''}",
        table="performance_ratios",
    )


def small(claim: Claim, tables: Tables) -> Judgement:
    """Judge the median training ratio over small set-ups (C04)."""
    ratio, most, batch = claim.limit("ratio"), claim.limit("samples"), claim.limit("batch")
    frame = _sized(evidence.ratios(tables), tables)
    frame = frame[frame["phase"].eq("train") & (frame["batch_size"] <= batch)]
    chosen = frame[frame["samples"] <= most]
    if chosen.empty:
        raise MissingEvidence(f"no training ratio with a data set of at most {most:,.0f} samples and batch {batch:g}")
    cells = [ratio_cell(row, above(ratio), below(ratio)) for row in _rows(chosen)]
    overall = _median(claim, cells, above(ratio), below(ratio), "median over the small set-ups")
    unknown = int(frame["samples"].isna().sum())
    left_out = f"{unknown} ratios were left out: the tables do not tell the size of their data." if unknown else ""
    return Judgement(
        cells=[overall],
        holds=Clause("PyTorch", FASTER, "faster in the median of the small set-ups"),
        fails=Clause("TensorFlow", FASTER, "faster in the median of the small set-ups"),
        steps=[*_spread(overall, cells), *evidence.small_sizes(cells), *_busy(cells)],
        overall=overall,
        beside=cells,
        note=" ".join(part for part in (_default_note(cells), left_out) if part),
    )


def _default_note(cells: Sequence[Cell]) -> str:
    """Say what the median is over the default modes alone, because eager TensorFlow is seldom trained with."""
    values = [cell.value for cell in cells if cell.same.endswith("|".join(DEFAULT))]
    words = f"over the {len(values)} cells of eager PyTorch against tf.function alone"
    return f"The median {words} is {np.median(values):.2f}." if values else ""


def large(claim: Claim, tables: Tables) -> Judgement:
    """Judge the median training ratio against XLA over large data, first step included (C05)."""
    ratio, least, batch = claim.limit("ratio"), claim.limit("samples"), claim.limit("batch")
    steps = f"{claim.limit('steps'):.0f}"
    frame = _sized(evidence.ratios(tables), tables)
    frame = frame[frame["phase"].eq("train") & frame["tensorflow_mode"].eq("xla")]
    columns = {f"ratio_{steps}": "ratio", f"low_{steps}": "low", f"high_{steps}": "high"}
    if not set(columns) <= set(frame):
        raise MissingEvidence(f"no ratio over {steps} steps, first step included")
    frame = frame.drop(columns=["ratio", "low", "high"]).rename(columns=columns)
    frame = frame[pd.to_numeric(frame["ratio"], errors="coerce").notna()]
    chosen = frame[(frame["samples"] >= least) & (frame["batch_size"] >= batch)]
    if chosen.empty:
        beside = [ratio_cell(row, above(np.inf), above(np.inf)) for row in _rows(frame)]
        raise MissingEvidence(
            f"no training ratio against XLA with at least {least:,.0f} samples and batch {batch:g}",
            beside,
        )
    cells = [ratio_cell(row, below(ratio), above(ratio)) for row in _rows(chosen)]
    overall = _median(claim, cells, below(ratio), above(ratio), "median over large data, against XLA")
    return Judgement(
        cells=[overall],
        holds=Clause("TensorFlow with XLA", FASTER, "faster in training on large data"),
        fails=Clause("PyTorch", FASTER, "faster than TensorFlow with XLA in training on large data"),
        steps=[*_spread(overall, cells), *evidence.small_sizes(cells), *_busy(cells)],
        overall=overall,
        beside=cells,
    )


def _spread(overall: Cell, cells: Sequence[Cell]) -> list[Step]:
    steps = []
    if overall.side == "open":
        few = len({cell.cluster for cell in cells}) < evidence.MIN_WORKLOADS
        reason = f"fewer than {evidence.MIN_WORKLOADS} workloads give no interval" if few else "the interval holds both"
        steps.append(Step("imprecision", reason))
    return steps + evidence.inconsistent(cells)


def _busy(cells: Sequence[Cell]) -> list[Step]:
    return [step for step in common_steps(cells) if step.domain == "bias"]


# -- size --------------------------------------------------------------------------------------------------------------
def size(claim: Claim, tables: Tables) -> Judgement:
    """Judge the slope of the log ratio on log size, an axis a cell (C06)."""
    limit = claim.limit("slope")
    found, missing = [], ["data size with a model in the loop"]
    for name, read in (("batch size", _batches), ("number of steps", _steps)):
        try:
            points = read(tables)
        except MissingEvidence as error:
            missing.append(f"{name} ({error})")
            continue
        value, low, high = slope(points)
        found.append(
            Cell(
                name=f"slope along the {name}",
                side=side(low, high, below(limit), above(limit)),
                value=value,
                low=low,
                high=high,
                unit="log ratio per log size",
                n=f"{len(points)} ratios of {points['workload'].nunique()} workloads",
                table="performance_sweeps" if name == "batch size" else "performance_ratios",
                machine="; ".join(sorted({text(name) for name in points["machine"]})),
                device="; ".join(sorted({text(name) for name in points["device"]} - {""})),
                date=max(map(text, points["date"])),
            )
        )
    if not found:
        raise MissingEvidence("; ".join(missing))
    return Judgement(
        cells=found,
        holds=Clause("The ratio", ("moves", "move"), "towards TensorFlow as the set-up grows"),
        fails=Clause("The ratio", ("moves", "move"), "towards PyTorch as the set-up grows"),
        steps=[
            *common_steps(found),
            Step("indirectness", f"not measured: {'; '.join(missing)}"),
            *evidence.small_sizes(found),
        ],
        missing="; ".join(missing),
    )


def _line(frame: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in LINE if name in frame]
    given = frame.assign(**{name: frame.get(name, "") for name in ("machine", "device", "date")})
    return given.assign(line=["|".join(map(text, row)) for row in frame[keys].itertuples(index=False)])


def _batches(tables: Tables) -> pd.DataFrame:
    frame = _line(evidence.sweeps(tables, "batch"))
    frame["device"] = [measured(row, tables)["device"] for row in _rows(frame)]
    frame["x"] = np.log(pd.to_numeric(frame["value"]))
    return frame.assign(y=np.log(pd.to_numeric(frame["ratio"])))


def _steps(tables: Tables) -> pd.DataFrame:
    frame = _line(evidence.ratios(tables))
    counts = [name.removeprefix("ratio_") for name in frame if re.fullmatch(r"ratio_\d+", name)]
    parts = [
        frame.assign(x=np.log(float(count)), y=np.log(pd.to_numeric(frame[f"ratio_{count}"], errors="coerce")))
        for count in counts
    ]
    points = pd.concat(parts).dropna(subset=["y"]) if parts else frame.head(0)
    if points.empty:
        raise MissingEvidence("no ratio over numbers of steps")
    return points


def slope(points: pd.DataFrame, seed: int = 0) -> tuple[float, float, float]:
    """Return (slope, low, high) of ``y`` on ``x`` inside each ``line``, with workloads drawn anew for the interval.

    Fewer than :data:`analysis.claims.evidence.MIN_WORKLOADS` workloads give no interval.
    """
    points = points.groupby("line").filter(lambda part: part["x"].nunique() > 1)
    if points.empty:
        return np.nan, np.nan, np.nan
    x, y = (points[name] - points.groupby("line")[name].transform("mean") for name in ("x", "y"))
    sums = pd.DataFrame({"xy": x * y, "xx": x * x, "workload": points["workload"]}).groupby("workload").sum()
    estimate = float(sums["xy"].sum() / sums["xx"].sum())
    if len(sums) < evidence.MIN_WORKLOADS:
        return estimate, np.nan, np.nan
    taken = np.random.default_rng(seed).integers(len(sums), size=(evidence.REPLICATES, len(sums)))
    found = sums["xy"].to_numpy()[taken].sum(axis=1) / sums["xx"].to_numpy()[taken].sum(axis=1)
    low, high = np.quantile(found, [0.025, 0.975])
    return estimate, float(min(low, estimate)), float(max(high, estimate))


# -- throughout --------------------------------------------------------------------------------------------------------
def throughout(claim: Claim, tables: Tables) -> Judgement:
    """Judge on which side the log ratio lies over all matched cells (C07)."""
    least = claim.limit("share")
    cells = [ratio_cell(row, above(1), below(1)) for row in _rows(evidence.ratios(tables))]
    value, low, high = drawn(cells, evidence.share_above_one)
    names = len({cell.cluster for cell in cells})
    overall = Cell(
        name="share of matched cells in which PyTorch is faster",
        side=side(low, high, within(least, 1 - least), outside(least, 1 - least)),
        value=value,
        low=low,
        high=high,
        unit="of the cells",
        n=f"{len(cells)} cells of {names} workloads",
        table="performance_ratios",
    )
    imprecise = [step for step in _spread(overall, []) if step.domain == "imprecision"]
    return Judgement(
        cells=[overall],
        holds=Clause("The faster framework", ("changes", "change"), "from cell to cell"),
        fails=Clause("One framework", FASTER, f"faster in more than {evidence.percent(1 - least)} of the cells"),
        steps=[*imprecise, *evidence.inconsistent(cells), *evidence.small_sizes(cells), *_busy(cells)],
        overall=overall,
        beside=cells,
    )


def large_dense(claim: Claim, tables: Tables) -> Judgement:
    """Judge the ratio of ResNet-50 and the fused LSTM at large batch on a GPU, whose kernels are meant (C12)."""
    factor, batch = claim.limit("factor"), claim.limit("batch")
    frame = evidence.ratios(tables)
    frame = _default(frame[frame["workload"].isin(("resnet50", "lstm_text"))])
    equal, unequal = within(1 / factor, factor), outside(1 / factor, factor)
    rows = _rows(frame)
    cells = [ratio_cell(row, equal, unequal, modes=False) for row in rows
             if evidence.on_gpu(row) and number(row["batch_size"]) >= batch]  # fmt: skip
    if not cells:
        beside = [ratio_cell(row, equal, unequal, modes=False) for row in rows]
        raise MissingEvidence(
            f"no ratio at batch {batch:g} or more on a GPU, whose kernels the claim is about; a CPU does not settle it",
            beside,
        )
    return Judgement(
        cells=cells,
        holds=Clause("Both frameworks", ("are", "be"), "about equally fast on large dense models on a GPU"),
        fails=Clause(
            "The frameworks", ("differ", "differ"), f"by more than {factor:g} times on large dense models on a GPU"
        ),
        steps=common_steps(cells),
    )
