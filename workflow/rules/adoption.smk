# From the embedded adoption figures and the refreshed snapshots to the tables of shares, rates and crossing dates.


rule count_adoption:
    input:
        figures="data/adoption_figures.csv",
        sources=SOURCES,
        quotes="data/adoption_quotes.csv",
        registry="data/sources.yaml",
        snapshots=landed(SNAPSHOTS),
        schemas=expand(
            "workflow/schemas/adoption_{table}.schema.yaml",
            table=["figures", "sources", "quotes"],
        ),
        code=[
            workflow.source_path(f"../../analysis/{name}")
            for name in (
                "adoption.py",
                "adoption_data.py",
                "indicators.py",
                "indicators.yaml",
                "intervals.py",
                "periods.py",
            )
        ],
    output:
        expand(
            "{{out}}/tables/{table}.csv",
            table=ADOPTION_TABLES,
        ),
    log:
        "logs/{out}/count_adoption.log",
    conda:
        "../envs/survey.yaml"
    params:
        snapshots=SNAPSHOTS,
    message:
        "Counting adoption from the embedded sources and the snapshots"
    shell:
        "python -m analysis count --out {wildcards.out} --snapshots {params.snapshots} 2> >(tee {log} >&2)"


rule fit_trends:
    input:
        "data/simulations/interval_coverage.csv",
        "data/mention_labels.csv",
        tables=expand(
            "{{out}}/tables/{table}.csv",
            table=["adoption_shares", "sources", "adoption_quotes"],
        ),
        registry="data/sources.yaml",
        snapshots=landed(SNAPSHOTS),
        code=[workflow.source_path(f"../../analysis/{name}") for name in TREND_CODE],
    output:
        expand(
            "{{out}}/tables/{table}.csv",
            table=TREND_TABLES,
        ),
    log:
        "logs/{out}/fit_trends.log",
    conda:
        "../envs/survey.yaml"
    params:
        snapshots=SNAPSHOTS,
    message:
        "Fitting trends: who led since when, and whether the share still moves"
    shell:
        "python -m analysis trends --out {wildcards.out} --snapshots {params.snapshots} 2> >(tee {log} >&2)"
