"""``python -m analysis sources {list,plan,fetch,extract,check}``: the refresh by hand."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import yaml

from analysis.configuring import ROOT, read, today
from analysis.harvesting import registry
from analysis.harvesting.registry import Source
from reproductions.errors import SurveyError
from reproductions.files import read_yaml


def add_parser(commands) -> None:
    """Add the command ``sources`` with its five actions."""
    text = "List, plan, fetch, extract or check the adoption sources."
    parser = commands.add_parser("sources", help=text, description=text)
    actions = parser.add_subparsers(required=True, metavar="{list,plan,fetch,extract,check}")

    def action(name: str, run: Callable, text: str) -> argparse.ArgumentParser:
        sub = actions.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        sub.add_argument("source", nargs="*", help="source ids; default: those that a refresh asks")
        sub.add_argument("--configfile", type=Path, metavar="FILE", help="laid over config/config.yaml")
        sub.add_argument("--settings", type=json.loads, default={}, metavar="JSON", help="settings of one source")
        sub.add_argument("--cache", type=Path, metavar="DIR", help="where answers are kept (default: the config's)")
        sub.add_argument("--snapshots", type=Path, metavar="DIR", help="where snapshots land (default: the config's)")
        sub.add_argument("--contact", metavar="TEXT", help="who the services may write to")
        return sub

    action("list", _list, "Say what each source gives, whether it is asked, and what stands.")
    action("plan", _plan, "Say without a network what a refresh would ask: requests, bytes, minutes.")
    sub = action("fetch", _fetch, "Ask for what is missing, count it and land a dated snapshot.")
    sub.add_argument("--accept", action="append", default=[], metavar="SOURCE", help="agree to its large changes")
    sub.add_argument("--report", type=Path, metavar="FILE", help="write how it ended as JSON")
    sub = action("extract", _extract, "Count the kept answers again, without a network, and land what differs.")
    sub.add_argument("--accept", action="append", default=[], metavar="SOURCE", help="agree to its large changes")
    action("check", _check, "Ask what only a live answer can settle; fail where a source has drifted.")


def _list(options: argparse.Namespace) -> None:
    from analysis.harvesting.snapshots import attempts

    for run in _runs(options, everything=True):
        source, standing = run.source, run.latest()
        tried = attempts(run.snapshots, source.id)
        asked = "asked" if source.enabled else f"off ({source.why_off})"
        key = f"; key in {source.key}" if source.key else ""
        print(f"{source.id}: {source.title} [{asked}{key}]")
        print(f"    {source.gives} ({source.licence})")
        print(f"    snapshot: {standing.name + ', ' + standing.provenance['span'] if standing else 'none yet'}", end="")
        print(f"; last try {tried[-1]['day']}: {tried[-1]['outcome']}" if tried else "")


def _plan(options: argparse.Namespace) -> None:
    print(plan_text(list(_runs(options))))


def plan_text(runs: list) -> str:
    """Return the plan of a refresh: a line a source and the minutes of the whole, sources side by side."""
    from analysis.harvesting.running import minutes, plan_source

    lines, clocks, total, missing = [], {}, 0, 0
    for run in runs:
        try:
            plan = plan_source(run)
        except SurveyError as error:
            lines.append(f"  {run.source.id:<24} cannot be planned: {error}")
            continue
        needed = minutes(run.source, plan)
        clocks[run.source.clock] = clocks.get(run.source.clock, 0) + needed
        total, missing = total + plan.bytes, missing + plan.requests
        about = "" if plan.exact else "about "
        note = f"; {plan.note}" if plan.note else ""
        lines.append(
            f"  {run.source.id:<24} {about}{plan.requests} requests, {plan.bytes / 1e6:.1f} MB, {needed:.1f} min{note}"
        )
    longest = max(clocks.values(), default=0)
    lines.append(
        f"Together {missing} requests and {total / 1e6:.0f} MB; about {longest:.0f} minutes, as services are asked "
        "side by side and sources of one service in turn."
    )
    return "\n".join(lines)


def _fetch(options: argparse.Namespace) -> None:
    from analysis.harvesting.running import refresh_source, summary
    from reproductions.files import write_json

    outcomes = []
    for run in _runs(options):
        outcome = refresh_source(run, options.accept)
        outcomes.append(outcome)
        if options.report is not None:
            write_json(report_path(options.report, good=outcome.good), outcome.as_dict())
            if outcome.good:
                report_path(options.report, good=False).unlink(missing_ok=True)
    print(summary(outcomes, today()), file=sys.stderr)
    if any(not outcome.good for outcome in outcomes):
        raise SystemExit(1)


def report_path(report: Path, *, good: bool) -> Path:
    """Return where a report is written: a failed one beside, so that the next run tries that source again."""
    return report if good else report.with_suffix(".failed.json")


def _extract(options: argparse.Namespace) -> None:
    from analysis.harvesting.running import land_source, summary

    outcomes = [land_source(run, options.accept) for run in _runs(options)]
    print(summary(outcomes, today()), file=sys.stderr)


def _check(options: argparse.Namespace) -> None:
    failed = []
    for run in _runs(options):
        print(f"{run.source.id}:")
        try:
            findings = run.source.module().check(run)
        except SurveyError as error:
            print(f"  cannot be checked: {error}")
            failed.append(run.source.id)
            continue
        for finding in findings:
            mark = "ok   " if finding.holds else "DRIFT"
            expected = f" (expected: {finding.expected})" if finding.expected else ""
            print(f"  {mark} {finding.question}: {finding.found}{expected}")
        if any(not finding.holds for finding in findings):
            failed.append(run.source.id)
    if failed:
        raise SurveyError(f"not as expected: {', '.join(failed)}; read the lines above before trusting a refresh")


def _runs(options: argparse.Namespace, *, everything: bool = False) -> Iterator:
    values = configured(options.configfile)
    overlay = dict(values["sources"])
    if options.settings:
        if len(options.source) != 1:
            raise SurveyError("--settings belongs to one source: name exactly one")
        overlay[options.source[0]] = {**overlay.get(options.source[0], {}), **options.settings}
    known = registry.sources(overlay)
    for name in options.source:
        registry.find(name, overlay)
    chosen = options.source or [name for name, source in known.items() if everything or source.enabled]
    for name in chosen:
        yield make_run(known[name], values, options)


def make_run(source: Source, values: Mapping, options: argparse.Namespace | None = None):
    """Return the run of one source by the configuration, options first."""
    from analysis.harvesting.run import Run

    def pick(name: str):
        return getattr(options, name, None) or values[name]

    return Run(source, today(), Path(pick("cache")), Path(pick("snapshots")), pick("contact"))


def configured(file: Path | None) -> Mapping:
    """Return the configuration by name, with a file laid over the defaults; SurveyError if it cannot be read."""
    defaults = read_yaml(ROOT / "config" / "config.yaml")
    if file is None:
        return defaults
    try:
        own = read_yaml(file) or {}
    except (OSError, yaml.YAMLError) as error:
        raise SurveyError(f"{file}: cannot be read ({error}); check the path and the YAML") from error
    if not isinstance(own, dict):
        raise SurveyError(f"{file}: is not a mapping of keys; see config/README.md")
    return read([file], defaults | own).values
