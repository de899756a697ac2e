"""What the page shows of the claims: an index, a card a claim, the arithmetic, and what moved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.claims import history
from analysis.claims.registry import SURVEY_DATE, SURVEY_URL
from analysis.claims.rules import AGREEING, CERTAINTIES, DOMAINS, ONE_MACHINE, STARTS, UNTESTED, VERDICTS
from analysis.wording import number_words

COMMAND = "snakemake --cores 8"
#: Columns of the table claims that the card shows as they are.
SHOWN = (
    *("claim", "statement", "verdict", "certainty", "flag", "sentence", "estimate", "test", "supported_if"),
    *("refuted_if", "fixed", "place", "missing", "note", "settle", "command"),
)
MOST_CELLS = 6  # deciding cells that a card lists; claim_cells.csv holds them all
SEEN = {
    "primary": "read in its abstract",
    "secondary": "read in reports that quote it",
    "none": "its wording was not seen",
}


def context(tables: Mapping[str, pd.DataFrame], targets: Iterable[str], files: Mapping[str, str]) -> dict[str, Any]:
    """Return what the template needs; ``cards`` is empty where the table claims was not made.

    tables   result tables by name
    targets  what the page can link to: ``fig:...``, ``tab:...``
    files    address beside the page of each table, by name
    """
    frame = tables.get("claims")
    made = frame is not None and len(frame)
    claims = frame.astype(object).where(frame.notna(), "") if made else pd.DataFrame()
    cells = _deciding(tables.get("claim_cells"))
    cards = [_card(row, set(targets), files, cells.get(row["claim"], [])) for row in claims.to_dict("records")]
    counts = {name: sum(card["verdict"] == name for card in cards) for name in VERDICTS}
    before = history.recorded()
    sums = tables.get("claim_arithmetic")
    return {
        "cards": cards,
        "counts": {name: count for name, count in counts.items() if count},
        "rules": VERDICTS,
        "starts": STARTS,
        "certainties": CERTAINTIES,
        "domains": DOMAINS,
        "agreeing": AGREEING,
        "one_machine": ONE_MACHINE,
        "survey": SURVEY_URL,
        "said": SURVEY_DATE,
        "command": COMMAND,
        "arithmetic": sums.to_dict("records") if sums is not None else [],
        "moves": history.all_moves(claims, history.fingerprints(tables)) if cards else [],
        "recorded": max((row["date"] for row in before.values()), default=""),
        "cells": files.get("claim_cells", ""),
    }


def _deciding(frame: pd.DataFrame | None) -> dict[str, list[dict[str, str]]]:
    """Return of each claim with several deciding cells what a card lists of them: name, number with interval, side."""
    if frame is None or "decides" not in frame:
        return {}
    frame = frame[frame["decides"].astype(str).eq("True")]
    found = {}
    for claim, rows in frame.groupby("claim", sort=False):
        if len(rows) > 1:
            found[claim] = [_cell(row) for row in rows.to_dict("records")]
    return found


def _cell(row: Mapping[str, Any]) -> dict[str, str]:
    group = "" if pd.isna(row["group"]) else f"{row['group']}: "
    told = "" if pd.isna(row["value"]) else number_words(row["value"])
    if told and not pd.isna(row["low"]) and row["low"] < row["high"]:
        told += f" [{number_words(row['low'])}, {number_words(row['high'])}]"
    unit = "" if pd.isna(row["unit"]) else str(row["unit"])
    return {"name": f"{group}{row['cell']}", "told": told or "no number", "side": str(row["side"]), "unit": unit}


def _card(
    row: Mapping[str, Any], targets: set[str], files: Mapping[str, str], cells: list[dict[str, str]]
) -> dict[str, Any]:
    links = []
    for name in str(row["see"]).split():
        kind, _, target = name.partition(":")
        if name in targets:
            links.append({"href": f"#{kind}-{target}", "text": target.replace("_", " ")})
        elif kind == "csv" and target in files:
            links.append({"href": files[target], "text": f"{target}.csv"})
    steps = [part for part in str(row["steps"]).split(" | ") if part]
    return {
        **{name: str(row[name]) for name in SHOWN},
        "word": str(row["verdict"])[:1].upper() + str(row["verdict"])[1:],
        "seen": SEEN[str(row["seen"])],
        "steps": steps,
        "rests_on": _rests_on(row),
        "links": links,
        "cites": str(row["cites"]).split(),
        "tested": row["verdict"] != UNTESTED,
        "unit": next(iter(units)) if len(units := {cell["unit"] for cell in cells}) == 1 else "",
        "cells": cells[:MOST_CELLS],
        "more": max(0, len(cells) - MOST_CELLS),
    }


def _rests_on(row: Mapping[str, Any]) -> str:
    """Write machines, devices and days: "2 machines (CPU), 2026-11-26"."""
    names = [name for name in str(row["machines"]).split("; ") if name]
    machines = f"{len(names)} machine{'s' if len(names) != 1 else ''}, {', '.join(names)}" if names else ""
    devices = str(row["devices"])
    first, last = (re.sub(r"\.0$", "", str(row[name])) for name in ("first_date", "last_date"))
    days = first if first == last else f"{first} to {last}"
    parts = (f"{machines} ({devices})" if machines and devices else machines or devices, days)
    return ", ".join(part for part in parts if part)
