"""``python -m benchmarks {harvest,overhead}``: measure, write the tables, say which goals are met."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks import harvest, overhead
from benchmarks.timing import ContenderFailed
from reproductions.errors import WorkerFailed


def main(arguments: list[str] | None = None) -> int:
    """Return 0 if all goals that were measured are met, 1 if one is not, 2 if a contender failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, text in (
        ("harvest", harvest.run, "parsing, ingest, mention scan and archive join beside their peers"),
        ("overhead", overhead.run, "the harness's block loop beside a bare one, both frameworks"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(run=run)
        command.add_argument("--quick", action="store_true", help="a minute instead of ten; too small for conclusions")
        command.add_argument("--out", type=Path, default=Path("docs/benchmarks"), help="folder of the tables")
    options = parser.parse_args(arguments)
    begun = time.monotonic()

    def say(words: str) -> None:
        print(f"{time.monotonic() - begun:6.0f} s  {words}", file=sys.stderr, flush=True)

    try:
        goals = options.run(options.out, options.quick, say)
    except ContenderFailed as error:
        print(error, file=sys.stderr)
        return 2
    except WorkerFailed as error:
        print(f"{error.status}: {error.message}", file=sys.stderr)
        return 2
    for goal in goals:
        print(harvest.goal_line(goal))
    return int(any(goal.met == "no" for goal in goals))


if __name__ == "__main__":
    sys.exit(main())
