"""Running the judging functions over the result tables: one row a claim, one row a cell of evidence."""

from __future__ import annotations

import importlib
import logging
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from analysis.claims import arithmetic
from analysis.claims.registry import GPU, ROOT, Claim, load_claims
from analysis.claims.rules import (
    OPEN,
    PARTLY,
    REFUTED,
    REFUTES,
    SUPPORTED,
    SUPPORTS,
    UNTESTED,
    Cell,
    Judgement,
    MissingEvidence,
    combine,
    grade,
    inside,
)
from analysis.wording import number_words
from reproductions.errors import SurveyError

log = logging.getLogger(__name__)
FACTS_SCHEMA = ROOT / "workflow" / "schemas" / "facts.schema.yaml"
TABLES = ("claims", "claim_cells", "claim_arithmetic")
FIXED = (
    *("claim", "topic", "statement", "test", "supported_if", "refuted_if", "fixed", "place", "seen", "device"),
    *("settle", "command"),
)
CLAIM_COLUMNS = (
    *("claim", "topic", "statement", "verdict", "certainty", "flag", "sentence", "estimate"),
    *("value", "low", "high", "unit", "n", "cells", "cells_for", "cells_against", "cells_open"),
    *("test", "supported_if", "refuted_if", "fixed", "place", "seen", "device", "steps", "machines", "devices"),
    *("first_date", "last_date", "missing", "note", "settle", "command", "tables", "cites", "see"),
)
CELL_COLUMNS = (
    *("claim", "decides", "cell", "side", "value", "low", "high", "unit", "n", "group", "machine", "device", "date"),
    *("table", "note"),
)
NAMED = 3  # cells that a sentence names before it counts the rest


def judge_all(tables: Mapping[str, pd.DataFrame], claims: Mapping[str, Claim] | None = None) -> dict[str, pd.DataFrame]:
    """Return the tables ``claims``, ``claim_cells`` and ``claim_arithmetic``.

    tables  result tables by name; each may be absent, which makes its claims "not tested here"
    claims  default: ``data/claims.csv``
    """
    claims = load_claims() if claims is None else claims
    rows, cells, sums = [], [], pd.DataFrame(columns=list(arithmetic.COLUMNS))
    for claim in claims.values():
        row, deciding, beside = judge(claim, tables)
        rows.append(row)
        for decides, found in ((True, deciding), (False, beside)):
            cells += [_row(claim, cell, decides) for cell in found]
        if claim.judge == "arithmetic.headline":
            try:
                sums = arithmetic.arithmetic(claim, tables)
            except MissingEvidence as error:
                log.info("no arithmetic: %s", error)
    return {
        "claims": pd.DataFrame(rows, columns=list(CLAIM_COLUMNS)),
        "claim_cells": pd.DataFrame(cells, columns=list(CELL_COLUMNS)),
        "claim_arithmetic": sums,
    }


def read_tables(folder: Path, facts: Path) -> dict[str, pd.DataFrame]:
    """Return the result tables of a folder by name, without those made here, and the facts that were looked up.

    Raises AdoptionDataError naming file, row, field and remedy where ``facts`` breaks its schema.
    """
    from analysis.adoption_data import AdoptionDataError, read_rows

    found, faults = read_rows(facts, FACTS_SCHEMA)
    if faults:
        raise AdoptionDataError(faults)
    paths = [path for path in sorted(folder.glob("*.csv")) if path.stem not in (*TABLES, "facts")]
    tables = {path.stem: pd.read_csv(path, low_memory=False) for path in paths}
    return tables | {"facts": pd.DataFrame([row for _, row in found])}


