"""Checking the configuration and turning it into what the rules need.

Nothing heavy is imported: this runs at each start of Snakemake.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import yaml

from analysis.harvesting import registry as sources_registry
from analysis.harvesting.registry import Source
from reproductions import registry
from reproductions.errors import SurveyError
from reproductions.files import read_yaml
from reproductions.spec import Workload
from reproductions.validation import check, suggest

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"
#: What the target deploy measures, with the folder of its modules.
DEPLOYABLE = {part: ROOT / "reproductions" / "deployment" / part for part in ("paths", "servers")}


@dataclass(frozen=True)
class Configuration:
    """The checked configuration.

    values     the merged keys of config/config.yaml and whatever was laid over it
    workloads  the chosen workloads, ``{id: specification}``, in the configured order
    sources    the adoption sources with their settings, ``{id: source}``
    """

    values: Mapping
    workloads: Mapping[str, Workload]
    sources: Mapping[str, Source]

    def preset(self, out: str) -> str:
        """Return the preset of a results folder: ``results/smoke`` is always smoke, ``results`` as configured."""
        return "smoke" if out == "results/smoke" else self.values["preset"]

    def dataset(self, workload: str) -> str:
        """Return the data set a workload runs on."""
        return self.values["workloads"][workload]

    @property
    def refreshed(self) -> list[str]:
        """Return the sources that a refresh asks."""
        return [name for name, source in self.sources.items() if source.enabled]

    def source_arguments(self, source: str) -> str:
        """Return the command-line arguments of ``python -m analysis sources fetch`` for one source, shell-quoted."""
        values = self.values
        own = values["sources"].get(source, {})
        arguments = [source, f"--cache={values['cache']}", f"--snapshots={values['snapshots']}"]
        arguments += [f"--settings={json.dumps(own, sort_keys=True)}"] if own else []
        arguments += [f"--contact={values['contact']}"] if values["contact"] else []
        arguments += [f"--accept={name}" for name in _listed(values["accept"]) if name == source]
        return shlex.join(arguments)

    def usability_arguments(self, part: str) -> str:
        """Return the command-line arguments of ``python -m reproductions usability <part>``, shell-quoted.

        part  ``programs``, ``faults`` or ``contact``
        """
        values = self.values
        arguments = [f"--measurements={values['measurements']}", f"--wait={values['wait_s']}"]
        smoke = values["usability"] == "smoke"
        if smoke:  # a little of everything: the tests of the programs and the faults run them all
            little = {"programs": ["train_classifier"], "faults": ["--mode=pytorch-eager", "--mode=keras-fit"]}
            arguments += ["--smoke", *little.get(part, [])]
        if part == "contact":
            arguments += ["--offline"] if smoke else ["--install"]
        pythons = {name: _absolute(path) for name, path in values["python"].items()}
        arguments += [f"--python-{name}={path}" for name, path in pythons.items() if path is not None]
        arguments.append("--keep-going")
        return shlex.join(arguments)

    @property
    def deployment_parts(self) -> list[str]:
        """Return what the target deploy does: ``paths`` and ``servers``, or what the chosen ids leave of it."""
        chosen = set(self.deploy["only"])
        return [part for part in DEPLOYABLE if not chosen or chosen & set(deployable(part))]

    @property
    def deploy(self) -> Mapping:
        """Return the settings of the target deploy, whole."""
        return {"extra": [], "only": [], "size": "full"} | self.values["deploy"]

    def deployment_arguments(self, part: str) -> str:
        """Return the command-line arguments of ``python -m reproductions deploy {run,serve}``, shell-quoted.

        part  ``paths`` or ``servers``
        """
        values, own = self.values, self.deploy
        only = [name for name in own["only"] if name in deployable(part)]
        arguments = [f"--measurements={values['measurements']}", f"--cache={values['cache']}"]
        arguments += [f"--wait={values['wait_s']}", "--keep-going"]
        arguments += ["--smoke"] if own["size"] == "smoke" else []
        arguments += ["--extra", *own["extra"]] if own["extra"] else []
        arguments += ["--only", *only] if only else []
        return shlex.join(arguments)

    def pipeline_arguments(self, out: str) -> str:
        """Return the command-line arguments of ``python -m reproductions pipelines``, shell-quoted."""
        values = self.values
        arguments = [f"--preset={self.preset(out)}", f"--out={out}", f"--threads={values['threads']}"]
        arguments += [f"--seed={values['seed']}", f"--wait={values['wait_s']}"]
        pythons = {name: _absolute(path) for name, path in values["python"].items()}
        arguments += [f"--python-{name}={path}" for name, path in pythons.items() if path is not None]
        return shlex.join(arguments)

    def arguments(self, workload: str, out: str, *, measuring: bool = False) -> str:
        """Return the command-line arguments of ``python -m reproductions <command>`` for one workload, shell-quoted."""
        values = self.values
        options = {
            "preset": self.preset(out),
            "out": out,
            "dataset": self.dataset(workload),
            "cache": values["cache"],
            "threads": values["threads"],
            "device": values["device"],
            "seed": values["seed"],
            "memory-limit-mib": values["memory_limit_mib"],
        }
        options |= {f"python-{framework}": _absolute(path) for framework, path in values["python"].items()}
        arguments = [workload] + [f"--{key}={value}" for key, value in options.items() if value is not None]
        arguments += [f"--workloads={folder}" for folder in values["workload_folders"]]
        if measuring:
            arguments.append(f"--wait={values['wait_s']}")
            arguments += [f"--environment={name}" for name in values["environments"] or ()]
        return shlex.join(arguments)


def read(files: Iterable[Path | str], merged: Mapping) -> Configuration:
    """Check each configuration file, then the merged keys, and return them.

    Raises SurveyError that names file, field and remedy; a key given with ``--config`` is reported under that name.
    """
    schema = read_yaml(SCHEMA)
    for file in files:
        try:
            own = read_yaml(file)
        except yaml.YAMLError as error:
            raise SurveyError(f"{_shown(file)}: not valid YAML: {error}") from error
        check({} if own is None else own, schema, _shown(file))
    where = "configuration (--config or --configfile)"
    check(merged, schema, where)
    sources = sources_registry.sources(merged["sources"], where)
    for name in _listed(merged["accept"]):
        if name not in sources:
            raise SurveyError(f"{where}: accept: {name!r} is no source; {suggest(name, list(sources))}")
    _check_deployment(merged["deploy"], where)
    known = registry.discover(merged["workload_folders"])
    chosen = {}
    for name, dataset in merged["workloads"].items():
        if name not in known:
            raise SurveyError(f"{where}: workloads.{name}: no such workload; {suggest(name, list(known))}")
        if dataset not in known[name].datasets:
            raise SurveyError(
                f"{where}: workloads.{name}: {dataset!r} is not one of its data sets; "
                f"{suggest(dataset, list(known[name].datasets))}"
            )
        if merged["preset"] not in known[name].presets:
            raise SurveyError(
                f"{where}: preset: {merged['preset']!r} is not a preset of {name}; "
                f"{suggest(merged['preset'], list(known[name].presets))}"
            )
        chosen[name] = known[name]
    return Configuration(merged, chosen, sources)


def deployable(part: str) -> list[str]:
    """Return the ids of ``paths`` or ``servers`` without importing one: a module each."""
    return sorted(path.stem for path in DEPLOYABLE[part].glob("[!_]*.py"))


def _check_deployment(own: Mapping, where: str) -> None:
    """Raise SurveyError for an environment, a path or a server that does not exist."""
    text = (ROOT / "reproductions" / "deployment" / "environments.yaml").read_text(encoding="utf-8")
    known = {"extra": list(yaml.safe_load(text)), "only": [name for part in DEPLOYABLE for name in deployable(part)]}
    for key, names in known.items():
        for name in own.get(key, ()):
            if name not in names:
                raise SurveyError(f"{where}: deploy.{key}: {name!r} is not known; {suggest(name, names)}")


def prepare_environment() -> None:
    """Set what the shell commands of the rules inherit.

    ``PATH`` begins with the folder of the running interpreter: ``python`` is then the one that runs Snakemake,
    whether or not its environment is activated. ``SURVEY_RUN`` names this process: measuring ends when it does.
    ``SURVEY_DAY`` is the day of the run.
    """
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.environ.setdefault("SURVEY_RUN", str(os.getpid()))
    os.environ.setdefault("SURVEY_DAY", datetime.now(UTC).date().isoformat())


def today() -> date:
    """Return the day of this run, UTC: the same for every process of a run that goes past midnight."""
    return date.fromisoformat(os.environ["SURVEY_DAY"]) if "SURVEY_DAY" in os.environ else datetime.now(UTC).date()


def document() -> str:
    """Return config/README.md, generated from the schema and the defaults."""
    schema = read_yaml(SCHEMA)
    defaults = read_yaml(ROOT / "config" / "config.yaml")
    lines = [
        "# Configuration",
        "",
        "Generated from `workflow/schemas/config.schema.yaml` by `python -m analysis config-docs`;",
        "edit the schema instead.",
        "",
        "`config.yaml` shows every key with its default. Lay a file of your own over it with `--configfile FILE`;",
        "single keys with `--config threads=2`. `fashion_mnist.yaml` and `gpu.yaml` are two such files.",
        "",
        "| key | type | default | meaning |",
        "|---|---|---|---|",
    ]
    for key, field in schema["properties"].items():
        kind = field.get("type") or "one of " + ", ".join(field["enum"])
        kind = " or ".join(kind) if isinstance(kind, list) else kind
        default = yaml.safe_dump(defaults[key], default_flow_style=True).removesuffix("...\n").strip()
        lines.append(f"| `{key}` | {kind} | `{default}` | {field['description']} |")
    lines += [
        "",
        "## Settings of the sources",
        "",
        "From `data/sources.yaml`. Write them below `sources`, for example in a file of your own:",
        "`sources: {arxiv_query: {enabled: false}}`. Settings without a row of their own have the default of the first",
        "table. A few services need a key in an environment variable.",
        "",
        "| setting of every source | default |",
        "|---|---|",
    ]
    common = sources_registry.common()
    lines += [f"| `{key}` | `{json.dumps(value)}` |" for key, value in common["settings"].items()]
    lines += ["", "| source | asked | key | its own settings |", "|---|---|---|---|"]
    for source in sources_registry.sources().values():
        own = {key: value for key, value in source.settings.items() if common["settings"].get(key, ...) != value}
        shown = ", ".join(f"`{key}: {json.dumps(value)}`" for key, value in own.items())
        asked = "yes" if source.enabled else f"no: {source.why_off}"
        lines.append(f"| `{source.id}` | {asked} | {f'`{source.key}`' if source.key else ''} | {shown} |")
    return "\n".join(lines) + "\n"


def _listed(value: str | list[str]) -> list[str]:
    """Return ``--config accept=a`` and ``accept: [a, b]`` alike as a list."""
    return [value] if isinstance(value, str) else list(value)


def _absolute(path: str | None) -> str | None:
    """Make an interpreter's path absolute without following links: a link is what marks a virtual environment."""
    return None if path is None else str(Path.cwd() / path) if "/" in path else path


def _shown(file: Path | str) -> str:
    try:
        return str(Path(file).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
