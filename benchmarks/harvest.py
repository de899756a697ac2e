"""The harvest's parts beside their peers: parsing, ingest, mention scan, archive join."""

from __future__ import annotations

import csv
import io
import os
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from benchmarks import synthetic
from benchmarks.timing import Series, alternate, once, ratio
from reproductions import machine
from reproductions.files import write_text

SEED = 20261122
PACKAGES = ("polars", "duckdb", "pyarrow", "pandas", "sickle", "arxiv", "feedparser", "lxml", "defusedxml")
COLUMNS = ("task", "contender", "rounds", "items", "per_cpu_s", "per_cpu_s_min", "per_cpu_s_max", "peak_mib")
PARSING = (
    "ours, OAI-PMH",
    "Sickle",
    "Sickle, each page read once",
    "ElementTree, bare walk",
    "lxml, bare walk",
    "defusedxml, bare walk",
    "ours, Atom",
    "arxiv",
    "feedparser",
    "doctype",
)
SCANNING = ("ours", "polars", "duckdb", "pyarrow", "pandas, a pass per name")
COUNTING = ("ours", "duckdb")
JOINING = ("join, our way", "join, duckdb", "join, polars", "join, pyarrow", "join, pandas")


@dataclass(frozen=True)
class Size:
    """How much is measured."""

    rounds: int
    oai_pages: int
    atom_pages: int
    records: int
    papers: int
    links: int
    whole_pages: int


FULL = Size(7, 20, 5, 300_000, synthetic.PAPERS, synthetic.LINKS, 2308)
QUICK = Size(2, 3, 1, 20_000, 20_000, 10_000, 12)


@dataclass(frozen=True)
class Goal:
    """A bound, what was measured (median, least, greatest), and whether the median keeps the bound."""

    text: str
    at_least: bool
    bound: float
    measured: tuple[float, float, float] | None
    unit: str = "x"

    @property
    def met(self) -> str:
        """``yes``, ``no`` or ``not measured``."""
        if self.measured is None:
            return "not measured"
        kept = self.measured[0] >= self.bound if self.at_least else self.measured[0] <= self.bound
        return "yes" if kept else "no"


def run(out: Path, quick: bool, say: Callable[[str], None]) -> list[Goal]:
    """Make the input, measure, and write ``harvest.md`` and ``harvest.csv`` to ``out``; return the goals."""
    size = QUICK if quick else FULL
    load, waited, begun = os.getloadavg()[0], machine.pressure(), datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="harvest-benchmarks-") as scratch:
        folder = Path(scratch)
        _make(folder, size, say)
        series = {
            (one.task, one.name): one
            for task, names, where in (
                ("parsing", PARSING, "pages"),
                ("ingesting", ("ours",), "pages"),
                ("mentions", SCANNING, "records"),
                ("archive", COUNTING, "archive"),
                ("archive", JOINING, "archive"),
            )
            for one in alternate(task, names, folder / where, size.rounds, say)
        }
        cut = once("parsing", "cut", folder / "pages")["said"]
        for name in ("whole", "newest", "mentions"):
            say(f"{size.whole_pages * synthetic.OAI_PAGE:,} records: {name}")
            series["ingesting", name] = Series("ingesting", name, [once("ingesting", name, folder)])
    seconds = (datetime.now(UTC) - begun).total_seconds()
    goals = _goals(series)
    share = None if waited is None else (machine.pressure() - waited) / seconds
    conditions = {
        "Date": begun.date().isoformat(),
        "Size": "quick: too small for conclusions" if quick else "full",
        "Time": f"{seconds / 60:.0f} min",
        "Load before": f"{load:.2f} (1 min average)",
        "Some process waited for a CPU": "not recorded" if share is None else f"{share:.0%} of the time",
    }
    write_text(out / "harvest.md", _document(series, goals, cut, conditions))
    write_text(out / "harvest.csv", _table(series))
    return goals


def _make(folder: Path, size: Size, say: Callable[[str], None]) -> None:
    say("making pages")
    synthetic.write_pages(folder / "pages", size.oai_pages, size.atom_pages, SEED)
    say("making records")
    synthetic.write_records(folder / "records", size.records, SEED)
    say("making the archive")
    synthetic.write_archive(folder / "archive", size.papers, size.links, SEED)
    (folder / "pages.txt").write_text(str(size.whole_pages))


