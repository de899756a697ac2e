"""The action ``faults`` of ``python -m reproductions usability``."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Mapping
from pathlib import Path

from reproductions import machine
from reproductions.errors import SurveyError
from reproductions.files import write_csv
from reproductions.journal import Journal
from reproductions.usability import landing
from reproductions.usability.faults import catalogue, recording
from reproductions.usability.faults.catalogue import Fault
from reproductions.usability.faults.measuring import COLUMNS, GRAPH_ONLY, Limits, as_cell, measure, not_applicable
from reproductions.usability.programs import read

log = logging.getLogger("reproductions.usability.faults")
TABLE = "usability_faults.csv"
#: One fault of each way to end.
SMOKE = ("wrong_input_shape", "broadcast_in_own_loss", "list_of_layers", "retracing_in_a_loop")
#: What the tests spare themselves; outcomes are the same, the frameworks' tools are not tried.
QUICK = {"backend": GRAPH_ONLY, "with_tools": False}
TEXT = "Plant each fault in each mode and record whether, when and how the framework says so."


def add_action(actions: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``faults`` to the sub-parsers of ``usability``; returns its parser."""
    parser = actions.add_parser("faults", help=TEXT, description=TEXT)
    add_options(parser)
    return parser


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options and the function that runs them."""
    parser.add_argument("fault", nargs="*", help="ids of faults; default: all")
    parser.add_argument("--mode", action="append", choices=catalogue.CELLS, help="only this mode (repeatable)")
    landing.add_options(parser)
    parser.add_argument("--smoke", action="store_true", help="only four faults, and those quick, to see that it works")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="as the tests run them: torch.compile generates no code, and no tools are tried",
    )
    parser.add_argument("--list", action="store_true", help="show the faults and stop")
    parser.add_argument(
        "--record",
        action="store_true",
        help="write what is found as what fault.yaml expects (implies --quick, as the tests run)",
    )
    parser.add_argument("--workers", type=int, default=2, help="programs that run at a time (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=300, metavar="SECONDS", help="limit of one program")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    for framework in ("pytorch", "tensorflow"):
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although a program failed to run")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the action; returns the exit code: 1 if a program failed to run, 0 otherwise."""
    from reproductions.exclusive import exclusive

    faults = catalogue.discover()
    if options.list:
        for fault in faults.values():
            print(f"{fault.id:34} {fault.kind:10} {len(fault.cells())} modes  {fault.title}")
        return 0
    if unknown := [name for name in options.fault if name not in faults]:
        raise SurveyError(f"no fault {', '.join(unknown)}; see --list")
    options.quick = options.quick or options.smoke or options.record
    wanted = options.fault or (SMOKE if options.smoke else tuple(faults))
    chosen = {name: faults[name] for name in wanted}
    cells = tuple(options.mode or catalogue.CELLS)
    name = str(machine.describe()["machine"])
    out = landing.folder(options)
    journal = Journal(out / "unfinished" / "usability_faults.jsonl")
    sources = recording.fingerprints(chosen.values(), quick=options.quick)
    kept = {(row["fault"], row["cell"]): row for row in journal.rows if row["source"] == sources.get(row["fault"])}

    def done(row: dict) -> None:
        row["machine"] = name
        cell = f"{row['framework']}-{row['mode']}"
        entry = {"fault": row["fault"], "cell": cell, "source": sources[row["fault"]], "row": row}
        kept[row["fault"], cell] = entry
        journal.add(entry)
        log.info("%-34s %-20s %s", row["fault"], cell, row["noticed"] or row["status"])

    with exclusive(options.wait):
        measure(
            chosen.values(),
            cells=cells,
            done=done,
            skip=lambda fault, cell: (fault, cell) in kept,
            workers=options.workers,
            limits=Limits(timeout_s=options.timeout),
            python={"pytorch": options.python_pytorch, "tensorflow": options.python_tensorflow},
            **(QUICK if options.quick else {}),
        )
    rows = [kept[key]["row"] for key in sorted(kept) if key[0] in chosen and key[1] in cells]
    rows += [
        not_applicable(fault, cell) | {"machine": name}
        for fault in chosen.values()
        for cell in cells
        if cell in fault.not_applicable
    ]
    rows = [{key: as_cell(value) for key, value in row.items()} for row in rows]
    write_csv(out / TABLE, COLUMNS, _with_others(out, rows, faults))
    journal.remove()
    landing.land(options, "planted faults", rows)
    if options.record:
        recording.record(chosen.values(), rows)
    from reproductions.usability.faults import summary

    print(summary.text(rows))
    failed = [row for row in rows if row["status"] == "failed_to_run"]
    for row in failed:
        print(f"failed to run: {row['fault']} {row['framework']}-{row['mode']}: {row['note']}", file=sys.stderr)
    return 1 if failed and not options.keep_going else 0


def _with_others(out: Path, rows: list[dict], faults: Mapping[str, Fault]) -> list[dict]:
    """Return the rows in the order of the page, with what the table has of faults and modes that were not run now."""
    now = {(row["fault"], row["framework"], row["mode"]) for row in rows}
    others = [
        {name: row.get(name, "") for name in COLUMNS}
        for row in read(out / TABLE)
        if (row["fault"], row["framework"], row["mode"]) not in now and row["fault"] in faults
    ]
    return sorted(
        [*rows, *others], key=lambda row: (row["fault"], catalogue.CELLS.index(f"{row['framework']}-{row['mode']}"))
    )
