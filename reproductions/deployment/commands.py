"""The command ``deploy`` of ``python -m reproductions``: ``list``, ``plan``, ``run``, and ``serve`` for servers."""

from __future__ import annotations

import argparse
import importlib.util
import logging
from pathlib import Path

from reproductions.deployment import environments, models, runner, spec, states
from reproductions.errors import SurveyError
from reproductions.usability import landing

log = logging.getLogger("reproductions.deployment")
TEXT = "Try every deployment path out of both frameworks: what exports, runs, is right, and how fast it is."
ROOT = Path(__file__).resolve().parents[2]
#: Results lie in a folder of their own inside a machine's measurements.
FOLDER = "deployment"


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``deploy`` with its actions to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("deploy", help=TEXT, description=TEXT)
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = action("list", _list, "Show the paths with their tools' states, and what is missing here.")
    _choose(sub)
    sub = action("plan", _plan, "Show what a run would try, skip and take, and run nothing.")
    _choose(sub)
    _amount(sub)
    sub = action("run", _run, "Export, load, check and measure every path.")
    landing.add_options(sub)
    _choose(sub)
    _amount(sub)
    sub.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    sub.add_argument("--keep-going", action="store_true", help="exit with 0 although a path failed")
    sub.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
    # Servers live beside this; without that module the other actions work all the same.
    if importlib.util.find_spec("reproductions.deployment.serving"):
        from reproductions.deployment import serving

        serving.add_action(actions)
    return parser


def _choose(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", nargs="+", metavar="PATH", help="ids of paths; default: all")
    parser.add_argument("--models", nargs="+", metavar="MODEL", default=list(spec.MODELS), help="default: all")
    parser.add_argument(
        "--extra", nargs="+", metavar="NAME", default=[], help="extra environments to make and use (environments.yaml)"
    )
    parser.add_argument(
        "--paths", action="append", type=Path, default=[], metavar="DIR", help="a folder of further paths (repeatable)"
    )


def _amount(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--smoke", action="store_true", help="small models, few rows, one restart: does it work?")
    parser.add_argument("--restarts", type=int, metavar="N", help="fresh processes (default: 3, with --smoke 1)")
    parser.add_argument("--rounds", type=int, metavar="N", help="blocks a restart (default: 2, with --smoke 1)")
    parser.add_argument("--threads", type=int, nargs="+", metavar="N", help="default: 1 and all, with --smoke 1")
    parser.add_argument(
        "--work", type=Path, default=Path("results/deployment"), metavar="DIR", help="models, artefacts, logs, journal"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "data/downloads", metavar="DIR", help="of data sets")


def settings(options: argparse.Namespace) -> runner.Settings:
    """Return what a run takes from the command line; SurveyError for what it does not take."""
    smoke = options.smoke
    for name in options.extra:
        environments.entry(name)

    def wanted(name: str, default: int) -> int:
        value = getattr(options, name, None)
        if value is not None and value < 1:
            raise SurveyError(f"--{name} takes a number from 1 on")
        return default if value is None else value

    threads = tuple(dict.fromkeys(getattr(options, "threads", None) or ((1,) if smoke else runner.all_threads())))
    if min(threads) < 1:
        raise SurveyError("--threads takes numbers from 1 on")
    return runner.Settings(
        work=options.work / ("smoke" if smoke else "full"),
        cache=options.cache,
        only=options.only,
        models=tuple(dict.fromkeys(options.models)),
        extra=tuple(dict.fromkeys(options.extra)),
        threads=threads,
        recipe=models.SMOKE if smoke else models.FULL,
        restarts=wanted("restarts", 1 if smoke else 3),
        rounds=wanted("rounds", 1 if smoke else 2),
        seconds=0.02 if smoke else 0.1,
        paths=tuple(options.paths),
    )


def folder(options: argparse.Namespace) -> Path:
    """Return the folder of the tables: ``--out``, or ``deployment`` in this machine's measurements."""
    return options.out or landing.folder(options) / FOLDER


def _list(options: argparse.Namespace) -> int:
    known = states.load()
    chosen = spec.discover(options.paths)
    if options.only:
        chosen = {name: spec.find(name, options.paths) for name in options.only}
    for path in chosen.values():
        state = known.get(path.tool)
        words = f"{state.state} ({state.since or 'no date stated'})" if state else "state not recorded"
        missing = path.missing()
        if path.extra and path.extra not in options.extra:
            missing.append(environments.offer(path.extra))
        print(
            f"{path.id}: {path.title}\n"
            f"  from     {path.framework}, answered by {path.runtime}, tool {words}\n"
            f"  models   {', '.join(path.models)}"
            + "".join(
                f"\n  expected {model} fails at {known_failure.stage}: {known_failure.reason}"
                for model, known_failure in path.expected.items()
            )
            + (f"\n  missing  {'; '.join(missing)}" if missing else "")
        )
    return 0


def _plan(options: argparse.Namespace) -> int:
    own = settings(options)
    for name in own.extra:
        print(f"environment {name}: {environments.cost(environments.entry(name))}; {environments.entry(name)['why']}")
    found = runner.tasks(own)
    for task in found:
        reason = runner.lacking(task.path, own)
        print(f"{task.path.id}, {task.model}: {f'skipped, missing: {reason}' if reason else 'tried'}")
    tried = [task for task in found if not runner.lacking(task.path, own)]
    print(
        f"{len(tried)} of {len(found)} tried; threads {', '.join(map(str, own.threads))}; "
        f"{own.restarts} restarts of {own.rounds} rounds; about {runner.minutes(own, len(tried)):.0f} minutes"
    )
    return 0


def _run(options: argparse.Namespace) -> int:
    from reproductions.exclusive import exclusive

    own = settings(options)
    with exclusive(options.wait):
        rows = runner.run(folder(options), own)
    landing.land(options, "deployment paths", rows)
    good = ("ok", "skipped", "expected_failure")
    # A runtime of one thread is nobody's failure; a framework that says "not implemented" is one.
    bad = [row for row in rows if row["status"] not in good and row["note"] != runner.ONE_THREAD]
    for row in bad:
        log.error("%s, %s: %s at %s: %s", row["path"], row["model"], row["status"], row["stage"], row["note"])
    log.info("deployment: %d rows, %d with a status that was not expected", len(rows), len(bad))
    return 1 if bad and not options.keep_going else 0
