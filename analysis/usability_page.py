"""What the section on usability shows beside its figures and tables: texts side by side, and every fault unfolded."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from analysis.usability import COMMAND, SIDES
from reproductions.usability import tasks
from reproductions.usability.faults import catalogue

FIRST_PLACES, LAST_PLACES = 3, 4  # of a traceback on the page; the CSV holds them all
MOST_CHARACTERS = 800  # of a message on the page; the CSV holds it whole
#: pygments' token types, the first that fits, and the class that the style sheet colours.
CLASSES = (
    ("Token.Comment", "c"),
    ("Token.Literal.String.Doc", "c"),
    ("Token.Literal.String", "s"),
    ("Token.Literal.Number", "n"),
    ("Token.Keyword", "k"),
    ("Token.Operator.Word", "k"),
    ("Token.Name.Decorator", "d"),
    ("Token.Name.Function", "d"),
    ("Token.Name.Class", "d"),
)


def context(tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what the template shows: ``listings`` and ``faults``, both empty where nothing was measured.

    tables  those of :mod:`analysis.usability`, by name; each may be absent
    """
    return {
        "command": COMMAND,
        "listings": listings(tables.get("usability_listings"), tables.get("usability_tasks")),
        "faults": faults(tables.get("usability_faults")),
        "cut": MOST_CHARACTERS,
    }


def highlight(text: str) -> str:
    """Return Python source as HTML: escaped, with the classes of :data:`CLASSES` on as few elements as possible."""
    from html import escape

    from pygments.lexers import PythonLexer

    pieces: list[tuple[str, str]] = []
    for token, value in PythonLexer().get_tokens(text.rstrip("\n")):
        name = str(token)
        css = next((css for prefix, css in CLASSES if name.startswith(prefix)), "")
        if not value.strip():
            css = pieces[-1][0] if pieces else ""  # blanks need no element of their own
        if pieces and pieces[-1][0] == css:
            pieces[-1] = (css, pieces[-1][1] + value)
        else:
            pieces.append((css, value))
    marked = (
        f"<i class={css}>{escape(value, quote=False)}</i>" if css else escape(value, quote=False)
        for css, value in pieces
    )
    return "".join(marked).rstrip()