def _goals(series: dict[tuple[str, str], Series]) -> list[Goal]:
    def against(task: str, ours: str, peer: str) -> tuple[float, float, float] | None:
        return ratio(series[task, ours], series[task, peer])

    def cost(task: str, ours: str, peer: str) -> tuple[float, float, float] | None:
        measured = against(task, ours, peer)
        return measured and (1 / measured[0], 1 / measured[2], 1 / measured[1])

    def peak(task: str, name: str) -> tuple[float, float, float]:
        return _spread([outcome["peak_mib"] for outcome in series[task, name].outcomes])

    rates = _spread(series["ingesting", "ours"].rates)
    shares = _spread([100 * outcome["share"] for outcome in series["parsing", "doctype"].outcomes])
    scans = [against("mentions", "ours", peer) for peer in ("polars", "duckdb", "pyarrow")]
    best = min((scan for scan in scans if scan), default=None)
    return [
        Goal("OAI-PMH records a CPU-second, of Sickle's", True, 2.3, against("parsing", "ours, OAI-PMH", "Sickle")),
        Goal("Atom records a CPU-second, of the arxiv package's", True, 2.3, against("parsing", "ours, Atom", "arxiv")),
        Goal("Atom records a CPU-second, of feedparser's", True, 18, against("parsing", "ours, Atom", "feedparser")),
        Goal("refusing DOCTYPE, of the parsing's CPU time", False, 5, shares, "%"),
        Goal("peak memory, OAI-PMH pages", False, 60, peak("parsing", "ours, OAI-PMH"), "MiB"),
        Goal("peak memory, Atom pages", False, 60, peak("parsing", "ours, Atom"), "MiB"),
        Goal("gzipped pages to parquet, records a CPU-second", True, 10_000, rates, ""),
        Goal("peak memory of the ingest of all records", False, 250, peak("ingesting", "whole"), "MiB"),
        Goal("mention scan, rate of the best of polars, duckdb, pyarrow", True, 0.9, best),
        Goal("mention scan, rate of pandas", True, 30, against("mentions", "ours", "pandas, a pass per name")),
        Goal("mention scan, peak memory", False, 256, peak("mentions", "ours"), "MiB"),
        Goal("mention scan of all records, peak memory", False, 256, peak("ingesting", "mentions"), "MiB"),
        Goal("archive, all tables, of duckdb's CPU time", False, 1.3, cost("archive", "ours", "duckdb")),
        Goal("archive, bare join, of duckdb's CPU time", False, 1.3, cost("archive", "join, our way", "join, duckdb")),
        Goal("archive, all tables, peak memory", False, 300, peak("archive", "ours"), "MiB"),
    ]


def _spread(values: list[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _document(
    series: dict[tuple[str, str], Series], goals: list[Goal], cut: dict[str, str], conditions: dict[str, str]
) -> str:
    card = machine.describe()
    found = {
        name: one.outcomes[0]["found"]
        for (task, name), one in series.items()
        if task == "mentions" and one.outcomes and not name.startswith("pandas")
    }
    told = {
        **conditions,
        "Machine": f"{card['processor']}, {card['cores_online']} cores, {card['memory_gib']} GiB, {card['system']}",
        "Versions": ", ".join([f"Python {card['python']}", *_versions()]),
    }
    return "\n".join(
        [
            "# Harvest: our parts beside their peers",
            "",
            "Made by `python -m benchmarks harvest`; how it is measured stands in `benchmarks/README.md`. All input is "
            "synthetic, in the shape of arXiv's pages and of the archive of Papers with Code.",
            "",
            *(f"- {name}: {value}" for name, value in told.items()),
            "",
            "## Goals",
            "Ratios are medians of paired rounds, with the least and the greatest.",
            "",
            "| what | goal | measured | met |",
            "|---|---|---|---|",
            *map(goal_line, goals),
            "",
            *_contenders(series, "parsing", "Parsing", "records"),
            "Sickle reads each page three times (for errors, for the token, for the records); the second row of it is "
            "what its classes could do. The bare walks check nothing and collapse no white space.",
            "",
            "### A page cut in half",
            *(f"- {name}: {words}" for name, words in cut.items()),
            "",
            *_contenders(series, "ingesting", "Ingest", "records"),
            "`ours`: gzipped pages to parquet. `whole`: all records once, as below. `newest`: the newest state of each "
            "paper, counted by month. `mentions`: the scan of the newest states.",
            "",
            "### All records run through once",
            "| records | CPU-s | records a CPU-s | peak MiB |",
            "|---|---|---|---|",
            *(
                f"| {records:,} | {seconds:.1f} | {records / seconds:,.0f} | {peak:.0f} |"
                for records, seconds, peak in series["ingesting", "whole"].outcomes[0]["marks"]
            ),
            "",
            *_contenders(series, "mentions", "Mention scan", "records"),
            f"Found: {', '.join(f'{name} {number:,}' for name, number in found.items())}. The peers look for names as "
            "words; ours applies the published rule.",
            "",
            *_contenders(series, "archive", "Archive", "runs"),
            "`ours` and `duckdb` make all tables; the rows `join` join once and count one table, which the survey "
            "itself never does alone. All contenders gave the same counts.",
            "",
        ]
    )


def goal_line(goal: Goal) -> str:
    """Return the goal as a row of the table: what, bound, measured, met."""
    sign, unit = ("at least" if goal.at_least else "at most"), f" {goal.unit}".rstrip()
    measured = "-" if goal.measured is None else "{} [{}, {}]".format(*map(_number, goal.measured)) + unit
    return f"| {goal.text} | {sign} {_number(goal.bound)}{unit} | {measured} | {goal.met} |"


def _contenders(series: dict[tuple[str, str], Series], task: str, title: str, items: str) -> list[str]:
    rows = []
    for (belongs, name), one in series.items():
        if belongs != task or name == "doctype":
            continue
        if one.missing:
            rows.append(f"| {name} | not installed | |")
        else:
            median, least, most = map(_number, _spread(one.rates))
            rows.append(f"| {name} | {median} [{least}, {most}] | {one.peak_mib:.0f} |")
    return [f"## {title}", f"| contender | {items} a CPU-second | peak MiB |", "|---|---|---|", *rows, ""]


def _versions() -> list[str]:
    found = []
    for name in PACKAGES:
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            found.append(f"{name} not installed")
    return found


def _table(series: dict[tuple[str, str], Series]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (task, name), one in series.items():
        if one.outcomes:
            rates = [f"{value:.4g}" for value in _spread(one.rates)]
            items = one.outcomes[0]["items"]
            writer.writerow([task, name, len(one.outcomes), items, *rates, f"{one.peak_mib:.0f}"])
    return buffer.getvalue()
