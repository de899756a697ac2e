"""Our models against the ecosystem's own: the rows of every set, and the mark on workloads that are slower."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from analysis.measured_sets import MeasuredSet
from analysis.style import FRAMEWORK_LABELS
from reproductions.reference import COLUMNS, GOAL

FAULTS = ("below", "parameters differ")


def references(sets: Iterable[MeasuredSet], titles: dict[str, str]) -> pd.DataFrame:
    """Return one row a set, workload, framework and phase; what could not be compared is a row with its reason.

    ratio  the reference's time of a step by ours, with its 95 % interval: 1 is as fast, above 1 ours is faster
    """
    found = [own.reference.assign(origin=own.origin, machine=own.machine) for own in sets if len(own.reference)]
    columns = ["origin", "workload_title", *COLUMNS]
    if not found:
        return pd.DataFrame(columns=columns)
    rows = pd.concat(found, ignore_index=True)
    return rows.assign(workload_title=rows["workload"].map(lambda name: titles.get(name, name)))[columns]


def mark(compared: pd.DataFrame, references: pd.DataFrame) -> pd.DataFrame:
    """Return ratio rows whose note says where one side's model is slower than the ecosystem's own on that machine."""
    found: dict[tuple, list[str]] = {}
    for row in references[references["verdict"].isin(FAULTS)].itertuples():
        name = FRAMEWORK_LABELS[row.framework]
        if row.verdict == "parameters differ":
            text = f"the {name} model has another number of parameters than {row.reference}"
        else:
            text = f"the {name} model reaches {row.ratio:.2f} of the speed of {row.reference}, less than {GOAL:g}"
        phases = compared["phase"].unique() if pd.isna(row.phase) else (row.phase,)  # nothing was timed: all of them
        for phase in phases:
            found.setdefault((row.machine, row.workload, phase), []).append(text)
    if not found:
        return compared
    places = zip(compared["machine"], compared["workload"], compared["phase"], strict=True)
    notes = [
        "; ".join(part for part in (note, *found.get(place, ())) if part)
        for place, note in zip(places, compared["note"], strict=True)
    ]
    return compared.assign(note=notes)