# -- paired programs ---------------------------------------------------------------------------------------------------
def listings(texts: pd.DataFrame | None, measured: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a task a row with its three texts, those that were measured last, and what was measured of them."""
    if texts is None or texts.empty:
        return []
    last = (
        texts.fillna("")
        .sort_values(["date", "machine"], kind="stable")
        .drop_duplicates(["task", "program"], keep="last")
    )
    found = []
    for name, task in tasks.discover().items():
        rows = last[last["task"] == name].set_index("program")
        if not set(tasks.PROGRAMS) <= set(rows.index):
            continue
        sides = [
            {
                "title": SIDES[program],
                "html": highlight(str(rows.loc[program, "text"])),
                "pages": task.sources[program],
                "said": _said(measured, name, program),
            }
            for program in tasks.PROGRAMS
        ]
        found.append({"id": name, "title": task.title, "shows": task.shows, "note": task.note, "sides": sides})
    return found


def _said(measured: pd.DataFrame | None, task: str, program: str) -> str:
    if measured is None:
        return ""
    rows = measured[(measured["task"] == task) & (measured["program"] == program)]
    rows = rows.sort_values(["date", "machine"], kind="stable")
    if rows.empty:
        return ""
    row = rows.iloc[-1]
    numbers = ((row["logical_lines"], "logical lines"), (row["tokens"], "tokens"), (row["framework_names"], "names"))
    parts = [f"{value:.0f} {words}" for value, words in numbers if pd.notna(value)]
    parts += ["" if row["text"] == "as measured" else f"this text is what was measured; the file has {row['text']}"]
    return ", ".join(part for part in parts if part)


# -- planted faults ----------------------------------------------------------------------------------------------------
def faults(table: pd.DataFrame | None) -> list[dict[str, Any]]:
    """Return a fault a row: its story and sources, the faulty lines, a line for each mode and machine, each message."""
    if table is None or table.empty:
        return []
    table = table.astype(object).where(table.notna(), "")
    known = catalogue.discover()
    found = []
    for name, rows in table.groupby("fault", sort=False):
        cells = _merged([_cell(row) for row in rows.to_dict("records")])
        fault = known.get(name)
        found.append(
            {
                "id": name,
                "title": rows.iloc[0]["title"],
                "kind": rows.iloc[0]["kind"],
                "story": fault.story if fault else "",
                "sources": [dict(source) for source in fault.sources] if fault else [],
                "harm": fault.measure.what if fault else "",
                "lines": _marked(fault) if fault else [],
                "summary": _summary(cells),
                "cells": cells,
                "measured": _measured(rows),
                "messages": _messages(rows.to_dict("records")),
            }
        )
    return found


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    ran = row["status"] == "ran"
    told = row["noticed"] in ("noticed", "warned")
    outcome = row["noticed"] if ran else str(row["status"]).replace("_", " ")
    return {
        "mode": str(row["mode_title"]),
        "outcome": outcome,
        "when": row["stage"] if told else "",
        "exception": row["exception"] or "",
        "line": _line(row),
        "frames": f"{_whole(row['user_frames'])} of {_whole(row['frames'])}" if told else "",
        "length": _whole(row["message_chars"]) if told else "",
        "shapes": row["names_shape"],
        "object": row["names_object"],
        "remedy": row["names_remedy"],
        "seconds": f"{float(row['seconds']):.2f}" if told and row["seconds"] != "" else "",
        "tools": row["noticed_by_tools"],
        "harm": row["harm"] if ran else row["note"],
        "text": "" if row["text"] in ("as measured", "") else f"the program has {row['text']}",
    }


def _merged(cells: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for machines on which the same came of it; their seconds stand side by side."""
    found: dict[tuple, dict[str, Any]] = {}
    for cell in cells:
        key = tuple(value for name, value in cell.items() if name not in ("seconds", "harm"))
        if key in found:
            found[key]["seconds"] += f"; {cell['seconds']}" if cell["seconds"] else ""
        else:
            found[key] = cell
    order = list(dict.fromkeys(cell["mode"] for cell in found.values()))
    return sorted(found.values(), key=lambda cell: order.index(cell["mode"]))


def _line(row: Mapping[str, Any]) -> str:
    if row["noticed"] not in ("noticed", "warned"):
        return ""
    if row["line_in_traceback"] == "":
        return "an omission"
    return f"yes, {_whole(row['frames_below'])} below" if row["line_in_traceback"] == "yes" else "no"


def _whole(value: object) -> str:
    return "" if value == "" else f"{float(value):,.0f}"


def _summary(cells: Iterable[Mapping[str, Any]]) -> str:
    """Say how the modes ended: "noticed in PyTorch eager, torch.compile; silent in XLA"."""
    groups: dict[str, list[str]] = {}
    for cell in cells:
        if cell["outcome"] != "not applicable":
            modes = groups.setdefault(str(cell["outcome"]), [])
            modes += [] if cell["mode"] in modes else [cell["mode"]]
    return "; ".join(f"{outcome} in {', '.join(modes)}" for outcome, modes in groups.items())


def _marked(fault: catalogue.Fault) -> list[dict[str, str]]:
    """Return the faulty lines of each framework's program and what the corrected twin has in their place."""
    found = []
    for framework in ("pytorch", "tensorflow", "keras"):
        if any(cell.startswith(framework) for cell in fault.cells()):
            lines = fault.program(framework).read_text(encoding="utf-8").splitlines()
            wrong = [_without_mark(line) for line in lines if catalogue.FAULTY.search(line)]
            right = [match[2].strip() for line in lines if (match := catalogue.CORRECT.match(line))]
            text = "\n".join(wrong), "\n".join(right)
            title = "TensorFlow" if framework == "tensorflow" else SIDES[framework]
            found.append({"title": title, "wrong": highlight(text[0]), "right": highlight(text[1])})
    return found


def _without_mark(line: str) -> str:
    """Return a faulty line without the mark; of something left out, what is left out."""
    code, words = catalogue.FAULTY.split(line, maxsplit=1)
    return code.strip() or f"#{words}"


def _measured(rows: pd.DataFrame) -> str:
    """Say with which versions, on which machines and when."""
    ran = rows[rows["status"] == "ran"].sort_values(["machine", "date"], kind="stable")
    parts = []
    for (machine, day), own in ran.groupby(["machine", "date"], sort=False):
        versions = {
            "TensorFlow" if row.framework == "tensorflow" else SIDES[row.framework]: row.version
            for row in own.itertuples()
        }
        words = ", ".join(f"{name} {str(version).removeprefix('keras ')}" for name, version in versions.items())
        parts.append(f"{words} on {machine}, {day}")
    return "; ".join(parts) or "nothing: no mode ran"


def few_places(places: str) -> str:
    """Return the places of a traceback without those in the middle: the first are the user's, the last the fault's."""
    parts = str(places).split(" > ")
    if len(parts) <= FIRST_PLACES + LAST_PLACES + 1:
        return str(places)
    counted = (re.fullmatch(r"\((\d+) more\)", part) for part in parts[FIRST_PLACES:-LAST_PLACES])
    more = sum(int(found[1]) if found else 1 for found in counted)
    return " > ".join([*parts[:FIRST_PLACES], f"({more} more)", *parts[-LAST_PLACES:]])


def _messages(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return each message once, with the modes that gave it, and what the tools said of the silent ones."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        for column, who in (("message", row["exception"] or "warning"), ("tools_message", "with the tools on")):
            text = str(row[column])
            if text:
                entry = found.setdefault((column, text), {"who": who, "modes": [], "text": text[:MOST_CHARACTERS]})
                entry["modes"] += [] if row["mode_title"] in entry["modes"] else [row["mode_title"]]
                entry["length"] = len(text)
                entry["places"] = few_places(row["places"]) if column == "message" else ""
    return list(found.values())
