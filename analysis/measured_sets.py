"""A set of measurements as the tables read it: this run's results, or a folder of ``data/measurements``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from analysis.measured_rows import DEFAULTS, THIS_RUN

PIPELINE_COLUMNS = (
    *("machine", "framework", "version", "pipeline", "transform", "data", "dataset_size", "batch_size", "workers"),
    *("restart", "round", "metric", "value", "unit", "flags", "status", "note", "environment", "threads", "date"),
)


@dataclass(frozen=True)
class MeasuredSet:
    """What one run on one machine left.

    origin      ``this run``, ``landed`` (measured by this project) or ``contributed`` (by somebody else)
    machine     the machine's id
    card        the machine card
    rows        timed rows, with ``origin`` set
    parity      ``{workload: result of the parity check}``
    accuracy    rows of the accuracy runs, with ``origin`` and ``machine`` set
    provenance  ``{workload: where its data came from}``
    pipelines   rows of the input pipelines
    reference   rows that hold our models against the ecosystem's own
    """

    origin: str
    machine: str
    card: Mapping[str, object]
    rows: pd.DataFrame
    parity: Mapping[str, Mapping] = field(default_factory=dict)
    accuracy: pd.DataFrame = field(default_factory=pd.DataFrame)
    provenance: Mapping[str, Mapping] = field(default_factory=dict)
    pipelines: pd.DataFrame = field(default_factory=pd.DataFrame)
    reference: pd.DataFrame = field(default_factory=pd.DataFrame)


def own_set(results: Path, workloads: Sequence[str]) -> MeasuredSet:
    """Read what this run left in ``results``; a workload without parity, accuracy or data file goes without it."""
    return read_set(results, "measurements", workloads, THIS_RUN)


def landed_sets(folder: Path) -> list[MeasuredSet]:
    """Return the sets that landed in ``folder`` (``data/measurements``), checked first; none where it is absent.

    Raises SurveyError that names file, row, field and remedy.
    """
    from reproductions import contributions

    found = []
    for own in contributions.timed(folder):
        contributions.check(own)
        names = [path.stem for path in sorted((own / "performance").glob("*.csv"))]
        found.append(read_set(own, "performance", names, contributions.environment(own)["origin"]))
    return found


def read_set(folder: Path, rows_in: str, workloads: Sequence[str], origin: str) -> MeasuredSet:
    """Read a set; ``rows_in`` names the folder of its timed rows. Nothing is checked here."""
    card = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    machine = str(card["machine"])
    about = {"origin": origin, "machine": machine}
    rows = _tables([folder / rows_in / f"{name}.csv" for name in workloads])
    trained = [path for name in workloads if (path := folder / "accuracy" / f"{name}.csv").exists()]
    accuracy = _tables(trained)
    return MeasuredSet(
        origin=origin,
        machine=machine,
        card=card,
        rows=rows.assign(origin=origin),
        parity=_documents(folder / "parity", workloads),
        accuracy=accuracy.assign(**about) if len(accuracy) else accuracy,
        provenance=_documents(folder / "datasets", workloads),
        pipelines=_tables([path for path in [folder / "pipelines.csv"] if path.exists()]),
        reference=_tables([path for path in [folder / "reference.csv"] if path.exists()]),
    )


def _tables(paths: Sequence[Path]) -> pd.DataFrame:
    # A session such as 12345678 and a version such as 2.13 are names, not numbers.
    texts = dict.fromkeys(DEFAULTS, str)
    found = [pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=texts) for path in paths]
    found = [table for table in found if len(table)]
    return pd.concat(found, ignore_index=True) if found else pd.DataFrame()


def _documents(folder: Path, names: Sequence[str]) -> dict[str, Mapping]:
    paths = {name: folder / f"{name}.json" for name in names}
    return {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.exists()}
