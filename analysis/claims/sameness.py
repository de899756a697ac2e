"""Claims that both compute the same: accuracy, and equal outputs in all modes."""

from __future__ import annotations

import pandas as pd

from analysis.claims.evidence import Tables, common_steps, measured, need, number, text
from analysis.claims.registry import Claim
from analysis.claims.rules import (
    OPEN,
    REFUTES,
    SUPPORTS,
    Cell,
    Clause,
    Judgement,
    MissingEvidence,
    Step,
    outside,
    side,
    within,
)
from analysis.measured_rows import once

MODES = ("pytorch-eager", "pytorch-compile", "tensorflow-eager", "tensorflow-function", "tensorflow-xla")
MODE_NAMES = {
    "pytorch-eager": "eager PyTorch",
    "pytorch-compile": "torch.compile",
    "tensorflow-eager": "eager TensorFlow",
    "tensorflow-function": "tf.function",
    "tensorflow-xla": "XLA",
}


def accuracy(claim: Claim, tables: Tables) -> Judgement:
    """Judge the difference in final accuracy over seeds from the same weights and data order (C11)."""
    points, least = claim.limit("points"), claim.limit("seeds")
    frame = need(tables, "accuracy_differences", "workload", "dataset", "difference", "low", "high", "seeds", "status")
    enough = frame["status"].eq("ok") & (pd.to_numeric(frame["seeds"], errors="coerce") >= least)
    cells = []
    for row in once(frame[enough]).to_dict("records"):
        value, low, high = (100 * number(row[name]) for name in ("difference", "low", "high"))
        origin = text(row.get("origin"))
        cells.append(
            Cell(
                name=f"{text(row['workload'])} on {text(row['dataset'])}"
                + (f" ({origin})" if origin not in ("", "this run") else ""),
                side=side(low, high, within(-points, points), outside(-points, points)),
                value=value,
                low=low,
                high=high,
                unit="points of accuracy, PyTorch less TensorFlow",
                n=f"{number(row['seeds']):.0f} seeds, {number(row.get('n_test')):,.0f} test examples",
                table="accuracy_differences",
                cluster=text(row["workload"]),
                **measured(row, tables),
            )
        )
    if not cells:
        raise MissingEvidence(f"no workload was trained on both sides with at least {least:g} seeds")
    sets = {cell.name.split(" on ")[1].split(" (")[0] for cell in cells}
    steps = [Step("indirectness", f"on one small data set, {next(iter(sets))}")] if len(sets) == 1 else []
    return Judgement(
        cells=cells,
        holds=Clause("Both frameworks", ("reach", "reach"), f"the same accuracy within {points:g} point"),
        fails=Clause("The frameworks", ("differ", "differ"), f"by more than {points:g} point of accuracy"),
        steps=[*steps, *common_steps(cells)],
    )


def modes(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether every mode of every workload gives the outputs of eager PyTorch (C23).

    A check that failed with a difference beyond its tolerance is a disagreement; one that did not finish is open.
    """
    frame = need(tables, "parity", "workload", "level", "pair", "largest_difference", "tolerance", "status", "note")
    frame = frame[frame["pair"].astype(str).str.startswith("pytorch-eager / ")]
    frame = frame.assign(mode=frame["pair"].astype(str).str.removeprefix("pytorch-eager / "))
    frame = frame[frame["mode"].isin(MODES)]
    if frame.empty:
        raise MissingEvidence("the table parity holds no check of a mode")
    frame = once(frame)
    frame = frame.assign(side=[_side(row) for row in frame.to_dict("records")])
    keys = [name for name in ("origin", "machine") if name in frame]
    cells = []
    for (workload, mode, *_), rows in frame.groupby(["workload", "mode", *keys], sort=False, dropna=False):
        sides = set(rows["side"])
        found = REFUTES if REFUTES in sides else OPEN if OPEN in sides else SUPPORTS
        worst = rows[rows["side"].eq(found)].iloc[0]
        origin = text(worst.get("origin"))
        cells.append(
            Cell(
                name=f"{workload}" + (f" ({origin})" if origin not in ("", "this run") else ""),
                side=found,
                value=number(worst["largest_difference"]) if found == REFUTES else float("nan"),
                unit="largest relative difference",
                group=MODE_NAMES[mode],
                n=f"{len(rows)} checks",
                table="parity",
                cluster=str(workload),
                **(measured(worst, tables) | {"note": text(worst["note"]) if found != SUPPORTS else ""}),
            )
        )
    open_ = [cell for cell in cells if cell.side == OPEN]
    found = any(cell.side == REFUTES for cell in cells)  # then what did not finish does not matter
    steps = [Step("imprecision", f"{len(open_)} of {len(cells)} checks did not finish")] if open_ and not found else []
    differ = [f"{cell.group}, {cell.name}: {cell.note}" for cell in cells if cell.side == REFUTES and cell.note]
    missing = set(MODES) - set(frame["mode"])
    return Judgement(
        cells=cells,
        combine="every",
        holds=Clause("Every mode", ("gives", "give"), "the outputs of eager PyTorch"),
        fails=Clause("At least one mode", ("gives", "give"), "other outputs than eager PyTorch"),
        steps=steps,
        note=f"What differs, with its bound: {differ[0]}." if differ else "",
        missing=f"modes without a check: {', '.join(sorted(MODE_NAMES[name] for name in missing))}" if missing else "",
    )


def _side(row: dict) -> str:
    status, difference, tolerance = text(row["status"]), number(row["largest_difference"]), number(row["tolerance"])
    if status == "pass":
        return SUPPORTS
    return REFUTES if status == "fail" and difference > tolerance else OPEN
