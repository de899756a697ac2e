# Usability: paired programs, planted faults, first contact. What they find lands in data/measurements/<machine>/, so
# that the page shows it from then on. The target `usability` measures anew, once a day; a killed run goes on.


rule usability:
    input:
        expand(f"{MEASURED}/{{part}}.json", part=["programs", "faults", "contact"]),
    localrule: True


rule run_paired_programs:
    output:
        f"{MEASURED}/programs.json",
    log:
        "logs/usability/programs.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=usability_arguments,
    message:
        "Running the paired programs; nothing else runs meanwhile"
    shell:
        "python -m reproductions usability programs {params.arguments} --report {output} 2> >(tee {log} >&2)"


# The programs first, then the faults: a reader of the progress sees one order, whatever the scheduler would choose.
rule plant_faults:
    input:
        f"{MEASURED}/programs.json",
    output:
        f"{MEASURED}/faults.json",
    log:
        "logs/usability/faults.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=fault_arguments,
    message:
        "Planting each fault in each mode; nothing else runs meanwhile"
    shell:
        "python -m reproductions usability faults {params.arguments} --report {output} 2> >(tee {log} >&2)"


rule measure_first_contact:
    input:
        f"{MEASURED}/programs.json",
    output:
        f"{MEASURED}/contact.json",
    log:
        "logs/usability/contact.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=contact_arguments,
    message:
        "Measuring first contact: installing, importing, the first step; nothing else runs meanwhile"
    shell:
        "python -m reproductions usability contact {params.arguments} --report {output} 2> >(tee {log} >&2)"


rule tabulate_usability:
    input:
        measured=measured_here_and_elsewhere(MEASUREMENTS),
        schemas=expand(
            "workflow/schemas/{table}.schema.yaml",
            table=[
                "usability_programs",
                "usability_faults",
                "usability_listings",
                "first_contact",
            ],
        ),
        code=[
            workflow.source_path(f"../../{name}")
            for name in (
                "analysis/usability.py",
                "analysis/intervals.py",
                "reproductions/usability/summary.py",
                "reproductions/usability/faults/summary.py",
            )
        ],
    output:
        expand("{{out}}/tables/{table}.csv", table=USABILITY_TABLES),
    log:
        "logs/{out}/tabulate_usability.log",
    conda:
        "../envs/survey.yaml"
    params:
        measurements=MEASUREMENTS,
    message:
        "Tabulating what was measured of usability, machine by machine"
    shell:
        "python -m analysis usability --out {wildcards.out} --measurements {params.measurements} 2> >(tee {log} >&2)"
