# Upkeep: releases and support life, read from the package index; builds, hostile and old files, repeatability, moving
# models and defaults, run here.
# The target `upkeep` reads and runs anew, once a day; a killed run goes on.


rule upkeep:
    input:
        f"{REFRESHED}/package_index.json",
        expand(f"{KEPT_UP}/{{part}}.json", part=UPKEEP_PARTS),
    localrule: True


rule run_upkeep:
    output:
        f"{KEPT_UP}/{{part}}.json",
    log:
        "logs/upkeep/{part}.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=upkeep_arguments,
    message:
        "Upkeep: {wildcards.part}; nothing else runs meanwhile"
    shell:
        "python -m reproductions upkeep {wildcards.part} {params.arguments} --report {output} 2> >(tee {log} >&2)"


rule tabulate_upkeep:
    input:
        curated=expand(
            "data/{table}.csv", table=["python_life", "removals", "accelerators"]
        ),
        registry="data/upkeep.yaml",
        snapshots=landed(SNAPSHOTS),
        measured=measured_here_and_elsewhere(MEASUREMENTS),
        schemas=expand(
            "workflow/schemas/{table}.schema.yaml",
            table=[
                "python_life",
                "removals",
                "accelerators",
                "upkeep_builds",
                "upkeep_safety",
                "upkeep_repeatability",
                "upkeep_moving",
                "upkeep_defaults",
                "upkeep_old_files",
            ],
        ),
        code=workflow.source_path("../../analysis/upkeep.py"),
    output:
        expand("{{out}}/tables/{table}.csv", table=UPKEEP_TABLES),
    log:
        "logs/{out}/tabulate_upkeep.log",
    conda:
        "../envs/survey.yaml"
    params:
        snapshots=SNAPSHOTS,
        measurements=MEASUREMENTS,
    message:
        "Tabulating upkeep: releases, support life, what was run"
    shell:
        "python -m analysis upkeep --out {wildcards.out} --snapshots {params.snapshots}"
        " --measurements {params.measurements} 2> >(tee {log} >&2)"
