"""The registries in data/ keep their schemas and agree with each other."""

import csv

import pytest
import yaml

from reproductions import datasets, registry
from reproductions.errors import SurveyError
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
