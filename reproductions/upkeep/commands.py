"""The command ``upkeep`` of ``python -m reproductions``: what is asked, opened, repeated, moved and changed."""

from __future__ import annotations

import argparse
import logging
import shutil
from pathlib import Path

from reproductions.errors import SurveyError
from reproductions.usability import landing

log = logging.getLogger("reproductions.upkeep")
ROOT = Path(__file__).resolve().parents[2]
TEXT = (
    "Ask installed builds of accelerators, open hostile and old model files, repeat trainings bit for bit, move models "
    "between the frameworks, and change defaults one at a time."
)
PARTS = {
    "plan": "Say what a run would do, how many minutes it takes and what a killed one has left; run nothing.",
    "builds": "Ask the installed builds for which accelerators they were built.",
    "safety": "Open hostile model files as the documentation says, each in a sandbox.",
    "repeatability": "Train ten times and see whether the weights are the same bit for bit.",
    "moving": "Move models from one framework to the other, and see whether they compute and train the same.",
    "defaults": "Change each default that differs alone and see what it does to accuracy.",
    "old_files": "Open files of old releases; those are made in their own environments, if asked with --extra.",
}
SMOKE_READERS = ("torch_load", "torch_load_all")
SMOKE_CELLS = (("pytorch", "eager", "unseeded"), ("pytorch", "eager", "deterministic"))
SMOKE_DEFAULTS = ("adam_epsilon", "sgd_learning_rate")
SMOKE_KINDS = ("torch_module", "torch_state_dict")
#: Rows that say why nothing was measured; anything else but ``ok`` is logged.
EXPECTED = ("ok", "not_run", "skipped", "same", "not_made", "not_installable")


def add_parser(commands: argparse._SubParsersAction) -> argparse.ArgumentParser:
    """Add ``upkeep`` with its actions to the sub-parsers of the command line; returns its parser."""
    parser = commands.add_parser("upkeep", help=TEXT, description=TEXT)
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    for name, text in PARTS.items():
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(run=RUN[name])
        landing.add_options(sub)
        sub.add_argument("--smoke", action="store_true", help="a little of it, to see that it works")
        sub.add_argument("--timeout", type=float, default=180, metavar="SECONDS", help="limit of one process")
        sub.add_argument("--wait", type=float, default=30, metavar="SECONDS", help="for another measurement to end")
        sub.add_argument("--cache", type=Path, default=ROOT / "data/downloads", metavar="DIR", help="of data sets")
        for framework in ("pytorch", "tensorflow"):
            sub.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
        environments = sub.add_argument_group("environments of reproductions/upkeep/environments.yaml")
        environments.add_argument(
            "--extra", action="append", default=[], metavar="NAME", help="may be made; repeatable"
        )
        environments.add_argument(
            "--environment", action="append", default=[], metavar="NAME=FILE", help="interpreter that stands for one"
        )
        if name == "safety":
            sub.add_argument("reader", nargs="*", help="ids of ways to open a file (opening.py); default: all")
        if name in ("repeatability", "plan"):
            sub.add_argument("--runs", type=_count, metavar="N", help="processes a cell (default: 10, with --smoke 2)")
        if name == "repeatability":
            sub.add_argument("mode", nargs="*", help="such as pytorch-eager or tensorflow-xla; default: all")
            sub.add_argument("--threads", type=_count, default=2, help="compute threads (default: %(default)s)")
            sub.add_argument(
                "--device",
                action="append",
                default=[],
                choices=("cpu", "gpu"),
                help="default: cpu, and gpu where it is",
            )
        if name == "moving":
            sub.add_argument("route", nargs="*", help="ids of routes; default: all")
            sub.add_argument("--workload", action="append", default=[], metavar="ID", help="default: all three")
        if name in ("defaults", "plan"):
            sub.add_argument("--seeds", type=_count, metavar="N", help="trainings of each (default: 8, with --smoke 2)")
        if name == "defaults":
            sub.add_argument("default", nargs="*", help="ids of defaults; default: all")
        if name == "old_files":
            sub.add_argument("kind", nargs="*", help="ids of kinds of file; default: all")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _flags(options: argparse.Namespace, *names: str) -> list[str]:
    """Return the options that change what is measured as they are written, for the commands of the rows.

    An interpreter that stands for an environment is a path of this machine; the environment's name stands for it.
    """
    flags = ["--smoke"] if options.smoke else []
    if "extra" in names:
        given = [pair.partition("=")[0] for pair in options.environment]
        flags += [word for name in dict.fromkeys([*options.extra, *given]) for word in ("--extra", name)]
    for name in names:
        value = getattr(options, name)
        if name == "extra" or value in (None, [], ()):
            continue
        for each in value if isinstance(value, list) else [value]:
            flags += [f"--{name}", str(each)]
    return flags


def _plan(options: argparse.Namespace) -> int:
    from reproductions.upkeep import planning

    environments = _environments(options)  # refuses names that there are not
    amount = planning.Amount(
        options.smoke, options.runs, options.seeds, tuple(environments.asked), tuple(environments.given)
    )
    said, minutes = planning.lines(list(planning.PARTS), amount, cache=options.cache, landing=landing.folder(options))
    print("\n".join(said))
    print(f"Estimated: {minutes:.0f} minutes on 2 cores; the index: `python -m analysis sources plan package_index`.")
    return 0


def _interpreters(options: argparse.Namespace) -> dict[str, str | None]:
    return {"pytorch": options.python_pytorch, "tensorflow": options.python_tensorflow}


