"""What a run says before it begins and after it has ended."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from analysis.configuring import Configuration, deployable
from reproductions.pipelines import measure as pipelines


def plan(configuration: Configuration, sources_csv: Path, jobs: Iterable, *, snapshots: Path) -> str:
    """Return what a run is going to do: sources with their dates, workloads with their modes, minutes.

    jobs  Snakemake's jobs that have to run; only what is among them is announced
    """
    todo = {(job.rule.name, *(str(value) for value in job.wildcards)) for job in jobs}
    rules = {name for name, *_ in todo}
    if "fetch_source" in rules:
        return _refresh_plan(configuration, [job[1] for job in todo if job[0] == "fetch_source"])
    outs = sorted({job[1] for job in todo if len(job) > 1}) or ["results"]
    lines, minutes = ["This run will"], 0.0
    usability = [(words, spent) for rule, (words, spent) in _USABILITY.items() if rule in rules]
    if usability:
        smoke = configuration.values["usability"] == "smoke"
        lines += [f"  {words}{' (smoke size)' if smoke else ''}" for words, _ in usability]
        lines.append(f"    landing in {configuration.values['measurements']}/<machine>/")
        minutes += sum(spent for _, spent in usability) / (6 if smoke else 1)
    for part in [part for rule, part in _DEPLOYMENT.items() if rule in rules]:
        words, spent = _deployment_plan(configuration, part)
        lines += words
        minutes += spent
    if "count_adoption" in rules:
        lines.append("  count adoption from these sources:")
        lines += [
            f"    {row['source']:<24} {row['span']:<18} retrieved {row['retrieved']}"
            for row in _sources(sources_csv, snapshots)
        ]
    for out in outs:
        preset = configuration.preset(out)
        for workload in configuration.workloads.values():
            steps = [word for rule, word in _STEPS.items() if (rule, out, workload.id) in todo]
            if not steps:
                continue
            chosen = workload.preset(preset)
            profiles = configuration.values["environments"] or chosen.environments
            lines.append(
                f"  {', '.join(steps)} {workload.id} on {configuration.dataset(workload.id)} (preset {preset}):"
            )
            lines.append(
                f"    {', '.join(cell.id for cell in chosen.modes)}; {', '.join(profiles)}; "
                f"{chosen.restarts} restarts of {chosen.rounds} rounds"
            )
            if ("measure_workload", out, workload.id) in todo:
                minutes += chosen.minutes * len(profiles) / len(chosen.environments)
            minutes += chosen.preparation_minutes * sum((rule, out, workload.id) in todo for rule in _PREPARING) / 2
        if ("measure_pipelines", out) in todo:
            lines.append(f"  measure the input pipelines on their own (preset {preset})")
            minutes += pipelines.find(preset).minutes
    if "render_report" in rules:
        lines += [f"  draw the figures and write {out}/report/index.html" for out in outs]
        minutes += 0.5
    lines.append(f"Estimated: {max(minutes, 0.5):.1f} minutes on 2 cores like the reference machine's.")
    return "\n".join(lines)


#: Rules of the target usability: what they do, and minutes on 2 cores.
_USABILITY = {
    "run_paired_programs": ("run the paired programs of usability", 3),
    "plant_faults": ("plant the faults in each mode", 9),
    "measure_first_contact": ("measure first contact", 2.5),
}
#: Rules of the target deploy, with the part of the configuration that they do.
_DEPLOYMENT = {"try_deployment_paths": "paths", "load_servers": "servers"}
_STEPS = {"check_parity": "check parity of", "train_to_accuracy": "train", "measure_workload": "measure"}
_PREPARING = ("check_parity", "train_to_accuracy")


def _deployment_plan(configuration: Configuration, part: str) -> tuple[list[str], float]:
    """Return what the target deploy is going to try, what each extra environment takes, and minutes."""
    from reproductions.deployment import environments, runner, spec

    own = configuration.deploy
    smoke, chosen = own["size"] == "smoke", [name for name in own["only"] if name in deployable(part)]
    number = len(chosen or deployable(part))
    size = " (smoke size)" if smoke else ""
    landing = f"    landing in {configuration.values['measurements']}/<machine>/deployment/"
    if part == "servers":
        lines = [f"  load {number} servers at rising rates, those that are installed here{size}", landing]
        # Two starts a server and model, each under load up to saturation; what is not installed takes no time.
        return lines, number * len(spec.MODELS) * (0.1 if smoke else 2 * 0.75)
    known = environments.load()
    made = [f"    with the environment {n}: {environments.cost(known[n])}; {known[n]['why']}" for n in own["extra"]]
    left = [name for name in known if name not in own["extra"]]
    made += [f"    without {', '.join(left)} (deploy: {{extra: [...]}} makes them)"] if left else []
    settings = runner.Settings(
        work=Path("results/deployment"),
        cache=Path(configuration.values["cache"]),
        threads=(1,) if smoke else runner.all_threads(),
        **({"restarts": 1, "rounds": 1, "seconds": 0.02} if smoke else {}),
    )
    tried = sum(
        len(path.models)
        for name, path in spec.discover().items()
        if (not chosen or name in chosen) and (not path.extra or path.extra in own["extra"])
    )
    lines = [f"  try {number} deployment paths with each model{size}", *made, landing]
    return lines, runner.minutes(settings, tried)


def _refresh_plan(configuration: Configuration, names: list[str]) -> str:
    from analysis.harvesting.commands import make_run, plan_text

    runs = [make_run(configuration.sources[name], configuration.values) for name in sorted(names)]
    warning = "" if configuration.values["contact"] else "\nNo contact is configured; add --config contact=ADDRESS."
    return f"This run will ask\n{plan_text(runs)}{warning}"


def refreshed(folder: str, jobs: Iterable) -> str:
    """Return what the refresh of the day did, finished and failed sources alike; empty if the run was none."""
    if not any(job.rule.name == "fetch_source" for job in jobs):
        return ""
    from analysis.harvesting.running import Outcome, summary

    reports = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob("*.json"))]
    outcomes = [Outcome(**report | {"lines": tuple(report["lines"])}) for report in reports]
    return summary(outcomes, date.fromisoformat(Path(folder).name))


def done(sources_csv: Path, jobs: Iterable, today: date, *, refreshed_in: str, snapshots: Path) -> str:
    """Return the three closing lines: where the page is, how old each source is, which machine was measured."""
    jobs = list(jobs)
    if any(job.rule.name == "fetch_source" for job in jobs):
        return f"{refreshed(refreshed_in, jobs)}\nNow `snakemake --cores 8` draws the page from it."
    outs = sorted({str(job.wildcards.out) for job in jobs if job.rule.name == "render_report"})
    if not outs:
        if any(job.rule.name in (*_USABILITY, *_DEPLOYMENT) for job in jobs):
            return "Done. Now `snakemake --cores 8` draws the page from it."
        return "Done; this target makes no page."
    ages = "; ".join(_age(row, today) for row in _sources(sources_csv, snapshots))
    cards = [json.loads(Path(out, "machine.json").read_text(encoding="utf-8")) for out in outs]
    pages, machines = ", ".join(f"{out}/report/index.html" for out in outs), "; ".join(map(_machine, cards))
    return f"Page:     {pages} (open it in a browser)\nSources:  {ages}\nMeasured: on {machines}"


def _age(row: dict[str, str], today: date) -> str:
    days = (today - date.fromisoformat(row["retrieved"])).days
    return f"{row['source']} to {row['span'].split('/')[-1]}, read {days} d ago"


def _machine(card: dict) -> str:
    gpus = ", ".join(gpu["name"] for gpu in card["gpus"]) or "no GPU seen"
    return f"{card['machine']}: {card['processor']}, {card['cores_allowed']} cores, {gpus}"


def _sources(path: Path, snapshots: Path) -> list[dict[str, str]]:
    """Return the embedded sources, and in their place the snapshots that are newer."""
    from analysis.harvesting.registry import entries
    from analysis.harvesting.snapshots import latest

    with Path(path).open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    found = [version.provenance for name in entries() if (version := latest(snapshots, name))]
    for card in found:
        replaced = [row for row in rows if row["source"] in card["supersedes"]]
        if all(row["retrieved"] <= card["retrieved"] for row in replaced):
            rows = [row for row in rows if row not in replaced]
            rows.append({name: card[name] for name in ("source", "span", "retrieved")})
    return rows
