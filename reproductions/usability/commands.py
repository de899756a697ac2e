"""The command ``usability`` of ``python -m reproductions``: ``list``, ``programs``, ``contact``, ``summarise``."""

from __future__ import annotations

import argparse
import importlib.util
import logging

from reproductions.errors import SurveyError
from reproductions.usability import landing

log = logging.getLogger("reproductions.usability")
TEXT = "Measure what it is like to use the frameworks: paired programs, planted faults, first contact."


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``usability`` with its actions to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("usability", help=TEXT, description=TEXT)
    actions = parser.add_subparsers(required=True, metavar="ACTION")

    def action(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    action("list", _list, "Show the tasks with their programs and sources.")
    sub = action("programs", _programs, "Run the paired programs, check that they agree, and measure texts and runs.")
    sub.add_argument("task", nargs="*", help="ids of tasks; default: all")
    sub.add_argument("--repeats", type=int, metavar="N", help="runs of each program (default: 1)")
    _common(sub)
    sub = action("contact", _contact, "Measure first contact: size, import, first step, wheels, releases.")
    sub.add_argument("--repeats", type=int, metavar="N", help="processes a value (default: 3, with --smoke 1)")
    sub.add_argument("--install", action="store_true", help="also download and install what is installed; minutes")
    sub.add_argument("--offline", action="store_true", help="do not let pip ask the package index")
    sub.add_argument("--pip-python", metavar="FILE", help="interpreter whose pip is asked (release dates need pip 26)")
    _common(sub)
    sub = action("summarise", _summarise, "Write medians over tasks with intervals from the programs' table.")
    landing.add_options(sub)
    # Planted faults live beside this; without that folder the other actions work all the same.
    if importlib.util.find_spec("reproductions.usability.faults"):
        from reproductions.usability.faults.commands import add_action

        add_action(actions)
    return parser


def _common(parser: argparse.ArgumentParser) -> None:
    landing.add_options(parser)
    parser.add_argument("--smoke", action="store_true", help="small sizes and one run, to see that it works")
    parser.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
    parser.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="limit of one process")
    parser.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
    for framework in ("pytorch", "tensorflow"):
        parser.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
    parser.add_argument("--keep-going", action="store_true", help="exit with 0 although a program failed")


def _interpreters(options: argparse.Namespace) -> dict[str, str | None]:
    return {"pytorch": options.python_pytorch, "tensorflow": options.python_tensorflow}


def _list(options: argparse.Namespace) -> int:
    from reproductions.usability import tasks

    for task in tasks.discover().values():
        print(f"{task.id}: {task.title}\n  shows    {task.shows}\n  compared {', '.join(task.compare)}")
        for program, pages in task.sources.items():
            print(f"  {program:10} {', '.join(page['url'] for page in pages)}")
    return 0


def _programs(options: argparse.Namespace) -> int:
    from reproductions.exclusive import exclusive
    from reproductions.usability import programs, tasks

    chosen = [tasks.find(name) for name in options.task] or list(tasks.discover().values())
    settings = programs.Options(
        size="smoke" if options.smoke else "full",
        repeats=_repeats(options, 1),
        threads=options.threads,
        timeout_s=options.timeout,
        python=_interpreters(options),
    )
    with exclusive(options.wait):
        rows = programs.measure(chosen, landing.folder(options), settings)
    landing.land(options, "paired programs", rows)
    failed = [row for row in rows if row["status"] != "ok"]
    for row in failed:
        log.error("%s in %s: %s: %s", row["task"], row["program"], row["status"], row["note"])
    log.info("%d tasks, %d rows, %d with another status than ok", len(chosen), len(rows), len(failed))
    return 1 if failed and not options.keep_going else 0


def _contact(options: argparse.Namespace) -> int:
    from reproductions.exclusive import exclusive
    from reproductions.usability import contact

    settings = contact.Options(
        repeats=_repeats(options, 3),
        threads=options.threads,
        registry=not options.offline,
        install=options.install,
        pip_python=options.pip_python,
        python=_interpreters(options),
        timeout_s=options.timeout,
    )
    with exclusive(options.wait):
        rows = contact.measure(landing.folder(options), settings)
    landing.land(options, "first contact", rows)
    for row in rows:
        if row["status"] != "ok":
            log.info("%s of %s: %s: %s", row["metric"], row["subject"], row["status"], row["note"])
    failed = any(row["status"] == "failed" for row in rows)
    return 1 if failed and not options.keep_going else 0


def _summarise(options: argparse.Namespace) -> int:
    from reproductions.files import write_csv
    from reproductions.usability import programs, summary

    folder = landing.folder(options)
    rows = programs.read(folder / programs.TABLE)
    if not rows:
        raise SurveyError(f"{folder.name}/{programs.TABLE}: not there; run `usability programs` first")
    found = summary.summarise(rows)
    write_csv(folder / summary.TABLE, summary.COLUMNS, found)
    for row in found:
        interval = f" ({row['low']:g} to {row['high']:g})" if "low" in row else ""
        value = f"{row['value']:g}{interval}, {row['tasks']} tasks"
        print(f"{row['pair']:20} {row['metric']:22} {row['statistic']:18} {value}")
    return 0


def _repeats(options: argparse.Namespace, default: int) -> int:
    wanted = options.repeats if options.repeats is not None else 1 if options.smoke else default
    if wanted < 1:
        raise SurveyError("--repeats takes a number from 1 on")
    return wanted
