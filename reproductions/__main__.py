"""Command line of the reproductions: ``python -m reproductions {list,fetch,parity,accuracy,measure,machine}``.

Exit codes: 0 done; 1 done, but a check or a cell failed (not with ``--keep-going``); 2 nothing done, the message says
why and what to do; 130 interrupted, finished blocks are kept.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
from pathlib import Path

from reproductions import attempts, machine, reference, registry, repeatability
from reproductions.client import Runtime
from reproductions.deployment import commands as deployment
from reproductions.errors import SurveyError
from reproductions.exclusive import die_with, workflow_pid
from reproductions.files import write_csv, write_json
from reproductions.pipelines import commands as pipelines
from reproductions.scaling import commands as scaling
from reproductions.spec import FRAMEWORKS, Workload
from reproductions.upkeep import commands as upkeep
from reproductions.usability import commands as usability

log = logging.getLogger("reproductions")
ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    options = _parser().parse_args(arguments)
    _log_to(getattr(options, "log", None))
    die_with(workflow_pid())
    try:
        with attempts.recorded(sys.argv[1:] if arguments is None else arguments, getattr(options, "out", None)):
            return options.run(options)
    except SurveyError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: finished blocks are kept, the same command resumes", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m reproductions",
        description="Run the survey's workloads in PyTorch and TensorFlow.",
        epilog="Exit codes: 0 done; 1 a check or a cell failed; 2 nothing done, see the message; 130 interrupted.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    extra = {
        "action": "append",
        "type": Path,
        "default": [],
        "metavar": "DIR",
        "help": "a folder that holds further workload folders (repeatable)",
    }
    sub = command("list", _list, "Show the workloads with their modes and presets.")
    sub.add_argument("--format", choices=("text", "json"), default="text")
    sub.add_argument("--workloads", **extra)
    sub = command("machine", _machine, "Show the machine card (no framework is imported).")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write it as JSON instead of printing it")
    sub = command("fetch", _fetch, "Fetch benchmark data sets into the cache.")
    sub.add_argument("dataset", nargs="*", help="ids of data/datasets.yaml; default: those of the workloads")
    sub.add_argument("--cache", type=Path, default=ROOT / "data/downloads", metavar="DIR")
    sub.add_argument("--out", type=Path, metavar="FILE", help="write the provenance of one data set there")
    sub.add_argument("--log", type=Path, metavar="FILE")
    for name, run, text in (
        ("parity", _parity, "Check that both sides compute the same (levels L0 to L3)."),
        ("accuracy", _accuracy, "Train both sides and report accuracy on the real test set."),
        ("measure", _measure, "Measure speed and memory; runs the parity check first if its result is not there."),
    ):
        sub = command(name, run, text)
        sub.add_argument("workload", nargs="*", help="workload ids; default: all")
        sub.add_argument("--preset", default="quick", help="how much is run (default: %(default)s; see list)")
        sub.add_argument(
            "--out",
            type=Path,
            default=Path("results/by-hand"),
            metavar="DIR",
            help="folder of the results (default: %(default)s)",
        )
        sub.add_argument("--dataset", help="data set to use instead of the workload's first")
        sub.add_argument("--cache", type=Path, default=ROOT / "data/downloads", metavar="DIR")
        sub.add_argument("--threads", type=int, default=1, help="compute threads (default: %(default)s)")
        sub.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
        sub.add_argument("--seed", type=int, default=1)
        for framework in FRAMEWORKS:
            sub.add_argument(f"--python-{framework}", metavar="FILE", help=f"interpreter that has {framework}")
        sub.add_argument("--workloads", **extra)
        sub.add_argument("--memory-limit-mib", type=int, help="stop a worker that takes more")
        sub.add_argument("--keep-going", action="store_true", help="exit with 0 although a check or a cell failed")
        sub.add_argument("--log", type=Path, metavar="FILE", help="write the progress there too")
        if name == "measure":
            sub.add_argument(
                "--environment",
                action="append",
                metavar="PROFILE",
                help="environment profile, see environments.yaml (repeatable; default: the preset's)",
            )
            sub.add_argument(
                "--wait",
                type=float,
                default=30,
                metavar="SECONDS",
                help="how long to wait for another measurement to end (default: %(default)s)",
            )
    sub = command("export", _export, "Write this machine's measurements as a folder for data/measurements.")
    sub.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the folder <machine id> is made")
    sub.add_argument(
        "--results", type=Path, default=Path("results"), metavar="DIR", help="results to export (default: %(default)s)"
    )
    sub.add_argument("--replace", action="store_true", help="put it in the place of an existing folder")
    sub.add_argument(
        "--origin",
        choices=("contributed", "landed"),
        default="contributed",
        help="landed: measured by the maintainers themselves (default: %(default)s)",
    )
    sub = command("check-measurements", _check_measurements, "Check sets of measurements: schema and plausibility.")
    sub.add_argument(
        "folder", nargs="?", type=Path, default=ROOT / "data" / "measurements", help="a set or a folder of sets"
    )
    sub = command("compare", _compare, "Show what changed between two sets of measurements, with intervals.")
    for name in ("a", "b"):
        sub.add_argument(name, type=Path, metavar=name.upper(), help="a results folder or a set of data/measurements")
    sub.add_argument("--format", choices=("text", "json", "csv"), default="text")
    usability.add_parser(commands)
    deployment.add_parser(commands)
    upkeep.add_parser(commands)
    pipelines.add_parser(commands)
    reference.add_parser(commands)
    repeatability.add_parser(commands)
    scaling.add_parser(commands)
    return parser


def _log_to(path: Path | None) -> None:
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(logging.FileHandler(path, mode="a", encoding="utf-8"))
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", handlers=handlers)


def _selected(options: argparse.Namespace) -> list[Workload]:
    names = options.workload or list(registry.discover(options.workloads))
    return [registry.find(name, options.workloads) for name in names]


def _data(workload: Workload, options: argparse.Namespace) -> tuple[str, Path]:
    """Return the data set's id and the path of its arrays, fetched if need be."""
    from reproductions import datasets

    name = options.dataset or workload.datasets[0]
    if name not in workload.datasets:
        raise SurveyError(f"{workload.id} does not take data set {name!r}; it takes: {', '.join(workload.datasets)}")
    return name, datasets.fetch(name, options.cache) / "arrays.npz"


