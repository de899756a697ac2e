"""The survey's headline percentages, recalculated from the times it quotes."""

from __future__ import annotations

import pandas as pd

from analysis.claims.evidence import Tables, need, number
from analysis.claims.registry import Claim
from analysis.claims.rules import OPEN, REFUTES, SUPPORTS, Cell, Clause, Judgement, MissingEvidence, Step

STUDY = "novac2022"
PHASES = {"train": "training", "infer": "inference"}
COLUMNS = (
    *("phase", "unit", "pytorch", "tensorflow", "quoted_percent", "symmetric_percent", "time_saved_percent"),
    *("faster_percent", "speed_ratio", "within", "year", "evidence"),
)


def arithmetic(claim: Claim, tables: Tables) -> pd.DataFrame:
    """Return one row a phase: the two quoted times a < b, the quoted percentage, and what three formulas give.

    symmetric   2(b - a)/(a + b), the difference over the mean of the two
    time_saved  (b - a)/b, the share of the slower time that is saved
    faster      b/a - 1, by how much the speed is higher
    """
    published = need(tables, "literature", "study", "phase", "pytorch_value", "tensorflow_value", "unit", "evidence")
    rows = []
    for phase, name in PHASES.items():
        found = published[published["study"].eq(STUDY) & published["phase"].eq(phase)]
        if found.empty or name not in claim.thresholds:
            continue
        row = found.iloc[0]
        a, b = number(row["pytorch_value"]), number(row["tensorflow_value"])
        rows.append(
            {
                "phase": name,
                "unit": row["unit"],
                "pytorch": a,
                "tensorflow": b,
                "quoted_percent": claim.limit(name),
                "symmetric_percent": 200 * (b - a) / (a + b),
                "time_saved_percent": 100 * (b - a) / b,
                "faster_percent": 100 * (b / a - 1),
                "speed_ratio": b / a,
                "within": claim.limit("within"),
                "year": str(row.get("year", "")),
                "evidence": row["evidence"],
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def headline(claim: Claim, tables: Tables) -> Judgement:
    """Judge whether the quoted percentages are speed-ups (C03)."""
    found = arithmetic(claim, tables)
    if found.empty:
        raise MissingEvidence(f"the table literature holds no times of {STUDY}")
    differs = [row["phase"] for row in found.to_dict("records") if _side(row) == REFUTES]
    steps = []
    if found["evidence"].ne("primary").any():
        steps.append(Step("indirectness", "times and percentages were read in reports that quote the survey"))
    return Judgement(
        cells=[_cell(row) for row in found.to_dict("records")],
        holds=Clause("The quoted percentages", ("are", "be"), "speed-ups or savings of time"),
        fails=Clause(
            "The quoted percentages",
            ("are", "be"),
            "symmetric differences, 2(b-a)/(a+b), neither speed-ups nor savings",
        ),
        start="calculated",
        steps=steps,
        flag=f"the times are as quoted, the calculation differs ({' and '.join(differs)})" if differs else "",
    )


def _side(row: dict) -> str:
    def equals(name: str) -> bool:
        return abs(row[name] - row["quoted_percent"]) <= row["within"]

    if equals("time_saved_percent") or equals("faster_percent"):
        return SUPPORTS
    return REFUTES if equals("symmetric_percent") else OPEN


def _cell(row: dict) -> Cell:
    return Cell(
        name=f"{row['phase']}, quoted as {row['quoted_percent']:g} %",
        side=_side(row),
        value=row["symmetric_percent"],
        low=row["symmetric_percent"],
        high=row["symmetric_percent"],
        unit="% by 2(b-a)/(a+b)",
        n=f"{row['pytorch']:g} and {row['tensorflow']:g} {row['unit']}",
        table="literature",
        date=row["year"],
        note=f"{row['time_saved_percent']:.1f} % less time, or {row['speed_ratio']:.2f} times the speed",
    )
