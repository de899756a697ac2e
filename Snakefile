# The survey that updates itself. What each rule does stands in workflow/rules, how it is done in analysis/ and
# reproductions/. `snakemake --cores 8` makes the page; `snakemake --cores 2 smoke` makes a small one in minutes.
from snakemake.utils import min_version

min_version("9.27")


configfile: "config/config.yaml"


report: "workflow/report/overview.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/sources.smk"
include: "workflow/rules/adoption.smk"
include: "workflow/rules/reproductions.smk"
include: "workflow/rules/deployment.smk"
include: "workflow/rules/usability.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        deliverables("results"),
    localrule: True


rule smoke:
    input:
        deliverables("results/smoke"),
    localrule: True


rule measure:
    input:
        expand("results/measurements/{workload}.csv", workload=WORKLOADS),
    localrule: True


rule refresh:
    input:
        REFRESHES,
    localrule: True
