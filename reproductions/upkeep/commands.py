"""The command ``upkeep`` of ``python -m reproductions``: ``builds``, ``safety``, ``repeatability``."""

from __future__ import annotations

import argparse
import logging

from reproductions.usability import landing

log = logging.getLogger("reproductions.upkeep")
TEXT = "Ask installed builds of accelerators, open hostile model files in a sandbox, and repeat trainings bit for bit."
SMOKE_READERS = ("torch_load", "torch_load_all")
SMOKE_CELLS = (("pytorch", "eager", "unseeded"), ("pytorch", "eager", "deterministic"))


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``upkeep`` with its actions to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("upkeep", help=TEXT, description=TEXT)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, run, text in (
        ("builds", _builds, "Ask the installed builds for which accelerators they were built."),
        ("safety", _safety, "Open hostile model files as the documentation says, each in a sandbox."),
        ("repeatability", _repeatability, "Train ten times and see whether the weights are the same bit for bit."),
    ):
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        landing.add_options(sub)
        sub.add_argument("--smoke", action="store_true", help="a little of it, to see that it works")
        sub.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="limit of one process")
        sub.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
        for framework in ("pytorch", "tensorflow"):
            sub.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
        if name == "repeatability":
            sub.add_argument("--runs", type=int, metavar="N", help="processes a cell (default: 10, with --smoke 2)")
            sub.add_argument("--threads", type=int, default=2, help="compute threads (default: %(default)s)")
    return parser


def _interpreters(options: argparse.Namespace) -> dict[str, str | None]:
    return {"pytorch": options.python_pytorch, "tensorflow": options.python_tensorflow}


def _builds(options: argparse.Namespace) -> int:
    from reproductions.upkeep import builds

    rows = builds.measure(landing.folder(options), builds.Options(_interpreters(options), options.timeout))
    return _land(options, "builds", rows)


def _safety(options: argparse.Namespace) -> int:
    from reproductions.upkeep import safety

    readers = SMOKE_READERS if options.smoke else ()
    settings = safety.Options(readers, _interpreters(options), options.timeout)
    return _land(options, "hostile files", safety.measure(landing.folder(options), settings))


def _repeatability(options: argparse.Namespace) -> int:
    from reproductions.exclusive import exclusive
    from reproductions.upkeep import repeating

    settings = repeating.Options(
        runs=options.runs or (2 if options.smoke else 10),
        cells=SMOKE_CELLS if options.smoke else (),
        threads=options.threads,
        python=_interpreters(options),
        timeout_s=options.timeout,
    )
    with exclusive(options.wait):
        rows = repeating.measure(landing.folder(options), settings)
    return _land(options, "repeatability", rows)


def _land(options: argparse.Namespace, what: str, rows: list[dict]) -> int:
    landing.land(options, what, rows)
    failed = [row for row in rows if row["status"] not in ("ok", "not_run")]
    for row in failed:
        log.error("%s: %s: %s", what, row["status"], row["note"])
    log.info("%s: %d rows, %d failed", what, len(rows), len(failed))
    return 0
