"""The registries in data/ keep their schemas and agree with each other."""

import csv

import pytest
import yaml

from analysis import figures
from analysis.claims.registry import load_claims
from analysis.guide import load_guide
from analysis.report import load_page_tables
from analysis.sources import package_index
from analysis.style import MODE_LABELS
from reproductions import datasets, registry
from reproductions.errors import SurveyError
from reproductions.spec import FRAMEWORKS, MODES
from reproductions.validation import check


@pytest.fixture(scope="module")
def schema(root):
    return yaml.safe_load((root / "reproductions" / "datasets.schema.yaml").read_text())


def test_data_sets_keep_their_schema(schema):
    check(datasets.registry(), schema, "data/datasets.yaml")


def test_schema_refuses_a_short_hash(schema):
    entries = datasets.registry()
    entries["mnist5k"]["files"]["mnist_5k.csv.gz"]["sha256"] = "abc"
    with pytest.raises(SurveyError, match=r"data/datasets\.yaml: mnist5k\.files"):
        check(entries, schema, "data/datasets.yaml")


def test_every_package_source_serves_files_that_are_asked_for():
    for name, entry in datasets.registry().items():
        for source in entry["sources"]:
            assert set(source.get("members", entry["files"])) == set(entry["files"]), name


def test_every_mode_is_named_wherever_modes_are_listed(root):
    ours = yaml.safe_load((root / "reproductions" / "workload.schema.yaml").read_text())["$defs"]["modes"]["properties"]
    rows = yaml.safe_load((root / "workflow" / "schemas" / "measurements.schema.yaml").read_text())["properties"]
    for framework, modes in MODES.items():
        assert set(ours[framework]["items"]["enum"]) == set(modes), "reproductions/workload.schema.yaml: modes"
        assert set(modes) <= set(rows["mode"]["enum"]), "workflow/schemas/measurements.schema.yaml: mode"
        if framework in FRAMEWORKS:
            assert set(modes) <= MODE_LABELS.keys(), "analysis/style.py: MODE_LABELS"


def test_the_followed_packages_keep_their_schema(root):
    schema = yaml.safe_load((root / "workflow" / "schemas" / "upkeep.schema.yaml").read_text())
    assert set(schema["properties"]["routes"]["additionalProperties"]["properties"]["platform"]["enum"]) == set(
        package_index.UV_PLATFORMS
    )
    entries = {"packages": {"torch": {"title": "PyTorch", "side": "pytorch", "kind": "libary"}}, "routes": {}}
    with pytest.raises(SurveyError, match=r"upkeep\.yaml: packages\.torch\.kind: 'libary' .*did you mean 'library'"):
        check(entries, schema, "data/upkeep.yaml")


def test_every_target_and_table_of_claims_and_guide_exists(root):
    kinds = yaml.safe_load((root / "data" / "tables.yaml").read_text())["kinds"].values()
    tables = {name for kind in kinds for name in kind["tables"]}
    claims, answers = load_claims(), [a for s in load_guide() for q in s.questions for a in q.answers]
    targets = {*claims, *(f"fig:{name}" for name in figures.names()), *(f"csv:{name}" for name in tables)}
    targets |= {f"tab:{table.id}" for table in load_page_tables(root / "analysis" / "page_tables.yaml")}
    assert not {name for claim in claims.values() for name in claim.see} - targets, "data/claims.csv: see"
    assert not {name for answer in answers for name in answer.see} - targets, "data/guide.yaml: see"
    assert not {take.table for answer in answers for take in answer.take.values()} - tables, "data/guide.yaml: take"


def test_published_results_name_workloads_that_there_are(root):
    with (root / "data" / "literature.csv").open(newline="") as handle:
        named = {row["workload"] for row in csv.DictReader(handle)} - {""}
    assert named <= registry.discover().keys(), "data/literature.csv: workload"


def test_every_data_set_is_used_and_every_published_accuracy_belongs_to_one(root):
    used = {name for workload in registry.discover().values() for name in workload.datasets}
    assert used == set(datasets.registry())
    with (root / "data" / "reference_accuracies.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["dataset"] for row in rows} <= used
    assert {row["evidence"].split(",")[0] for row in rows} <= {"primary", "secondary", "recalled"}


def test_classes_match_the_models(workloads):
    entries = datasets.registry()
    for workload in workloads.values():
        for name in workload.datasets:
            if entries[name]["classes"]:
                assert len(entries[name]["classes"]) <= workload.presets["quick"].sizes["classes"]
