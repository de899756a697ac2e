# What the rules share: the checked configuration, the lists that the registries give, what a run says first and last.
import sys
from datetime import date
from pathlib import Path

from snakemake.exceptions import WorkflowError

from analysis import figures
from analysis.configuring import prepare_environment, read, today
from analysis.starting import keep_pandas_out
from reproductions.errors import SurveyError
from reproductions.exclusive import hold

try:
    CONFIGURED = read(workflow.configfiles, config)
except SurveyError as error:
    raise WorkflowError(str(error))

WORKLOADS = list(CONFIGURED.workloads)
FIGURES = figures.names()
SECTIONS = figures.sections()
ADOPTION_TABLES = [
    "adoption_shares",
    "adoption_rates",
    "adoption_crossings",
    "adoption_quotes",
    "sources",
    "refresh",
]
TREND_TABLES = [
    "trend_classes",
    "trend_uses",
    "trend_envelope",
    "trend_sensitivity",
    "trend_curves",
    "trend_statements",
    "trend_fields",
    "trend_corrected",
    "trend_fit",
    "quote_checks",
    "interval_coverage",
    "detector_confusion",
    "mention_labels",
]
TREND_CODE = [
    "indicators.yaml",
    "intervals.py",
    "periods.py",
    *sorted(
        f"trends/{path.name}"
        for path in Path(workflow.basedir, "analysis/trends").glob("*.*")
    ),
]
PERFORMANCE_TABLES = [
    "performance_ratios",
    "performance_cells",
    "performance_sweeps",
    "performance_control",
    "performance_machines",
    "performance_pipelines",
    "performance_references",
    "parity",
    "accuracy",
    "accuracy_differences",
    "datasets",
    "machine",
    "literature",
    "literature_studies",
    "literature_groups",
]
PERFORMANCE_CODE = [
    "measurements.py",
    "measured_rows.py",
    "measured_sets.py",
    "accuracies.py",
    "literature.py",
    "references.py",
    "resampling.py",
    "intervals.py",
]
MEASURED_ELSEWHERE = Path("data/measurements")
DEPLOYMENT_TABLES = [
    "deployment_matrix",
    "deployment_paths",
    "deployment_counts",
    "deployment_levels",
    "deployment_ratios",
    "deployment_factors",
    "deployment_serving",
    "deployment_servers",
    "deployment_states",
    "deployment_environments",
    "deployment_runs",
]
USABILITY_TABLES = [
    "usability_tasks",
    "usability_medians",
    "usability_compared",
    "usability_ratios",
    "usability_rates",
    "usability_kinds",
    "usability_stages",
    "usability_messages",
    "usability_numbers",
    "usability_tools",
    "usability_pairs",
    "usability_outcomes",
    "usability_faults",
    "usability_contact",
    "usability_listings",
]
UPKEEP_TABLES = [
    "upkeep_packages",
    "upkeep_minors",
    "upkeep_pythons",
    "upkeep_versions",
    "upkeep_runway",
    "upkeep_routes",
    "upkeep_accelerators",
    "upkeep_removals",
    "upkeep_safety",
    "upkeep_repeatability",
    "upkeep_moving",
    "upkeep_defaults",
    "upkeep_old_files",
]
UPKEEP_PARTS = [
    "builds",
    "safety",
    "repeatability",
    "moving",
    "defaults",
    "old_files",
]
CLAIM_TABLES = ["claims", "claim_cells", "claim_arithmetic", "facts"]
CLAIM_CODE = [
    "measured_rows.py",
    "wording.py",
    *(
        f"claims/{path.name}"
        for path in sorted(Path(workflow.basedir, "analysis/claims").glob("*.py"))
    ),
]
BUNDLED = [
    "adoption_figures",
    "adoption_sources",
    "adoption_quotes",
    "literature",
    "literature_studies",
    "claims",
    "facts",
    "verdicts",
    "reference_accuracies",
    "mention_labels",
    "python_life",
    "removals",
    "accelerators",
]
SOURCES = "data/adoption_sources.csv"
SNAPSHOTS = Path(CONFIGURED.values["snapshots"])
prepare_environment()
keep_pandas_out()
# What a refresh of this day has finished: a second one on the same day asks only what failed.
REFRESHED = f"results/refresh/{today()}"
REFRESHES = [f"{REFRESHED}/{source}.json" for source in CONFIGURED.refreshed]
# The same for the targets usability and deploy; what they measure lands in MEASUREMENTS.
MEASURED = f"results/usability/{today()}"
DEPLOYED = f"results/deployment/{today()}"
KEPT_UP = f"results/upkeep/{today()}"
MEASUREMENTS = Path(CONFIGURED.values["measurements"])


wildcard_constraints:
    out="results|results/smoke",
    workload="|".join(WORKLOADS),
    source="|".join(CONFIGURED.sources),
    part="|".join(UPKEEP_PARTS),


