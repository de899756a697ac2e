# Deployment: every path out of both frameworks, and servers under load. What they find lands in
# data/measurements/<machine>/deployment/, so that the page shows it from then on. The target `deploy` measures anew, once
# a day; a killed run goes on. The default run only tabulates what has landed.


rule deploy:
    input:
        expand(f"{DEPLOYED}/{{part}}.json", part=CONFIGURED.deployment_parts),
    localrule: True


rule try_deployment_paths:
    output:
        f"{DEPLOYED}/paths.json",
    log:
        "logs/deployment/paths.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=path_arguments,
    message:
        "Trying every deployment path; nothing else runs meanwhile"
    shell:
        "python -m reproductions deploy run {params.arguments} --report {output} --log {log}"


rule load_servers:
    input:
        [f"{DEPLOYED}/paths.json"] if "paths" in CONFIGURED.deployment_parts else [],
    output:
        f"{DEPLOYED}/servers.json",
    log:
        "logs/deployment/servers.log",
    conda:
        "../envs/survey.yaml"
    threads: all_cores
    resources:
        bench_slot=1,
    params:
        arguments=server_arguments,
    message:
        "Loading every server; nothing else runs meanwhile"
    shell:
        "python -m reproductions deploy serve {params.arguments} --report {output} --log {log}"


rule tabulate_deployment:
    input:
        measured=deployed_here_and_elsewhere(MEASUREMENTS),
        schemas=expand(
            "workflow/schemas/deployment_{table}.schema.yaml",
            table=["matrix", "rounds", "serving", "environment"],
        ),
        registries=[
            workflow.source_path(f"../../reproductions/deployment/{name}.yaml")
            for name in ("states", "environments")
        ],
        code=[
            workflow.source_path(f"../../{name}")
            for name in (
                "analysis/deployment.py",
                "analysis/runtimes.py",
                "analysis/resampling.py",
                "reproductions/contributions.py",
            )
        ],
    output:
        expand("{{out}}/tables/{table}.csv", table=DEPLOYMENT_TABLES),
    log:
        "logs/{out}/tabulate_deployment.log",
    conda:
        "../envs/survey.yaml"
    params:
        measurements=MEASUREMENTS,
    message:
        "Tabulating what came of the deployment paths, machine by machine"
    shell:
        "python -m analysis deployment --out {wildcards.out} --measurements {params.measurements} 2> >(tee {log} >&2)"
