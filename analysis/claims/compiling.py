"""Claims about graphs and compilers: what they gain, and what eager execution costs.

No table holds the ratio of two modes of one framework, so it is formed from two ratios against the same mode of the
other framework; see :func:`analysis.claims.evidence.quotient` for its interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import inf, isnan

import pandas as pd

from analysis.claims import evidence
from analysis.claims.evidence import Tables, common_steps, need, number, quotient, ratio_cell, text
from analysis.claims.registry import Claim
from analysis.claims.rules import (
    OPEN,
    REFUTES,
    SUPPORTS,
    Cell,
    Clause,
    Judgement,
    Rule,
    Step,
    above,
    below,
    side,
)
from analysis.style import ENVIRONMENT_LABELS, MODE_LABELS, PHASE_LABELS

KEYS = ["origin", "machine", "workload", "phase", "batch_size", "environment", "threads", "data"]
INDIRECT = Step("indirectness", "formed from two ratios against the other framework, not paired itself")


def _settings(frame: pd.DataFrame) -> Iterator[tuple[dict, dict[tuple[str, str], Cell]]]:
    """Yield each setting (its first row) with its cells by (PyTorch mode, TensorFlow mode)."""
    keys = [name for name in KEYS if name in frame]
    for _, rows in frame.groupby(keys, sort=False, dropna=False):
        records = rows.to_dict("records")
        never = above(inf)
        cells = {
            (text(row["pytorch_mode"]), text(row["tensorflow_mode"])): ratio_cell(row, never, never) for row in records
        }
        yield records[0], cells


def _cell(row: dict, first: Cell, second: Cell, rules: tuple[Rule, Rule], group: str = "") -> Cell:
    """Return the ratio of two cells of one setting, judged by the rule for and the rule against."""
    value, low, high = quotient(first, second)
    parts = (
        evidence.title(row),
        PHASE_LABELS.get(text(row["phase"]), ""),
        ENVIRONMENT_LABELS.get(text(row["environment"]), ""),
    )
    origin = text(row.get("origin"))
    return replace(
        first,
        name=", ".join(part for part in parts if part) + (f" ({origin})" if origin not in ("", "this run") else ""),
        group=group,
        side=side(low, high, *rules),
        value=value,
        low=low,
        high=high,
        unit="times as fast",
        disturbed=max(first.disturbed, second.disturbed),
        note="",
    )


def _break_even(tables: Tables) -> dict[tuple, float]:
    """Return the steps after which a compiled mode of TensorFlow has paid its first step back; infinity for never."""
    frame = need(tables, "performance_cells", "workload", "phase", "environment", "framework", "mode", "break_even")
    keys = [name for name in KEYS if name in frame]
    return {
        (*(text(row.get(name)) for name in keys), text(row["mode"])): number(row.get("break_even_steps"))
        if text(row["break_even"]) != "never"
        else inf
        for row in frame.to_dict("records")
        if text(row["framework"]) == "tensorflow" and text(row["break_even"])
    }


def tensorflow(claim: Claim, tables: Tables) -> Judgement:
    """Judge the warm speed-up and the break-even of tf.function over eager and of XLA over tf.function (C08)."""
    limit, most = claim.limit("speedup"), claim.limit("steps")
    frame, paid = evidence.ratios(tables), _break_even(tables)
    keys = [name for name in KEYS if name in frame]
    cells = []
    for row, found in _settings(frame):
        for mode, base in (("function", "eager"), ("xla", "function")):
            if not {("eager", mode), ("eager", base)} <= set(found):
                continue
            group = f"{MODE_LABELS[mode]} over {'eager TensorFlow' if base == 'eager' else MODE_LABELS[base]}"
            # The slower TensorFlow mode makes the larger ratio for PyTorch.
            rules = above(limit), below(limit, equal=True)
            cell = _cell(row, found["eager", base], found["eager", mode], rules, group)
            steps = paid.get((*(text(row.get(name)) for name in keys), mode), float("nan"))
            cells.append(replace(cell, side=with_break_even(cell.side, steps, most), note=_paid(steps)))
    return Judgement(
        cells=cells,
        none="no two modes of TensorFlow were measured against the same mode of PyTorch",
        holds=Clause(
            "Graph mode and XLA", ("make", "make"), f"TensorFlow faster and pay back within {most:,.0f} steps"
        ),
        fails=Clause(
            "Graph mode and XLA", ("do not make", "not make"), "TensorFlow faster in a useful number of steps"
        ),
        steps=[INDIRECT, *common_steps(cells), *evidence.small_sizes(cells)],
    )


def with_break_even(found: str, steps: float, most: float) -> str:
    """Return the side of a speed-up, its break-even counted: beyond ``most`` steps refutes, unknown leaves it open."""
    if found == REFUTES or steps > most:
        return REFUTES
    return SUPPORTS if found == SUPPORTS and steps <= most else OPEN


def _paid(steps: float) -> str:
    if isnan(steps):
        return "break-even not told"
    return "never paid back" if steps == inf else f"paid back after {steps:,.0f} steps"


def pytorch(claim: Claim, tables: Tables) -> Judgement:
    """Judge torch.compile against eager PyTorch (C09)."""
    limit = claim.limit("speedup")
    cells = []
    for row, found in _settings(evidence.ratios(tables)):
        for base in ("function", "xla", "eager"):
            if {("compile", base), ("eager", base)} <= set(found):
                compiled, eager = found["compile", base], found["eager", base]
                cells.append(_cell(row, compiled, eager, (above(limit, equal=True), below(limit))))
                break
    return Judgement(
        cells=cells,
        none="torch.compile and eager PyTorch were not both admitted against one mode of TensorFlow",
        holds=Clause("Compiled PyTorch", ("is", "be"), f"at least {limit:g} times as fast as eager PyTorch"),
        fails=Clause("Compiled PyTorch", ("stays", "stay"), f"below {limit:g} times the speed of eager PyTorch"),
        steps=[INDIRECT, *common_steps(cells), *evidence.small_sizes(cells)],
    )


def eager_cost(claim: Claim, tables: Tables) -> Judgement:
    """Judge what eager execution costs against the graph, TensorFlow over PyTorch (C10).

    The cost is graph speed over eager speed. TensorFlow's over PyTorch's is the ratio of the two eager modes over the
    ratio of torch.compile to tf.function.
    """
    limit = claim.limit("ratio")
    cells = []
    for row, found in _settings(evidence.ratios(tables)):
        if {("eager", "eager"), ("compile", "function")} <= set(found):
            eager, graph = found["eager", "eager"], found["compile", "function"]
            cells.append(
                replace(_cell(row, eager, graph, (above(limit), below(limit))), unit="times the cost in PyTorch")
            )
    return Judgement(
        cells=cells,
        none="the four modes (eager, torch.compile, eager, tf.function) were not admitted together",
        holds=Clause("Eager execution", ("costs", "cost"), "TensorFlow more than PyTorch"),
        fails=Clause("Eager execution", ("costs", "cost"), "PyTorch more than TensorFlow"),
        steps=[INDIRECT, *common_steps(cells), *evidence.small_sizes(cells)],
    )
