"""What the page shows of the claims: an index, a card a claim, the arithmetic, and what moved."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.claims import history
from analysis.claims.registry import SURVEY_DATE, SURVEY_URL
from analysis.claims.rules import CERTAINTIES, STARTS, UNTESTED, VERDICTS

COMMAND = "snakemake --cores 8"
#: Columns of the table claims that the card shows as they are.
SHOWN = (
    *("claim", "statement", "verdict", "certainty", "sentence", "estimate", "test", "supported_if", "refuted_if"),
    *("fixed", "place", "missing", "note", "settle", "command"),
)
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
    cards = [_card(row, set(targets), files) for row in claims.to_dict("records")]
    counts = {name: sum(card["verdict"] == name for card in cards) for name in VERDICTS}
    now, before = history.fingerprints(tables), history.recorded()
    sums = tables.get("claim_arithmetic")
    return {
        "cards": cards,
        "counts": {name: count for name, count in counts.items() if count},
        "rules": VERDICTS,
        "starts": STARTS,
        "certainties": CERTAINTIES,
        "survey": SURVEY_URL,
        "said": SURVEY_DATE,
        "command": COMMAND,
        "arithmetic": sums.to_dict("records") if sums is not None else [],
        "moves": history.moves(claims, before, now) if cards else [],
        "recorded": max((row["date"] for row in before.values()), default=""),
        "cells": files.get("claim_cells", ""),
    }


def _card(row: Mapping[str, Any], targets: set[str], files: Mapping[str, str]) -> dict[str, Any]:
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
    }


def _rests_on(row: Mapping[str, Any]) -> str:
    """Write machines, devices and days: "2 machines (CPU), 2026-11-26"."""
    names = [name for name in str(row["machines"]).split("; ") if name]
    machines = names[0] if len(names) == 1 else f"{len(names)} machines: {', '.join(names)}" if names else ""
    devices = str(row["devices"])
    first, last = (re.sub(r"\.0$", "", str(row[name])) for name in ("first_date", "last_date"))
    days = first if first == last else f"{first} to {last}"
    parts = (f"{machines} ({devices})" if machines and devices else machines or devices, days)
    return ", ".join(part for part in parts if part)
