"""Command line of the analysis: ``python -m analysis {count,trends,summarise,deployment,usability,upkeep,judge,...}``.

Every command reads and writes files only, so the workflow's rules and a person at a prompt call the same thing. Exit
codes: 0 done; 1 a source could not be refreshed; 2 nothing written, the message names file, field and remedy.
"""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit code."""
    from reproductions.errors import SurveyError

    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except SurveyError as error:
        return _complain(error)
    except Exception as error:
        # The errors of this package that reach a person are told by name, so that a start does not import pandas.
        if type(error).__name__ not in {
            "AdoptionDataError",
            "BibliographyError",
            "BundleError",
            "DrawingError",
            "GuideError",
            "PageError",
        }:
            raise
        return _complain(error)
    return 0


def _complain(error: Exception) -> int:
    print(f"error: {error}", file=sys.stderr)
    return 2


def _parser() -> argparse.ArgumentParser:
    from analysis.harvesting.commands import add_parser as add_sources
    from analysis.mention_model.commands import add_parser as add_mentions

    parser = argparse.ArgumentParser(prog="python -m analysis", description="Count, summarise, draw and render.")
    commands = parser.add_subparsers(
        required=True,
        metavar=(
            "{count,trends,summarise,deployment,usability,upkeep,judge,draw,bundle,report,sources,mentions,simulate,"
            "coverage,config-docs}"
        ),
    )

    def command(name: str, run, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        if name not in ("config-docs", "coverage"):
            sub.add_argument(
                "--out",
                type=Path,
                default=Path("results"),
                metavar="DIR",
                help="folder of the results (default: %(default)s)",
            )
        return sub

    sub = command("count", _count, "Count adoption: shares, rates and crossing dates from the checked figures.")
    sub.add_argument(
        "--data",
        type=Path,
        default=ROOT / "data",
        metavar="DIR",
        help="folder with adoption_figures.csv, adoption_sources.csv and adoption_quotes.csv",
    )
    sub.add_argument(
        "--snapshots",
        type=Path,
        default=ROOT / "data" / "snapshots",
        metavar="DIR",
        help="folder of the refreshed snapshots; the latest of each source is counted (default: %(default)s)",
    )
    sub = command("summarise", _summarise, "Turn measurements into ratios with intervals and the other tables.")
    sub.add_argument("workload", nargs="*", help="workload ids; default: all")
    sub.add_argument("--workloads", action="append", type=Path, default=[], metavar="DIR")
    sub.add_argument(
        "--landed",
        type=Path,
        default=ROOT / "data" / "measurements",
        metavar="DIR",
        help="folder of the sets measured elsewhere or before; each is checked (default: %(default)s)",
    )
    for name, run in (("usability", _usability), ("deployment", _deployment)):
        sub = command(name, run, f"Tabulate what was measured of {name} on every machine.")
        sub.add_argument(
            "--measurements",
            type=Path,
            default=ROOT / "data" / "measurements",
            metavar="DIR",
            help="folder that holds a folder a machine (default: data/measurements)",
        )
    sub = command("upkeep", _upkeep, "Tabulate releases, support life, accelerators, safety and repeatability.")
    for name, what in (("snapshots", "the dated snapshots"), ("measurements", "a folder a machine")):
        sub.add_argument(
            f"--{name}",
            type=Path,
            default=ROOT / "data" / name,
            metavar="DIR",
            help=f"folder that holds {what} (default: data/{name})",
        )
    sub = command("judge", _judge, "Judge the survey's claims by the result tables.")
    sub.add_argument("--record", action="store_true", help="append the verdicts that moved to data/verdicts.csv")
    sub = command("draw", _draw, "Draw the figures.")
    sub.add_argument("--only", action="append", metavar="FIGURE", help="draw this one only (repeatable)")
    sub.add_argument("--processes", type=int, default=2, metavar="N", help="drawn side by side (default: %(default)s)")
    sub = command("report", _report, "Render the page.")
    sub.add_argument("--preset", default="quick", help="preset that the page names (default: %(default)s)")
    command("bundle", _bundle, "Bundle every table with licences, checksums and a citation.")
    add_sources(commands)
    add_mentions(commands)
    sub = command("trends", _trends, "Turn shares and snapshots into trends, crossing dates and statements.")
    sub.add_argument(
        "--snapshots",
        type=Path,
        default=ROOT / "data" / "snapshots",
        metavar="DIR",
        help="folder of the refreshed snapshots (default: %(default)s)",
    )
    sub = command("simulate", _simulate, "Simulate how often the intervals of the trends hold the truth (minutes).")
    sub.set_defaults(out=ROOT / "data" / "simulations")
    sub.add_argument("--worlds", type=int, default=1000, metavar="N", help="worlds (default: %(default)s)")
    sub.add_argument("--seed", type=int, default=20261122, metavar="N", help="seed (default: %(default)s)")
    sub.add_argument("--processes", type=int, default=2, metavar="N", help="processes (default: %(default)s)")
    command("coverage", _coverage, "Simulate how often the interval of a ratio holds the truth (a minute).")
    command("config-docs", _config_docs, "Write config/README.md from the schema.")
    return parser


def _count(options: argparse.Namespace) -> None:
    from analysis.adoption import write_tables

    names = ("adoption_figures", "adoption_sources", "adoption_quotes")
    write_tables(
        *(options.data / f"{name}.csv" for name in names),
        ROOT / "workflow" / "schemas",
        options.out / "tables",
        snapshots=options.snapshots,
    )


def _summarise(options: argparse.Namespace) -> None:
    from analysis import measurements
    from analysis.measured_sets import landed_sets
    from reproductions import registry

    known = registry.discover(options.workloads)
    names = options.workload or list(known)
    workloads = {name: registry.find(name, options.workloads) for name in names}
    landed = landed_sets(options.landed)
    tables = measurements.summarise(options.out, workloads, ROOT / "data", landed=landed, known=known)
    measurements.write(tables, options.out / "tables")


def _usability(options: argparse.Namespace) -> None:
    from analysis.usability import write_tables

    write_tables(options.measurements, ROOT / "workflow" / "schemas", options.out / "tables")


def _deployment(options: argparse.Namespace) -> None:
    from analysis.deployment import write_tables

    write_tables(options.measurements, options.out / "tables")


def _upkeep(options: argparse.Namespace) -> None:
    from analysis.upkeep import write_tables

    schemas = ROOT / "workflow" / "schemas"
    write_tables(options.snapshots, options.measurements, ROOT / "data", schemas, options.out / "tables")


def _judge(options: argparse.Namespace) -> None:
    from analysis.claims import history, judging

    tables = judging.read_tables(options.out / "tables", ROOT / "data" / "facts.csv")
    judged = judging.judge_all(tables)
    judging.write(judged | {"facts": tables["facts"]}, options.out / "tables")
    if options.record:
        today = datetime.now(UTC).date().isoformat()
        print(f"recorded {history.record(judged['claims'], tables, today)} verdicts in {history.VERDICTS_CSV}")


def _draw(options: argparse.Namespace) -> None:
    from analysis.drawing import draw_all

    draw_all(options.out / "tables", options.out / "figures", options.only, options.processes)


def _bundle(options: argparse.Namespace) -> None:
    from analysis.bundle import write_bundle

    today = datetime.now(UTC).date().isoformat()
    write_bundle(options.out / "tables", options.out / "report" / "data.zip", built=today)


def _report(options: argparse.Namespace) -> None:
    from analysis.report import render

    today = datetime.now(UTC).date().isoformat()
    render(
        options.out / "tables",
        options.out / "figures",
        options.out / "machine.json",
        options.out / "report" / "index.html",
        built=today,
        preset=options.preset,
        template_dir=ROOT / "workflow" / "report",
    )


def _trends(options: argparse.Namespace) -> None:
    from analysis.trends.tables import write_tables

    coverage = ROOT / "data" / "simulations" / "interval_coverage.csv"
    write_tables(options.out / "tables", options.snapshots, coverage)


def _simulate(options: argparse.Namespace) -> None:
    from importlib.metadata import version

    import pandas as pd

    from analysis.trends import simulate

    table = simulate.simulate(options.worlds, options.seed, options.processes, progress=True)
    today = datetime.now(UTC).date().isoformat()
    path = options.out / "interval_coverage.csv"
    simulate.write(path, table, date=today, seed=options.seed, version=version("framework-survey"))
    if options.out == ROOT / "data" / "simulations":
        simulate.document(ROOT / "docs" / "trends.md", pd.read_csv(path))
    print(table.loc[:, ["kind", "condition", "covered", "goal", "met", "bias"]].to_string(index=False))


def _coverage(options: argparse.Namespace) -> None:
    from analysis.resampling import coverage_table

    print("\n".join(coverage_table()))


def _config_docs(options: argparse.Namespace) -> None:
    from analysis.configuring import document
    from reproductions.files import write_text

    write_text(ROOT / "config" / "README.md", document())


if __name__ == "__main__":
    sys.exit(main())
