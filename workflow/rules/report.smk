# From tables to figures to the page.


rule judge_claims:
    input:
        "data/claims.csv",
        "data/facts.csv",
        rules.count_adoption.output,
        rules.fit_trends.output,
        rules.summarise_measurements.output,
        rules.tabulate_deployment.output,
        rules.tabulate_usability.output,
        rules.tabulate_upkeep.output,
        schemas=expand(
            "workflow/schemas/{table}.schema.yaml", table=["claims", "facts"]
        ),
        code=[workflow.source_path(f"../../analysis/{name}") for name in CLAIM_CODE],
    output:
        report(
            "{out}/tables/claims.csv",
            category="Claims",
            labels={"table": "verdicts and certainties"},
            caption="../report/claims.rst",
        ),
        expand("{{out}}/tables/{table}.csv", table=CLAIM_TABLES[1:]),
    log:
        "logs/{out}/judge_claims.log",
    conda:
        "../envs/survey.yaml"
    message:
        "Judging the survey's claims by rules fixed in advance"
    shell:
        "python -m analysis judge --out {wildcards.out} 2> >(tee {log} >&2)"


rule draw_figures:
    input:
        rules.count_adoption.output,
        rules.fit_trends.output,
        rules.summarise_measurements.output,
        rules.tabulate_deployment.output,
        rules.tabulate_usability.output,
        rules.tabulate_upkeep.output,
        code=[workflow.source_path(f"../../{path}") for path in figures.code()],
    output:
        "{out}/figures/figures.json",
        expand("{{out}}/figures/{figure}.page.svg", figure=FIGURES),
        expand(
            "{{out}}/figures/{figure}.{suffix}", figure=FIGURES, suffix=["png", "csv"]
        ),
        [reported(figure) for figure in FIGURES],
    log:
        "logs/{out}/draw_figures.log",
    conda:
        "../envs/survey.yaml"
    threads: 4
    message:
        "Drawing the figures"
    shell:
        "python -m analysis draw --out {wildcards.out} --processes {threads} 2> >(tee {log} >&2)"


rule bundle_data:
    input:
        rules.count_adoption.output,
        rules.fit_trends.output,
        rules.summarise_measurements.output,
        rules.tabulate_deployment.output,
        rules.tabulate_usability.output,
        rules.tabulate_upkeep.output,
        rules.judge_claims.output,
        expand("data/{table}.csv", table=BUNDLED),
        "data/tables.yaml",
        "data/references.bib",
        "CITATION.cff",
        code=workflow.source_path("../../analysis/bundle.py"),
    output:
        report(
            "{out}/report/data.zip",
            category="Downloads",
            labels={"bundle": "every table"},
            caption="../report/bundle.rst",
        ),
    log:
        "logs/{out}/bundle_data.log",
    conda:
        "../envs/survey.yaml"
    message:
        "Bundling every table with licences, checksums and a citation"
    shell:
        "python -m analysis bundle --out {wildcards.out} 2> >(tee {log} >&2)"


rule render_report:
    input:
        "{out}/figures/figures.json",
        "{out}/report/data.zip",
        "{out}/machine.json",
        "data/verdicts.csv",
        "data/guide.yaml",
        "data/references.bib",
        rules.judge_claims.output,
        template=[
            workflow.source_path(f"../report/{name}")
            for name in (
                "page.html.j2",
                "claims.html.j2",
                "changed.html.j2",
                "references.html.j2",
                "page.css",
                "page.js",
            )
        ],
        code=[
            workflow.source_path(f"../../analysis/{name}")
            for name in (
                "report.py",
                "bibliography.py",
                "deployment_page.py",
                "guide.py",
                "claims/page.py",
                "claims/history.py",
                "usability_page.py",
                "page_tables.yaml",
                "style.py",
                "literature.py",
                "measured_rows.py",
                "wording.py",
            )
        ],
    output:
        report(
            "{out}/report/index.html",
            category="Page",
            labels={"page": "the whole survey"},
            caption="../report/page.rst",
        ),
        "{out}/report/verdicts.json",
    log:
        "logs/{out}/render_report.log",
    conda:
        "../envs/survey.yaml"
    params:
        preset=preset,
    message:
        "Rendering the page"
    shell:
        "python -m analysis report --out {wildcards.out} --preset {params.preset} 2> >(tee {log} >&2)"
