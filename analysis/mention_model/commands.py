"""``python -m analysis mentions IN.jsonl --out OUT.csv``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_parser(commands) -> None:
    """Add the command ``mentions``."""
    text = "Find framework names in titles and abstracts and tell what each is named for."
    more = (
        "Rows: arxiv_id, framework, role (used, released, studied, listed), its probability, and that of each role. A "
        "line that is no record is set aside in OUT.csv.rejected with its number and reason; the exit code is 0 all "
        "the same, and 2 where a file cannot be read or written."
    )
    parser = commands.add_parser("mentions", help=text, description=f"{text} {more}")
    parser.set_defaults(run=_run)
    parser.add_argument("records", type=Path, metavar="IN.jsonl", help="JSON Lines: arxiv_id, title, abstract, date")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.csv", help="where the rows go")


def _run(options: argparse.Namespace) -> None:
    from analysis.roles import annotate

    read, written, aside = annotate(options.records, options.out)
    print(f"{read} records read, {written} mentions written to {options.out}", file=sys.stderr)
    if aside:
        print(f"{aside} lines set aside, see {options.out}.rejected", file=sys.stderr)