def _runtime(options: argparse.Namespace, data: Path) -> Runtime:
    interpreters = {framework: getattr(options, f"python_{framework}") for framework in FRAMEWORKS}
    return Runtime(data, options.threads, options.device, interpreters, options.memory_limit_mib)


def _list(options: argparse.Namespace) -> int:
    workloads = registry.discover(options.workloads).values()
    if options.format == "json":
        listed = [
            {
                "id": w.id,
                "title": w.title,
                "modes": [cell.id for cell in w.modes],
                "presets": list(w.presets),
                "datasets": list(w.datasets),
            }
            for w in workloads
        ]
        print(json.dumps({"workloads": listed}, indent=2))
        return 0
    for w in workloads:
        print(
            f"{w.id}: {w.title}\n  model    {w.model}\n  modes    {', '.join(cell.id for cell in w.modes)}\n"
            f"  presets  {', '.join(f'{p.name} (about {p.minutes:g} min)' for p in w.presets.values())}\n"
            f"  data     {', '.join(w.datasets)}"
        )
    return 0


def _machine(options: argparse.Namespace) -> int:
    card = machine.describe()
    if options.out:
        write_json(options.out, card)
    else:
        print(json.dumps(card, indent=2))
    return 0


def _fetch(options: argparse.Namespace) -> int:
    from reproductions import datasets

    names = options.dataset or sorted({w.datasets[0] for w in registry.discover().values()})
    if options.out and len(names) != 1:
        raise SurveyError("--out takes the provenance of exactly one data set; name one")
    for name in names:
        folder = datasets.fetch(name, options.cache)
        log.info("data set %s: ready", name)
        if options.out:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / "provenance.json", options.out)
    return 0


def _check_parity(workload: Workload, options: argparse.Namespace) -> dict:
    from reproductions import parity

    _, data = _data(workload, options)
    scratch = options.out / "scratch" / f"parity-{workload.id}"
    result = parity.check(
        workload,
        workload.preset(options.preset),
        scratch=scratch,
        seed=options.seed,
        runtime=_runtime(options, data),
    )
    write_json(options.out / "parity" / f"{workload.id}.json", result)
    if result["status"] == "pass":
        shutil.rmtree(scratch, ignore_errors=True)
    return result


