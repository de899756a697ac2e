# The benchmark half: fetch the data, check parity, train to an accuracy, measure. One job a workload.


rule describe_machine:
    output:
        "{out}/machine.json",
    log:
        "logs/{out}/describe_machine.log",
    conda:
        "../envs/survey.yaml"
    message:
        "Describing this machine"
    shell:
        "python -m reproductions machine --out {output} 2> >(tee {log} >&2)"


rule fetch_dataset:
    output:
        "{out}/datasets/{workload}.json",
    log:
        "logs/{out}/fetch_{workload}.log",
    retries: 1
    conda:
        "../envs/survey.yaml"
    params:
        dataset=dataset,
        cache=CONFIGURED.values["cache"],
    message:
        "Fetching {params.dataset} for {wildcards.workload}"
    shell:
        "python -m reproductions fetch {params.dataset} --cache {params.cache} --out {output} --log {log}"


rule check_parity:
    input:
        "{out}/datasets/{workload}.json",
    output:
        "{out}/parity/{workload}.json",
    log:
        "logs/{out}/parity_{workload}.log",
    conda:
        "../envs/survey.yaml"
    params:
        arguments=arguments,
        digest=digest,
    message:
        "Checking that both sides of {wildcards.workload} compute the same"
    shell:
        "python -m reproductions parity {params.arguments} --keep-going --log {log}"


rule train_to_accuracy:
    input:
        "{out}/datasets/{workload}.json",
    output:
        "{out}/accuracy/{workload}.csv",
    log:
        "logs/{out}/accuracy_{workload}.log",
    conda:
        "../envs/survey.yaml"
    params:
        arguments=arguments,
        digest=digest,
    message:
        "Training {wildcards.workload} on both sides for its test accuracy"
    shell:
        "python -m reproductions accuracy {params.arguments} --keep-going --log {log}"


rule measure_workload:
    input:
        "{out}/datasets/{workload}.json",
        "{out}/machine.json",
        parity="{out}/parity/{workload}.json",
    output:
        "{out}/measurements/{workload}.csv",
    log:
        "logs/{out}/measure_{workload}.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=measuring_arguments,
        digest=digest,
    message:
        "Measuring {wildcards.workload}; nothing else runs meanwhile"
    shell:
        "python -m reproductions measure {params.arguments} --keep-going --log {log}"


rule measure_pipelines:
    output:
        "{out}/pipelines.csv",
    log:
        "logs/{out}/measure_pipelines.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=pipeline_arguments,
    message:
        "Measuring the input pipelines on their own; nothing else runs meanwhile"
    shell:
        "python -m reproductions pipelines {params.arguments} --keep-going --log {log}"


rule summarise_measurements:
    input:
        "{out}/machine.json",
        "data/reference_accuracies.csv",
        "data/literature.csv",
        "data/literature_studies.csv",
        expand(
            "{{out}}/{result}",
            result=[
                f"{folder}/{workload}.{suffix}"
                for workload in WORKLOADS
                for folder, suffix in (
                    ("measurements", "csv"),
                    ("parity", "json"),
                    ("accuracy", "csv"),
                    ("datasets", "json"),
                )
            ],
        ),
        landed=measured_sets(MEASURED_ELSEWHERE),
        pipelines="{out}/pipelines.csv",
        code=[
            workflow.source_path(f"../../analysis/{name}") for name in PERFORMANCE_CODE
        ],
    output:
        expand(
            "{{out}}/tables/{table}.csv",
            table=PERFORMANCE_TABLES,
        ),
    log:
        "logs/{out}/summarise_measurements.log",
    conda:
        "../envs/survey.yaml"
    params:
        workloads=WORKLOADS,
        folders=" ".join(
            f"--workloads={folder}" for folder in CONFIGURED.values["workload_folders"]
        ),
    message:
        "Turning measurements into ratios with intervals"
    shell:
        "python -m analysis summarise {params.workloads} {params.folders} --out {wildcards.out} 2> >(tee {log} >&2)"
