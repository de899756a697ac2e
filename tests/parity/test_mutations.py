"""A planted difference in any workload is caught, at the levels that its folder says: mutations.yaml.

One a workload is planted here, a differing one each; ``python -m tests.parity.test_mutations`` plants them all and
writes docs/mutations.md.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import pytest
import yaml

from reproductions import datasets, parity, registry
from reproductions.client import Runtime

pytestmark = pytest.mark.frameworks
ROOT = Path(__file__).resolve().parents[2]


def planted():
    """Return ``[(workload id, mutation)]`` of every folder."""
    found = []
    for workload in registry.discover().values():
        path = workload.folder / "mutations.yaml"
        if path.is_file():
            found += [(workload.id, entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    return found


def first_of_each():
    """Return one mutation a workload, taken in turn so that the kinds differ from folder to folder."""
    chosen = {}
    for name, entry in planted():
        chosen.setdefault(name, []).append(entry)
    return [(name, entries[place % len(entries)]) for place, (name, entries) in enumerate(chosen.items())]


def plant(name, mutation, folder, cache, python):
    """Climb the ladder with one text exchanged, in ``{framework: interpreter}``; return the levels that fail."""
    target = folder / "planted"
    shutil.copytree(registry.BUILT_IN / name, target, ignore=shutil.ignore_patterns("__pycache__"))
    text = (target / mutation["file"]).read_text(encoding="utf-8")
    assert mutation["old"] in text, f"{name}/mutations.yaml: {mutation['name']}: {mutation['file']} holds no such text"
    (target / mutation["file"]).write_text(text.replace(mutation["old"], mutation["new"]), encoding="utf-8")
    workload = registry.find("planted", [folder])
    data = datasets.fetch(workload.datasets[0], cache) / "arrays.npz"
    runtime = Runtime(data, device="cpu", python=python)
    result = parity.check(workload, workload.preset("smoke"), scratch=folder / "scratch", seed=1, runtime=runtime)
    return {row["level"] for row in result["rows"] if row["status"] == "fail"}


def ids(cases):
    """Return readable names for the cases."""
    return [f"{name}: {entry['name']}" for name, entry in cases]


@pytest.mark.parametrize(("name", "mutation"), first_of_each(), ids=ids(first_of_each()))
def test_planted_difference_is_caught_where_the_folder_says(name, mutation, tmp_path, cache, interpreters):
    found = plant(name, mutation, tmp_path, cache, interpreters)
    assert found >= set(mutation["levels"]), f"caught at {sorted(found) or 'no level'}"


def main():
    """Plant every mutation and write which level catches which."""
    rows, wrong = [], 0
    for name, mutation in planted():
        with tempfile.TemporaryDirectory() as folder:
            found = plant(name, mutation, Path(folder), ROOT / "data" / "downloads", {})
        expected = set(mutation["levels"])
        wrong += not found >= expected
        verdict = "as said" if found >= expected else f"the folder says {', '.join(sorted(expected))}"
        rows.append(f"| {name} | {mutation['name']} | {', '.join(sorted(found)) or 'not caught'} | {verdict} |")
        print(rows[-1], flush=True)
    text = (
        "# Planted differences and the level that catches them\n\n"
        "Made by `python -m tests.parity.test_mutations`. Do not edit. L0 parameters, L1 logits and loss, L2\n"
        "gradients, L3 twenty optimiser steps with the running statistics after them; at smoke size, in float64.\n\n"
        "| workload | planted | caught at | |\n| --- | --- | --- | --- |\n" + "\n".join(rows) + "\n"
    )
    (ROOT / "docs" / "mutations.md").write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
