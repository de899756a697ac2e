"""What the section on deployment shows beside figures and tables: every path and server unfolded, with its reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.deployment import COMMAND, MODELS, NOT_TRIED, STAGES
from reproductions.deployment import servers, spec, states


def context(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what the template shows: ``paths`` and ``servers``, both empty where nothing was tried.

    tables  those of :mod:`analysis.deployment`, by name; each may be absent
    """
    tools = states.load()
    known = spec.discover()
    served = {name: module.SERVER for name, module in servers.discover().items()}
    return {
        "command": COMMAND,
        "models": [f"{title} ({name})" for name, title in MODELS.items()],
        "paths": _unfolded(tables.get("deployment_matrix"), "path", known, tools),
        "servers": _unfolded(tables.get("deployment_servers"), "server", served, tools),
    }


def _unfolded(
    table: pd.DataFrame | None, column: str, known: Mapping[str, Any], tools: Mapping[str, states.State]
) -> list[dict[str, Any]]:
    """Return an entry a path or server, in the table's order: its tool, what upstream knows, how each row ended."""
    if table is None or table.empty:
        return []
    table = table.astype(object).where(table.notna(), "")
    found = []
    for name, rows in table.groupby(column, sort=False):
        records = rows.to_dict("records")
        entry = known.get(name)
        lines = _merged(records)
        found.append(
            {
                "id": name,
                "title": records[0][f"{column}_title"],
                "framework": records[0]["framework_title"],
                "runtime": records[0]["runtime_title"],
                "summary": _summary(lines),
                "tool": _tool(tools.get(getattr(entry, "tool", ""))),
                "expected": _expected(entry),
                "extra": getattr(entry, "extra", None) or "",
                "lines": lines,
                "versions": _versions(records),
            }
        )
    return found


def _tool(state: states.State | None) -> dict[str, str]:
    if state is None:
        return {}
    return {
        "title": state.title,
        "state": f"{state.state} since {state.since}" if state.since else state.state,
        "release": f"newest release {state.release}" + (f", {state.released}" if state.released else ""),
        "looked": state.looked,
        "source": state.source,
        "url": state.source if state.source.startswith("https://") else "",
        "why": state.why,
    }


def _expected(entry: Any) -> list[dict[str, str]]:
    """Return the failures that are known upstream, by model; they stand here whether or not they happened."""
    return [
        {
            "model": MODELS.get(model, model),
            "where": STAGES[known.stage],
            "reason": known.reason,
            "url": known.report if known.report.startswith("https://") else "",
        }
        for model, known in getattr(entry, "expected", {}).items()
    ]


def _merged(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for the numbers of threads and machines that ended alike, for the same reason."""
    found: dict[tuple, dict[str, Any]] = {}
    for row in rows:
        key = row["model_title"], row["outcome"], row["note"], row["report_url"]
        url = str(row["report_url"])
        line = found.setdefault(
            key,
            {
                "model": row["model_title"],
                "outcome": row["outcome"],
                "note": row["note"],
                "url": url if url.startswith("https://") else "",
                "threads": [],
                "measured": [],
            },
        )
        threads = row.get("threads", "")
        if threads != "" and f"{threads:.0f}" not in line["threads"]:
            line["threads"].append(f"{threads:.0f}")
        where = f"{row['machine']}, {row['date']}" if row["date"] else str(row["machine"])
        if where not in line["measured"]:
            line["measured"].append(where)
    return list(found.values())


def _summary(lines: Iterable[Mapping[str, Any]]) -> str:
    """Say how it ended: "measured with the convolutional classifier; failed, as expected, at loading with the ..."."""
    groups: dict[str, list[str]] = {}
    for line in lines:
        models = groups.setdefault(str(line["outcome"]), [])
        models += [] if line["model"] in models else [line["model"]]
    return "; ".join(f"{outcome} with the {' and the '.join(models)}" for outcome, models in groups.items())


def _versions(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return the versions that were measured, each machine's once."""
    found = {
        f"{row['versions']} ({row['machine']})": None
        for row in rows
        if row["versions"] and row["status"] not in ("skipped", NOT_TRIED)
    }
    return "; ".join(found)
