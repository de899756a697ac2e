"""Where measurements of usability land: ``data/measurements/<machine>/``, with the machine's card beside them."""

from __future__ import annotations

import argparse
import collections
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from reproductions import machine
from reproductions.files import write_json

MEASUREMENTS = Path(__file__).resolve().parents[2] / "data" / "measurements"
CARD = "machine.json"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add ``--out``, ``--measurements`` and ``--report``."""
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the tables, whatever the machine")
    parser.add_argument(
        "--measurements",
        type=Path,
        default=MEASUREMENTS,
        metavar="DIR",
        help="folder that holds a folder a machine (default: data/measurements)",
    )
    parser.add_argument("--report", type=Path, metavar="FILE", help="also write what was measured when, as JSON")


def folder(options: argparse.Namespace) -> Path:
    """Return the folder of the tables."""
    return options.out or options.measurements / str(machine.describe()["machine"])


def land(options: argparse.Namespace, what: str, rows: Iterable[Mapping]) -> None:
    """Write the machine's card beside the tables and, where asked, the report: rows by status, machine, day.

    Everything that measures calls this last, so that a report stands for a measurement that is whole.
    """
    card = machine.describe()
    write_json(folder(options) / CARD, card)
    if options.report:
        statuses = collections.Counter(str(row["status"]) for row in rows)
        day = datetime.now(UTC).date().isoformat()
        write_json(options.report, {"what": what, "machine": card["machine"], "date": day, "rows": dict(statuses)})
