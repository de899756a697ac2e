"""A smoke slice of upkeep for real: the installed builds, one hostile pickle in the sandbox, two trainings."""

import json
import subprocess
import sys

import pytest

from analysis.adoption_data import read_rows
from reproductions.__main__ import main
from reproductions.upkeep import hostile, opening, safety, sandbox

pytestmark = pytest.mark.frameworks


def table(folder, name, root):
    rows, faults = read_rows(folder / f"{name}.csv", root / "workflow" / "schemas" / f"{name}.schema.yaml")
    assert not faults
    return [row for _, row in rows]


@pytest.mark.skipif(bool(sandbox.unavailable()), reason="no network namespace on this system")
def test_a_pickle_is_refused_by_default_runs_when_told_to_and_touches_nothing_else(tmp_path, root):
    before = {path: path.stat().st_mtime_ns for path in tmp_path.parent.iterdir()}
    assert (
        main(["upkeep", "safety", "--smoke", "--out", str(tmp_path / "out"), "--report", str(tmp_path / "r.json")]) == 0
    )
    rows = {row["reader"]: row for row in table(tmp_path / "out", safety.TABLE.removesuffix(".csv"), root)}
    assert rows["torch.load(path)"]["outcome"] == "refused" and "weights_only" in rows["torch.load(path)"]["message"]
    assert rows["torch.load(path, weights_only=False)"]["outcome"] == "executed"
    assert {row["version"].split("+")[0] for row in rows.values()} and json.loads((tmp_path / "r.json").read_text())
    after = {path: path.stat().st_mtime_ns for path in tmp_path.parent.iterdir() if path != tmp_path}
    assert after == {path: at for path, at in before.items() if path != tmp_path}
    assert not (root / hostile.MARK).exists() and not list((tmp_path / "out" / "unfinished").glob("*.jsonl"))


@pytest.mark.skipif(bool(sandbox.unavailable()), reason="no network namespace on this system")
def test_the_sandbox_has_no_network():
    ask = "import socket; socket.create_connection(('192.0.2.1', 9), 5)"
    done = subprocess.run([*sandbox.PREFIX, sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.returncode == 1 and "unreachable" in done.stderr


def test_builds_answer_and_trainings_repeat(tmp_path, root, lock):
    assert main(["upkeep", "builds", "--out", str(tmp_path)]) == 0
    found = table(tmp_path, "upkeep_builds", root)
    assert {row["side"] for row in found} == {"pytorch", "tensorflow"} and all(row["value"] for row in found)
    assert main(["upkeep", "repeatability", "--smoke", "--threads", "1", "--out", str(tmp_path)]) == 0
    rows = {row["switches"]: row for row in table(tmp_path, "upkeep_repeatability", root)}
    assert rows["unseeded"]["identical"] == "no", "the check can tell runs apart"
    assert rows["deterministic"]["runs"] == 2 and rows["deterministic"]["status"] == "ok"


def test_readers_name_the_page_that_documents_them():
    assert all(reader.documented.startswith("https://") for reader in opening.READERS.values())