def _parity(options: argparse.Namespace) -> int:
    failed = [w.id for w in _selected(options) if _check_parity(w, options)["status"] != "pass"]
    if failed:
        log.error("parity failed: %s; their timings do not count", ", ".join(failed))
    return 1 if failed and not options.keep_going else 0


def _accuracy(options: argparse.Namespace) -> int:
    from reproductions import accuracy

    failed = []
    for workload in _selected(options):
        name, data = _data(workload, options)
        scratch = options.out / "scratch" / f"accuracy-{workload.id}"
        scratch.mkdir(parents=True, exist_ok=True)
        rows = accuracy.run(
            workload,
            workload.preset(options.preset),
            dataset=name,
            scratch=scratch,
            seed=options.seed,
            runtime=_runtime(options, data),
        )
        write_csv(options.out / "accuracy" / f"{workload.id}.csv", accuracy.COLUMNS, rows)
        failed += [f"{row['who']}: {row['note']}" for row in rows if row["status"] != "ok"]
        shutil.rmtree(scratch, ignore_errors=True)
    for fault in failed:
        log.error("accuracy: %s", fault)
    return 1 if failed and not options.keep_going else 0


def _measure(options: argparse.Namespace) -> int:
    from reproductions import harness
    from reproductions.exclusive import exclusive

    failed = []
    with exclusive(options.wait):
        for workload in _selected(options):
            name, data = _data(workload, options)
            result = _known_parity(workload, options) or _check_parity(workload, options)
            rows = harness.measure(
                workload,
                workload.preset(options.preset),
                harness.Options(
                    runtime=_runtime(options, data),
                    folder=options.out / "unfinished",
                    environments=tuple(options.environment) if options.environment else None,
                    seed=options.seed,
                    data=name,
                ),
                checked=result,
                out=options.out / "measurements" / f"{workload.id}.csv",
            )
            failed += [row for row in rows if row["status"] != "ok"]
            log.info(
                "%s: %d blocks measured, %d rows with another status than ok",
                workload.id,
                sum(row["kind"] == "block" for row in rows),
                sum(row["status"] != "ok" for row in rows),
            )
    return 1 if failed and not options.keep_going else 0


def _export(options: argparse.Namespace) -> int:
    from reproductions import contributions

    made = contributions.export(options.results, options.out, origin=options.origin, replace=options.replace)
    print(f"{made}: whole and checked; drop it into data/measurements/ and run `snakemake` to see it on the page")
    return 0


def _check_measurements(options: argparse.Namespace) -> int:
    from analysis import upkeep
    from analysis import usability as tables
    from reproductions import contributions

    found = contributions.timed(options.folder)
    counts = [contributions.check(folder) for folder in found]
    sets = f"{len(found)} set{'' if len(found) == 1 else 's'}, {sum(counts):,} timed rows"
    one = (options.folder / "machine.json").exists()
    where = (options.folder.parent, options.folder.name) if one else (options.folder, "*")
    other = tables.read(where[0], contributions.SCHEMAS, where[1])
    more = sum(len(own.programs) + len(own.faults) + len(own.contact) for own in other)
    deployed = sum(map(contributions.check_deployment, contributions.sets(options.folder)))
    kept = sum(map(len, upkeep.read_measured(where[0], contributions.SCHEMAS, where[1]).values()))
    others = f"{more:,} rows of usability, {deployed:,} of deployment, {kept:,} of upkeep"
    verdict = "nothing to complain about" if options.folder.is_dir() else "there is no such folder"
    print(f"{options.folder}: {sets}, {others}, {verdict}")
    return 0


def _compare(options: argparse.Namespace) -> int:
    from analysis import comparing

    print(comparing.text(comparing.compare(options.a, options.b), options.format), end="")
    return 0


def _known_parity(workload: Workload, options: argparse.Namespace) -> dict | None:
    path = options.out / "parity" / f"{workload.id}.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if found.get("preset") == options.preset else None


if __name__ == "__main__":
    sys.exit(main())