def deliverables(out):
    """Return what a run leaves for people; whatever of it is deleted is made again."""
    return [
        f"{out}/report/index.html",
        f"{out}/report/verdicts.json",
        f"{out}/report/data.zip",
        *expand(
            "{out}/figures/{figure}.{suffix}",
            out=out,
            figure=FIGURES,
            suffix=["svg", "png", "csv"],
        ),
        *expand(
            "{out}/tables/{table}.csv",
            out=out,
            table=ADOPTION_TABLES
            + TREND_TABLES
            + PERFORMANCE_TABLES
            + DEPLOYMENT_TABLES
            + USABILITY_TABLES
            + UPKEEP_TABLES
            + CLAIM_TABLES,
        ),
        *expand("{out}/measurements/{workload}.csv", out=out, workload=WORKLOADS),
    ]


def reported(figure):
    """Return a figure as the report of Snakemake shows it: under its section, labelled with its name."""
    return report(
        f"{{out}}/figures/{figure}.svg",
        category="Figures",
        subcategory=SECTIONS[figure].capitalize(),
        labels={"figure": figure.replace("_", " ")},
        caption="../report/figure.rst",
    )


def landed(folder):
    """Return the files of the snapshots that stand, and how the attempts to refresh ended."""
    return sorted(
        str(path) for path in [*folder.glob("*/*/*.*"), *folder.glob("*/attempts.csv")]
    )


def measured_sets(folder):
    """Return the files of the sets that were measured before or elsewhere: one dropped in redraws the page."""
    files = (path for path in folder.glob("*/**/*") if path.is_file())
    return sorted(str(path) for path in files if "unfinished" not in path.parts)


def pipeline_arguments(wildcards):
    """Return the arguments of the command that measures the input pipelines on their own."""
    return CONFIGURED.pipeline_arguments(wildcards.out)


def measured_here_and_elsewhere(folder):
    """Return the files that measurements of any machine left."""
    return sorted(str(path) for path in folder.glob("*/*.*"))


def deployed_here_and_elsewhere(folder):
    """Return the files that the deployment paths and servers of any machine left."""
    return sorted(str(path) for path in folder.glob("*/deployment/*.*"))


def preset(wildcards):
    """Return the preset of a results folder."""
    return CONFIGURED.preset(wildcards.out)


def dataset(wildcards):
    """Return the data set of a workload."""
    return CONFIGURED.dataset(wildcards.workload)


def arguments(wildcards):
    """Return the arguments of a reproductions command that does not measure time."""
    return CONFIGURED.arguments(wildcards.workload, wildcards.out)


def measuring_arguments(wildcards):
    """Return the arguments of the measurement."""
    return CONFIGURED.arguments(wildcards.workload, wildcards.out, measuring=True)


def usability_arguments(wildcards):
    """Return the arguments of the command that runs the paired programs."""
    return CONFIGURED.usability_arguments("programs")


def fault_arguments(wildcards):
    """Return the arguments of the command that plants the faults."""
    return CONFIGURED.usability_arguments("faults")


def contact_arguments(wildcards):
    """Return the arguments of the command that measures first contact."""
    return CONFIGURED.usability_arguments("contact")


def path_arguments(wildcards):
    """Return the arguments of the command that tries the deployment paths."""
    return CONFIGURED.deployment_arguments("paths")


def server_arguments(wildcards):
    """Return the arguments of the command that loads the servers."""
    return CONFIGURED.deployment_arguments("servers")


def upkeep_arguments(wildcards):
    """Return the arguments of the commands of upkeep."""
    return CONFIGURED.upkeep_arguments()


def source_arguments(wildcards):
    """Return the arguments of the command that refreshes a source."""
    return CONFIGURED.source_arguments(wildcards.source)


def digest(wildcards):
    """Return the hash of a workload's folder: an edited workload is measured again, other edits leave it alone."""
    return CONFIGURED.workloads[wildcards.workload].digest()


def all_cores(wildcards):
    """Return every core that the run was given: nothing else runs beside a measurement. A cluster gives the threads."""
    # Not workflow.cores, which raises where a cluster leaves the number open.
    return workflow.resource_settings.cores or CONFIGURED.values["threads"]


onstart:
    from analysis import announcing

    try:
        # Snakemake's own lock outlives a killed run; this one is released by the system (see profiles/default).
        # It is kept on the workflow: a local name would release it when this hook returns.
        workflow.survey_lock = hold(
            Path(".snakemake/survey.lock"), "another run is working in this folder"
        )
    except SurveyError as error:
        raise WorkflowError(str(error))
    print(
        announcing.plan(
            CONFIGURED, SOURCES, workflow.dag.needrun_jobs(), snapshots=SNAPSHOTS
        ),
        file=sys.stderr,
    )


onsuccess:
    from analysis import announcing

    print(
        announcing.done(
            SOURCES,
            workflow.dag.jobs,
            date.today(),
            refreshed_in=REFRESHED,
            snapshots=SNAPSHOTS,
        ),
        file=sys.stderr,
    )


onerror:
    from analysis import announcing

    print(announcing.refreshed(REFRESHED, workflow.dag.jobs), file=sys.stderr)