def _environments(options: argparse.Namespace):
    from reproductions.upkeep.environments import Environments

    given = {}
    for pair in options.environment:
        name, _, file = pair.partition("=")
        if not file:
            raise SurveyError(f"--environment {pair}: write NAME=FILE, FILE being an interpreter")
        given[name] = file
    return Environments(asked=tuple(options.extra), given=given, folder=options.cache / "environments")


def _known(given: list[str], known: list[str], what: str) -> list[str]:
    from reproductions.validation import suggest

    for name in given:
        if name not in known:
            raise SurveyError(f"no {what} {name!r}; {suggest(name, known)}")
    return given


def _builds(options: argparse.Namespace) -> int:
    from reproductions.upkeep import builds

    rows = builds.measure(landing.folder(options), builds.Options(_interpreters(options), options.timeout))
    return _land(options, "builds", rows)


def _safety(options: argparse.Namespace) -> int:
    from reproductions.upkeep import safety
    from reproductions.upkeep.opening import READERS

    readers = _known(options.reader, list(READERS), "way to open a file") or (SMOKE_READERS if options.smoke else ())
    settings = safety.Options(readers, python=_interpreters(options), timeout_s=options.timeout)
    return _land(options, "hostile files", safety.measure(landing.folder(options), settings))


def _repeatability(options: argparse.Namespace) -> int:
    from reproductions import machine
    from reproductions.exclusive import exclusive
    from reproductions.upkeep import repeating

    modes = _known(options.mode, list(dict.fromkeys(f"{side}-{mode}" for side, mode, _ in repeating.CELLS)), "mode")
    devices = options.device or (repeating.DEVICES if machine.describe()["gpus"] else repeating.DEVICES[:1])
    chosen = [cell for cell in repeating.CELLS if f"{cell[0]}-{cell[1]}" in modes]
    settings = repeating.Options(
        runs=options.runs or (2 if options.smoke else 10),
        cells=chosen or (SMOKE_CELLS if options.smoke else ()),
        devices=tuple(dict.fromkeys(devices)),
        threads=options.threads,
        flags=_flags(options, "runs", "threads", "device"),
        python=_interpreters(options),
        timeout_s=options.timeout,
    )
    with exclusive(options.wait):
        rows = repeating.measure(landing.folder(options), settings)
    return _land(options, "repeatability", rows)


def _moving(options: argparse.Namespace) -> int:
    from reproductions import datasets, registry
    from reproductions.exclusive import exclusive
    from reproductions.upkeep.moving import measure, routes

    settings = measure.Options(
        routes=_known(options.route, list(routes.discover()), "route"),
        workloads=_known(options.workload, list(measure.NETWORKS), "workload that is moved"),
        python=_interpreters(options),
        environments=_environments(options),
        flags=_flags(options, "extra"),
        timeout_s=max(options.timeout, measure.Options.timeout_s),
    )
    settings = measure.smoke(settings) if options.smoke else settings
    data = {
        name: datasets.fetch(registry.find(name).datasets[0], options.cache) / "arrays.npz"
        for name in settings.workloads or measure.NETWORKS
    }
    with exclusive(options.wait):
        rows = measure.measure(landing.folder(options), measure.replace(settings, data=data))
    return _land(options, "moving a model", rows)


def _defaults(options: argparse.Namespace) -> int:
    from reproductions import datasets
    from reproductions.exclusive import exclusive
    from reproductions.upkeep.defaults import discover, measure

    chosen = _known(options.default, list(discover()), "default") or (SMOKE_DEFAULTS if options.smoke else ())
    little = {"examples": 640, "epochs": dict.fromkeys(measure.EPOCHS, 1)} if options.smoke else {}
    settings = measure.Options(
        data={name: datasets.fetch(name, options.cache) / "arrays.npz" for name in measure.needed(chosen)},
        defaults=chosen,
        seeds=options.seeds or (2 if options.smoke else 8),
        python=_interpreters(options),
        flags=_flags(options, "seeds"),
        timeout_s=options.timeout,
        **little,
    )
    with exclusive(options.wait):
        rows = measure.measure(landing.folder(options), settings)
    return _land(options, "defaults", rows)


def _old_files(options: argparse.Namespace) -> int:
    from reproductions.upkeep.old_files import discover, measure

    chosen = _known(options.kind, list(discover()), "kind of file") or (SMOKE_KINDS if options.smoke else ())
    settings = measure.Options(
        kinds=chosen,
        networks=("dense",) if options.smoke else measure.NETWORKS,
        python=_interpreters(options),
        environments=_environments(options),
        flags=_flags(options, "extra"),
        timeout_s=options.timeout,
    )
    return _land(options, "old files", measure.measure(landing.folder(options), settings))


def _land(options: argparse.Namespace, what: str, rows: list[dict]) -> int:
    landing.land(options, what, rows)
    failed = [row for row in rows if row["status"] not in EXPECTED]
    for row in failed:
        log.error("%s: %s: %s", what, row["status"], row.get("note"))
    if not failed:  # the processes' logs would say why
        shutil.rmtree(landing.folder(options) / "unfinished" / "upkeep", ignore_errors=True)
    log.info("%s: %d rows, %d failed", what, len(rows), len(failed))
    return 0


RUN = {
    "plan": _plan,
    "builds": _builds,
    "safety": _safety,
    "repeatability": _repeatability,
    "moving": _moving,
    "defaults": _defaults,
    "old_files": _old_files,
}
