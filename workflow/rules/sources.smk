# The refresh: each source is asked on its own, and what it gives lands as a dated snapshot beside the older ones.


rule fetch_source:
    output:
        f"{REFRESHED}/{{source}}.json",
    log:
        "logs/refresh/{source}.log",
    conda:
        "../envs/survey.yaml"
    params:
        arguments=source_arguments,
    message:
        "Refreshing {wildcards.source}"
    shell:
        "python -m analysis sources fetch {params.arguments} --report {output} 2> >(tee {log} >&2)"
