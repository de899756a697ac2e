"""A smoke slice of upkeep for real: builds, a hostile pickle in the sandbox, trainings, moves, defaults, old files."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.adoption_data import read_rows
from reproductions.__main__ import main
from reproductions.environments import worker_environment
from reproductions.process import Child
from reproductions.upkeep import defaults, environments, hostile, opening, safety, sandbox

pytestmark = pytest.mark.frameworks


def table(folder, name, root):
    rows, faults = read_rows(folder / f"{name}.csv", root / "workflow" / "schemas" / f"{name}.schema.yaml")
    assert not faults
    return [row for _, row in rows]


@pytest.mark.skipif(bool(sandbox.unavailable()), reason="no network namespace on this system")
def test_a_pickle_is_refused_by_default_runs_when_told_to_and_touches_nothing_else(tmp_path, root):
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.parent.iterdir() if path != tmp_path}
    assert (
        main(["upkeep", "safety", "--smoke", "--out", str(tmp_path / "out"), "--report", str(tmp_path / "r.json")]) == 0
    )
    rows = {row["reader"]: row for row in table(tmp_path / "out", safety.TABLE.removesuffix(".csv"), root)}
    refused = rows["torch.load(path)"]
    assert refused["outcome"] == "refused" and "Weights only load failed" in refused["message"]
    assert rows["torch.load(path, weights_only=False)"]["outcome"] == "executed"
    assert {row["version"].split("+")[0] for row in rows.values()} and json.loads((tmp_path / "r.json").read_text())
    assert before == {path: path.lstat().st_mtime_ns for path in tmp_path.parent.iterdir() if path != tmp_path}
    assert not (root / hostile.MARK).exists() and not list((tmp_path / "out" / "unfinished").glob("*.jsonl"))


@pytest.mark.skipif(bool(sandbox.unavailable()), reason="no network namespace on this system")
def test_the_sandbox_has_no_network(tmp_path):
    ask = "import socket; socket.create_connection(('192.0.2.1', 9), 5)"
    done = subprocess.run([*sandbox.inside(tmp_path), sys.executable, "-c", ask], capture_output=True, text=True)
    assert done.returncode == 1 and "unreachable" in done.stderr


@pytest.mark.skipif(bool(sandbox.unavailable()), reason="no namespaces on this system")
def test_the_sandbox_writes_in_its_folder_and_nowhere_else(tmp_path, root):
    folder, beside = tmp_path / "in", tmp_path / "beside"
    folder.mkdir()
    for path, goes in ((folder / "new", True), (beside, False), (root / "MARK", False), (Path("/dev/shm/MARK"), False)):
        ask = f"open({str(path)!r}, 'w').close()"
        done = subprocess.run([*sandbox.inside(folder), sys.executable, "-c", ask], capture_output=True, text=True)
        assert (done.returncode == 0, path.exists()) == (goes, goes), done.stderr
        assert goes or "Read-only file system" in done.stderr
    beside.write_text("outside, writing goes on as before")


def test_builds_answer_and_trainings_repeat(tmp_path, root, lock):
    assert main(["upkeep", "builds", "--out", str(tmp_path)]) == 0
    found = table(tmp_path, "upkeep_builds", root)
    assert {row["side"] for row in found} == {"pytorch", "tensorflow"} and all(row["value"] for row in found)
    assert main(["upkeep", "repeatability", "--smoke", "--threads", "1", "--out", str(tmp_path)]) == 0
    rows = {row["switches"]: row for row in table(tmp_path, "upkeep_repeatability", root)}
    assert rows["unseeded"]["identical"] == "no", "the check can tell runs apart"
    assert rows["deterministic"]["runs"] == 2 and rows["deterministic"]["status"] == "ok"


def test_a_model_is_moved_by_hand_and_by_switching_the_back_end(tmp_path, root, lock, cache):
    assert main(["upkeep", "moving", "--smoke", "--cache", str(cache), "--out", str(tmp_path)]) == 0
    rows = {row["route"]: row for row in table(tmp_path, "upkeep_moving", root)}
    assert len(rows) == 4 and {row["status"] for row in rows.values()} == {"ok"}
    for row in rows.values():
        assert (row["same_outputs"], row["same_training"]) == ("yes", "yes"), row
        assert row["trainable"] == row["parameters"]
    assert rows["keras_to_torch"]["infer"] > 0 and rows["keras_to_torch"]["train"] > 0
    assert rows["mapped_to_pytorch"]["infer"] is None, "the moved model is the native one"


def test_a_route_whose_tool_is_absent_is_skipped_and_says_how_to_get_it(tmp_path, root, lock, cache):
    if not environments.missing(sys.executable, ["onnx2tf"]):
        pytest.skip("onnx2tf is installed here")
    options = ["--workload", "cnn_mnist", "--cache", str(cache), "--out", str(tmp_path)]
    assert main(["upkeep", "moving", "onnx2tf", *options]) == 0
    (row,) = table(tmp_path, "upkeep_moving", root)
    assert row["status"] == "skipped" and "upkeep: {extra: [" in row["note"]


def test_defaults_are_read_from_both_frameworks_and_trained(tmp_path, root, lock, cache):
    assert main(["upkeep", "defaults", "--smoke", "--cache", str(cache), "--out", str(tmp_path)]) == 0
    rows = {row["default"]: row for row in table(tmp_path, "upkeep_defaults", root)}
    assert set(rows) == {"adam_epsilon", "sgd_learning_rate"}
    for row in rows.values():
        assert row["pytorch_value"] and row["tensorflow_value"] and row["status"] in ("ok", "same")
        assert row["status"] == "same" or (row["seeds"] == 2 and 0 <= row["accuracy_pytorch"] <= 1)


@pytest.mark.parametrize("side", defaults.SIDES)
def test_every_default_can_be_read_from_the_installed_release(side, tmp_path):
    with Child(
        [sys.executable, "-m", "reproductions.upkeep.defaults.session"],
        environment=worker_environment("tuned", 1, tmp_path),
        folder=tmp_path,
        log=tmp_path / "log",
        timeout_s=120,
    ) as child:
        child.ask("start", task="read", side=side)
        found = child.ask("read", names=list(defaults.discover()))
    assert not found["faults"] and set(found["values"]) == set(defaults.discover())


def test_a_pickled_module_of_today_is_refused_by_default_and_its_weights_are_not(tmp_path, root):
    assert main(["upkeep", "old_files", "--smoke", "--out", str(tmp_path)]) == 0
    rows = table(tmp_path, "upkeep_old_files", root)
    today = {(row["kind"], row["way"]): row for row in rows if row["status"] == "ok"}
    assert today["torch_state_dict", "model.load_state_dict(torch.load(path))"]["outcome"] == "same"
    refused = today["torch_module", "torch.load(path)"]
    assert refused["outcome"] == "fails" and refused["way_out"].startswith("torch.load(path, weights_only=False)")
    assert {row["status"] for row in rows if row["maker"] != "today"} == {"not_run"}


def test_readers_name_the_page_that_documents_them():
    assert all(reader.documented.startswith("https://") for reader in opening.READERS.values())