def write(tables: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """Write the tables as CSV in which no cell is run as a formula."""
    from analysis.drawing import inert_csv, replace_file

    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in tables.items():
        replace_file(folder / f"{name}.csv", inert_csv(frame).encode())


def judging_function(claim: Claim) -> Callable[[Claim, Mapping[str, pd.DataFrame]], Judgement]:
    """Return the function that judges a claim; raise SurveyError where its name leads nowhere."""
    module, name = claim.judge.split(".")
    try:
        return getattr(importlib.import_module(f"analysis.claims.{module}"), name)
    except (ImportError, AttributeError) as error:
        raise SurveyError(
            f"data/claims.csv: {claim.claim}: judge: {claim.judge} is no function ({error}); "
            f"write {name}(claim, tables) in analysis/claims/{module}.py"
        ) from error


def judge(claim: Claim, tables: Mapping[str, pd.DataFrame]) -> tuple[dict[str, object], Sequence[Cell], Sequence[Cell]]:
    """Return the row of a claim, the cells that decide and the cells beside them."""
    fixed = {name: getattr(claim, name) for name in FIXED}
    fixed |= {"cites": " ".join(claim.cites), "see": " ".join(claim.see)}
    try:
        judgement = _on_its_device(claim, judging_function(claim)(claim, tables))
    except MissingEvidence as error:
        return fixed | _untested(error), (), error.beside
    return fixed | _judged(judgement), judgement.cells, judgement.beside


def _on_its_device(claim: Claim, judgement: Judgement) -> Judgement:
    """Return the judgement with the cells that may decide: of a claim about GPUs no other, whoever judges it."""
    if claim.device != GPU:
        return judgement
    cells = [cell for cell in judgement.cells if devices_of([cell]) == {GPU}]
    if not cells:
        raise MissingEvidence("the claim is about GPUs and no cell was measured on one", judgement.cells)
    rest = [cell for cell in judgement.cells if cell not in cells]
    return replace(judgement, cells=cells, beside=[*rest, *judgement.beside])


def _untested(error: MissingEvidence) -> dict[str, object]:
    words = str(error)
    near = f" Nearest in the tables: {_numbers(error.beside[0])}." if error.beside else ""
    return {
        "verdict": UNTESTED,
        "certainty": "",
        "sentence": f"{words[:1].upper()}{words[1:]}.",
        "estimate": "",
        "note": near.strip(),
        "missing": words,
        "cells": 0,
        "cells_for": 0,
        "cells_against": 0,
        "cells_open": 0,
        **_where(error.beside),
    }


def _judged(judgement: Judgement) -> dict[str, object]:
    cells = list(judgement.cells)
    verdict = combine(cells, judgement.combine)
    everything = [*cells, *judgement.beside]
    machines = {name for cell in everything for name in cell.machine.split("; ") if name}
    certainty, steps = grade(judgement.start, list(judgement.steps), len(machines))
    overall = judgement.overall or (cells[0] if len(cells) == 1 else None)
    counts = {side: sum(cell.side == side for cell in cells) for side in (SUPPORTS, REFUTES, OPEN)}
    return {
        "verdict": verdict,
        "certainty": certainty,
        "flag": judgement.flag,
        "sentence": _sentence(judgement, verdict, certainty),
        "estimate": _numbers(overall) if overall else _spread(cells),
        **({name: getattr(overall, name) for name in ("value", "low", "high", "unit", "n")} if overall else {}),
        "cells": len(cells),
        "cells_for": counts[SUPPORTS],
        "cells_against": counts[REFUTES],
        "cells_open": counts[OPEN],
        "steps": " | ".join(steps),
        "missing": judgement.missing,
        "note": judgement.note,
        **_where(everything),
    }


def _where(cells: Sequence[Cell]) -> dict[str, str]:
    def all_of(name: str) -> str:
        return "; ".join(sorted({part for cell in cells for part in getattr(cell, name).split("; ") if part}))

    dates = sorted(cell.date for cell in cells if cell.date)
    return {
        "machines": all_of("machine"),
        "devices": all_of("device"),
        "first_date": dates[0] if dates else "",
        "last_date": dates[-1] if dates else "",
        "tables": all_of("table"),
    }


def _sentence(judgement: Judgement, verdict: str, certainty: str) -> str:
    cells = judgement.cells
    holds, fails = judgement.holds, judgement.fails
    where = _scope([*cells, *judgement.beside])
    if verdict == SUPPORTED:
        return f"{holds.say(certainty)}{where}."
    if verdict == REFUTED:
        against = [cell for cell in cells if cell.side == REFUTES]
        some = f" (in {len(against)} of {len(cells)}: {_names(against)})" if len(against) < len(cells) else ""
        return f"{fails.say(certainty)}{where}{some}."
    sides = {side: [cell for cell in cells if cell.side == side] for side in (SUPPORTS, REFUTES, OPEN)}
    if verdict == PARTLY:
        open_ = f" Open: {_names(sides[OPEN])}." if sides[OPEN] else ""
        both = f"For: {_names(sides[SUPPORTS])}. Against: {_names(sides[REFUTES])}."
        return f"{holds.say(certainty)} in some cells and not in others{where}. {both}{open_}"
    both = f"The data fit both: {inside(holds.say('high'))}, and {inside(fails.say('high'))}"
    if len(cells) == 1:
        return f"{both}."
    decided = [f"{len(sides[side])} {side}" for side in (SUPPORTS, REFUTES) if sides[side]]
    counts = f" ({', '.join([*decided, f'{len(sides[OPEN])} open'])}, of {len(cells)} cells)"
    return f"{both}{counts}."


def devices_of(cells: Iterable[Cell]) -> set[str]:
    """Return the kinds of device on which cells were measured: ``cpu``, ``gpu``; none where no device is told."""
    names = {part.strip().lower() for cell in cells for part in re.split("[;,]", cell.device)} - {""}
    return {"cpu" if name == "cpu" else GPU for name in names}


def _scope(cells: Sequence[Cell]) -> str:
    """Say on which kind of device it was measured, so that no sentence says more than that."""
    kinds = sorted(devices_of(cells))
    return f" (on a {' and a '.join(kind.upper() for kind in kinds)})" if kinds else ""


def _names(cells: Sequence[Cell]) -> str:
    """Name cells: by their groups where they have some, otherwise the first few; what is not named is counted."""
    groups: dict[str, list[str]] = {}
    for cell in cells:
        groups.setdefault(cell.group, []).append(cell.name)
    if "" in groups:
        return _few([cell.name for cell in cells], "; ")
    parts = (f"{len(names)}" if len(names) > NAMED else _few(names, ", ") for names in groups.values())
    return ", ".join(f"{group} ({part})" for group, part in zip(groups, parts, strict=True))


def _few(names: Sequence[str], between: str) -> str:
    names = list(dict.fromkeys(names))
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + rest


def _numbers(cell: Cell) -> str:
    """Write a cell's estimate with its interval, unit and n."""
    if math.isnan(cell.value):
        return f"{cell.name}: no number; {cell.n}"
    interval = " (no interval)"
    if not math.isnan(cell.low):
        interval = f" [{_value(cell.low)}, {_value(cell.high)}]" if cell.low < cell.high else ""
    return f"{cell.name}: {_value(cell.value)}{interval} {cell.unit}; {cell.n}"


def _value(value: float) -> str:
    return number_words(value, 0 if value == int(value) else None) if math.isfinite(value) else number_words(value)


def _spread(cells: Sequence[Cell]) -> str:
    """Write the range of several cells' estimates, and how far their intervals reach: never one pooled interval."""
    values = [cell.value for cell in cells if math.isfinite(cell.value)]
    if not values:
        return _few([cell.name for cell in cells], "; ")
    unit = cells[0].unit
    if len(values) == 1 or min(values) == max(values):
        return f"one value, {_value(values[0])} {unit}; {len(cells)} cells"
    ends = f"{_value(min(values))} to {_value(max(values))}"
    known = [cell for cell in cells if math.isfinite(cell.low) and cell.low < cell.high]
    reach = "a range; complete counts without an interval" if _complete(cells) else "a range, no interval"
    if known:
        outer = f"{_value(min(cell.low for cell in known))} to {_value(max(cell.high for cell in known))}"
        some = "" if len(known) == len(cells) else f" of {len(known)} of them"
        reach = f"a range; the 95 % intervals{some} reach from {outer}"
    return f"from {ends} {unit} over {len(cells)} cells ({reach})"


def _complete(cells: Sequence[Cell]) -> bool:
    return all(cell.low == cell.high for cell in cells)


def _row(claim: Claim, cell: Cell, decides: bool) -> dict[str, object]:
    names = ("side", "value", "low", "high", "unit", "n", "group", "machine", "device", "date", "table", "note")
    row = {name: getattr(cell, name) for name in names}
    row["note"] = re.sub(r"\s+", " ", str(row["note"]))
    return {"claim": claim.claim, "decides": decides, "cell": cell.name, **row}
