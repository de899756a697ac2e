"""The data bundle: every table, described, with licences and checksums, and the same bytes each time."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import zipfile

import pandas as pd
import pytest
import yaml

from analysis.bundle import BundleError, write_bundle
from tests.page_fixtures import BUILT, ROOT, real_tables  # noqa: F401  a fixture

PREFIX = "framework-survey/"


@pytest.fixture(scope="module")
def bundle(real_tables, tmp_path_factory):  # noqa: F811
    path = write_bundle(real_tables, tmp_path_factory.mktemp("bundle") / "data.zip", built=BUILT)
    with zipfile.ZipFile(path) as opened:
        return path, {name.removeprefix(PREFIX): opened.read(name) for name in opened.namelist()}


def test_every_table_is_in_it_and_described(bundle, real_tables):  # noqa: F811
    _, files = bundle
    package = json.loads(files["datapackage.json"])
    described = {resource["path"]: resource for resource in package["resources"]}
    assert {f"tables/{path.name}" for path in real_tables.glob("*.csv")} <= set(described)
    assert set(described) == {name for name in files if name.endswith(".csv")}
    for name, resource in described.items():
        head = next(csv.reader(io.StringIO(files[name].decode())))
        assert [field["name"] for field in resource["schema"]["fields"]] == head
        assert resource["bytes"] == len(files[name])
        assert resource["hash"] == f"sha256:{hashlib.sha256(files[name]).hexdigest()}"
        assert resource["licenses"] and all(licence["path"].startswith("https://") for licence in resource["licenses"])
    assert len({resource["name"] for resource in package["resources"]}) == len(package["resources"])


def test_values_are_of_the_type_that_is_told(bundle):
    _, files = bundle
    kinds = {"integer": int, "number": float, "boolean": {"True": True, "False": False}.__getitem__, "string": str}
    for resource in json.loads(files["datapackage.json"])["resources"]:
        rows = list(csv.DictReader(io.StringIO(files[resource["path"]].decode())))
        for field in resource["schema"]["fields"]:
            for row in rows:
                if row[field["name"]] != "":
                    kinds[field["type"]](row[field["name"]])


def test_sources_are_named_with_their_licences(bundle):
    _, files = bundle
    resources = {r["path"]: r for r in json.loads(files["datapackage.json"])["resources"]}
    shares = resources["tables/adoption_shares.csv"]
    assert any("Innovation Graph" in source["title"] and "CC0-1.0" in source["title"] for source in shares["sources"])
    assert {"Apache-2.0", "CC0-1.0", "MIT"} <= {licence["name"] for licence in shares["licenses"]}
    assert {licence["name"] for licence in resources["tables/parity.csv"]["licenses"]} == {"Apache-2.0"}


def test_checksums_and_citation_fit(bundle):
    _, files = bundle
    sums = dict(reversed(line.split("  ", 1)) for line in files["SHA256SUMS"].decode().splitlines())
    assert set(sums) == set(files) - {"SHA256SUMS"}
    assert all(hashlib.sha256(files[name]).hexdigest() == sums[name] for name in sums)
    citation = yaml.safe_load(files["CITATION.cff"])
    package, archive = json.loads(files["datapackage.json"]), json.loads(files[".zenodo.json"])
    assert citation["type"] == "dataset"
    assert citation["version"] == package["version"] == archive["version"]
    assert citation["date-released"] == archive["publication_date"] == BUILT


def test_the_same_tables_give_the_same_bytes(bundle, real_tables, tmp_path):  # noqa: F811
    path, _ = bundle
    assert write_bundle(real_tables, tmp_path / "again.zip", built=BUILT).read_bytes() == path.read_bytes()


def test_a_table_without_a_licence_is_refused(tmp_path):
    pd.DataFrame({"a": [1]}).to_csv(tmp_path / "new_table.csv", index=False)
    with pytest.raises(BundleError, match="new_table: name each table under its kind"):
        write_bundle(tmp_path, tmp_path / "data.zip", built=BUILT)


def test_every_table_of_the_workflow_is_named(root):
    registry = yaml.safe_load((root / "data" / "tables.yaml").read_text("utf-8"))
    named = {name for entry in registry["kinds"].values() for name in entry["tables"]}
    text = (root / "workflow" / "rules" / "common.smk").read_text("utf-8")
    lists = [part.split("]")[0] for part in text.split("_TABLES = [")[1:]]
    wanted = {name.strip().strip('"') for part in lists for name in part.split(",")} - {""}
    assert len(wanted) > 40
    assert wanted <= named
