"""Ours against a reference in one process a framework: equal models are compared, unequal ones refused."""

import csv

import pytest
import yaml

from reproductions import reference
from reproductions.__main__ import main
from reproductions.validation import check

pytestmark = pytest.mark.frameworks
SAME = {
    "pytorch.py": ("def layout(", "def reference(sizes):\n    return build(sizes)\n\n\ndef layout("),
    "tensorflow.py": (
        "def build(sizes):",
        "def reference(sizes):\n    import no_such_library\n\n\ndef build(sizes):",
    ),
}


def test_equal_model_is_compared_and_a_missing_library_is_a_row(variant, digits, tmp_path, root):
    workload = variant("cnn_mnist", "twin", *((file, *edit) for file, edit in SAME.items()))
    options = reference.Options(tmp_path / "u", data={"twin": digits}, device="cpu", seconds=0.02)
    rows = reference.compare([workload], "smoke", options, tmp_path)
    ours = [row for row in rows if row["framework"] == "pytorch"]
    assert [row["phase"] for row in ours] == ["train", "infer"]
    assert all(row["parameters_ours"] == row["parameters_reference"] > 0 for row in ours)
    assert all(row["rounds"] == reference.RESTARTS * reference.ROUNDS for row in ours)
    assert all(0.2 < row["ratio"] < 5 for row in ours), "the same model twice, whatever the machine does beside"
    (missing,) = (row for row in rows if row["framework"] == "tensorflow")
    assert missing["status"] == "unsupported" and "pip install no_such_library" in missing["note"]
    schema = yaml.safe_load((root / "workflow/schemas/reference.schema.yaml").read_text())
    for row in rows:
        check(row, schema, "reference")
    with (tmp_path / "reference.csv").open() as handle:
        assert len(list(csv.DictReader(handle))) == 3
    assert not list((tmp_path / "u").glob("*.jsonl"))


def test_other_model_is_refused_by_its_parameters(variant, digits, tmp_path, lock, cache):
    larger = (
        "pytorch.py",
        "def layout(",
        'def reference(sizes):\n    return build({**sizes, "dense": sizes["dense"] + 1})\n\n\ndef layout(',
    )
    workload = variant("cnn_mnist", "larger", larger)
    arguments = ["--preset", "smoke", "--out", str(tmp_path), "--workloads", str(workload.folder.parent)]
    arguments += ["--cache", str(cache), "--device", "cpu", "--python-tensorflow", "/nowhere/python"]
    assert main(["reference", "larger", *arguments]) == 1
    with (tmp_path / "reference.csv").open() as handle:
        first, second = csv.DictReader(handle)
    assert first["verdict"] == "parameters differ" and "not the same model" in first["note"]
    assert second["status"] == "failed" and "cannot be started" in second["note"]
