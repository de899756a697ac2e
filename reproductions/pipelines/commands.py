"""The command ``pipelines`` of ``python -m reproductions``."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

log = logging.getLogger("reproductions.pipelines")
TEXT = "Measure input pipelines on their own: DataLoader against tf.data."


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``pipelines`` to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("pipelines", help=TEXT, description=TEXT)
    parser.set_defaults(run=_run)
    parser.add_argument("--preset", default="quick", help="how much is run (default: %(default)s); see presets.yaml")
    parser.add_argument("--out", type=Path, default=Path("results/by-hand"), metavar="DIR", help="folder of the table")
    parser.add_argument("--environment", action="append", metavar="PROFILE", help="default: tuned (repeatable)")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    for framework in ("pytorch", "tensorflow"):
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although a pipeline failed")
    parser.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    return parser


def _run(options: argparse.Namespace) -> int:
    from reproductions.exclusive import exclusive
    from reproductions.pipelines import measure

    preset = measure.find(options.preset)
    settings = measure.Options(
        folder=options.out / "unfinished",
        environments=tuple(options.environment or ["tuned"]),
        threads=options.threads,
        seed=options.seed,
        python={"pytorch": options.python_pytorch, "tensorflow": options.python_tensorflow},
    )
    log.info("pipelines: %d points, about %g min", len(preset.points), preset.minutes)
    with exclusive(options.wait):
        rows = measure.measure(preset, settings, options.out / measure.TABLE)
    failed = [row for row in rows if row["status"] != "ok"]
    log.info("pipelines: %d rows, %d with another status than ok", len(rows), len(failed))
    return 1 if failed and not options.keep_going else 0
