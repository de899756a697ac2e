"""Which verdicts moved, and why: the words of this page against those recorded before it.

``data/verdicts.csv`` is append-only: a row a claim whenever its words moved, with four fingerprints of what they rested
on. ``python -m analysis judge --record`` appends; building a page never does. Beside each page ``verdicts.json`` holds
the words of that page.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from analysis.claims.registry import CLAIMS_CSV, ROOT
from analysis.claims.rules import UNTESTED

VERDICTS_CSV = ROOT / "data" / "verdicts.csv"
#: What may move a verdict, and how the page calls it.
CAUSES = {
    "data": "data",
    "code": "code",
    "machine": "machine",
    "upstream": "upstream release",
}
#: Causes whose fingerprints say something to a reader; the others are hashes and stay in the tables.
READABLE = ("machine", "upstream")
#: What stands for the day of a move that is not on record yet.
THIS_PAGE = "this page"
COLUMNS = ("date", "claim", "verdict", "certainty", "estimate", *CAUSES)
#: Tables that are no evidence: what is made here, how this run went, and the sets, which are a cause of their own.
NO_EVIDENCE = ("claims", "claim_cells", "claim_arithmetic", "machine", "performance_machines", "refresh")


def fingerprints(tables: Mapping[str, pd.DataFrame]) -> dict[str, str]:
    """Return what the verdicts rest on, a short text a cause: hashes of data and code, machines, versions.

    data      hash of the tables that were counted, measured or looked up
    code      hash of this package and of data/claims.csv
    machine   the sets of measurements: machine, preset and day
    upstream  versions of the frameworks that measured
    """
    return {
        "data": _hash(*(tables[name].to_csv(index=False).encode() for name in sorted(set(tables) - set(NO_EVIDENCE)))),
        "code": _hash(*(path.read_bytes() for path in [*sorted(Path(__file__).parent.glob("*.py")), CLAIMS_CSV])),
        "machine": _joined(tables, "performance_machines", "machine", "preset", "date"),
        "upstream": _joined(tables, "performance_machines", "pytorch_version", "tensorflow_version"),
    }


def _hash(*parts: bytes) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(hashlib.sha256(part).digest())
    return found.hexdigest()[:12]


def _joined(tables: Mapping[str, pd.DataFrame], name: str, *columns: str) -> str:
    frame = tables.get(name)
    if frame is None or not set(columns) <= set(frame):
        return ""
    rows = frame.loc[:, list(columns)].fillna("").itertuples(index=False)
    return "; ".join(sorted({" ".join(map(str, row)) for row in rows}))


def recorded(path: Path = VERDICTS_CSV) -> dict[str, dict[str, str]]:
    """Return the last recorded row of each claim; none where nothing was recorded."""
    return {row["claim"]: row for row in rows_of(path)}


def rows_of(path: Path = VERDICTS_CSV) -> list[dict[str, str]]:
    """Return every recorded row, the oldest first."""
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _rows(claims: pd.DataFrame) -> list[dict[str, object]]:
    """Return the rows of the table claims, "" where a cell is empty."""
    claims = claims.astype(object)
    return claims.where(claims.notna(), "").to_dict("records")


def moves(
    claims: pd.DataFrame, before: Mapping[str, Mapping[str, str]], now: Mapping[str, str]
) -> list[dict[str, str]]:
    """Return the claims whose verdict or certainty moved since they were recorded, with what may have moved them."""
    found = []
    for row in _rows(claims):
        if (old := before.get(row["claim"])) and (move := _move(old, row | dict(now) | {"date": THIS_PAGE})):
            found.append(move)
    return found


def all_moves(claims: pd.DataFrame, now: Mapping[str, str], path: Path = VERDICTS_CSV) -> list[dict[str, str]]:
    """Return every move on record and those of this page, the newest first."""
    last: dict[str, dict[str, str]] = {}
    found = []
    for row in rows_of(path):
        if (old := last.get(row["claim"])) and (move := _move(old, row)):
            found.append(move)
        last[row["claim"]] = row
    return [*moves(claims, last, now), *reversed(found)]


def _move(old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, str] | None:
    """Return what a claim was and became, and what differed between the two days; None where its words stayed."""
    if words_of(old) == words_of(new):
        return None
    differs = [name for name in CAUSES if old[name] != new[name]]
    return {
        "claim": str(new["claim"]),
        "since": str(old["date"]),
        "until": str(new["date"]),
        "before": words_of(old),
        "after": words_of(new),
        "causes": ", ".join(CAUSES[name] for name in differs) or "not known: nothing that is recorded differs",
        "why": "; ".join(_why(name, old[name], new[name]) for name in differs if name in READABLE),
    }


def words_of(row: Mapping[str, str]) -> str:
    """Return both words of a row: "supported, moderate certainty"."""
    return row["verdict"] if row["verdict"] == UNTESTED else f"{row['verdict']}, {row['certainty']} certainty"


def _why(name: str, before: str, after: str) -> str:
    return f"{CAUSES[name]}: {before or 'none'}; now {after or 'none'}"


def record(claims: pd.DataFrame, tables: Mapping[str, pd.DataFrame], day: str, path: Path = VERDICTS_CSV) -> int:
    """Append a row for each claim that is new or moved, and return how many were."""
    from reproductions.files import write_text

    now, before = fingerprints(tables), recorded(path)
    moved = {row["claim"] for row in moves(claims, before, now)}
    rows = [row for row in _rows(claims) if row["claim"] not in before or row["claim"] in moved]
    if rows:
        lines = path.read_text("utf-8") if path.exists() else ",".join(COLUMNS) + "\n"
        frame = pd.DataFrame([{**row, **now, "date": day} for row in rows])[list(COLUMNS)]
        write_text(path, lines + frame.to_csv(index=False, header=False, lineterminator="\n"))
    return len(rows)


def as_json(claims: pd.DataFrame, now: Mapping[str, str], day: str) -> str:
    """Return what lies beside a page: the words of every claim, and what they rest on."""
    words = {row["claim"]: {name: row[name] for name in ("verdict", "certainty", "estimate")} for row in _rows(claims)}
    return json.dumps({"built": day, "rests_on": dict(now), "claims": words}, indent=1, ensure_ascii=False) + "\n"
