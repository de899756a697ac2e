# From tables to figures to the page.


rule draw_figures:
    input:
        rules.count_adoption.output,
        rules.fit_trends.output,
        rules.summarise_measurements.output,
        rules.tabulate_deployment.output,
        rules.tabulate_usability.output,
        code=[workflow.source_path(f"../../{path}") for path in figures.code()],
    output:
        "{out}/figures/figures.json",
        expand("{{out}}/figures/{figure}.page.svg", figure=FIGURES),
        expand(
            "{{out}}/figures/{figure}.{suffix}", figure=FIGURES, suffix=["png", "csv"]
        ),
        report(
            expand("{{out}}/figures/{figure}.svg", figure=FIGURES),
            category="Figures",
            caption="../report/figure.rst",
        ),
    log:
        "logs/{out}/draw_figures.log",
    conda:
        "../envs/survey.yaml"
    message:
        "Drawing the figures"
    shell:
        "python -m analysis draw --out {wildcards.out} 2> >(tee {log} >&2)"


rule render_report:
    input:
        "{out}/figures/figures.json",
        "{out}/machine.json",
        template=[
            workflow.source_path(f"../report/page.{suffix}")
            for suffix in ("html.j2", "css", "js")
        ],
        code=[
            workflow.source_path(f"../../analysis/{name}")
            for name in (
                "report.py",
                "deployment_page.py",
                "usability_page.py",
                "page_tables.yaml",
                "style.py",
            )
        ],
    output:
        report(
            "{out}/report/index.html",
            category="Page",
            caption="../report/page.rst",
        ),
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
