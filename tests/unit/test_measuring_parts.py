"""The parts of the harness that need no framework."""

import ast
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from reproductions import batches, environments, exclusive, harness, machine, parity, spec
from reproductions.__main__ import main
from reproductions.client import Runtime
from reproductions.errors import SurveyError


def test_blocks_alternate_and_the_order_is_reversed_from_round_to_round(workloads, digits, tmp_path):
    workload = workloads["cnn_mnist"]
    blocks = harness.plan(workload, workload.preset("smoke"), harness.Options(Runtime(digits), folder=tmp_path))
    orders = [[b.framework + b.mode for b in blocks if (b.round, b.phase) == (n, "train")] for n in (0, 1)]
    assert orders[0] == orders[1][::-1] and len(set(orders[0])) == 5


def test_plan_holds_every_cell_once_a_round(workloads, digits, tmp_path):
    workload, preset = workloads["gru_text"], workloads["gru_text"].preset("quick")
    blocks = harness.plan(workload, preset, harness.Options(Runtime(digits), folder=tmp_path))
    assert (
        len(blocks) == len(set(blocks)) == preset.restarts * preset.rounds * 2 * (len(spec.USUAL) + len(workload.modes))
    )


def test_every_mode_is_measured_in_the_last_profile_and_the_usual_ones_in_each(workloads, digits, tmp_path):
    workload = workloads["cnn_mnist"]
    preset = workload.preset("quick")

    def found(**options):
        blocks = harness.plan(workload, preset, harness.Options(Runtime(digits), folder=tmp_path, **options))
        profiles = {block.environment for block in blocks}
        return {name: {(b.framework, b.mode) for b in blocks if b.environment == name} for name in profiles}

    every = {(cell.framework, cell.mode) for cell in preset.modes}
    assert found() == {"as_shipped": spec.USUAL, "tuned": every} and every > spec.USUAL
    assert found(environments=("as_shipped",)) == {"as_shipped": every}, "the only profile is the last one"


def test_fingerprint_changes_with_what_is_measured_and_with_nothing_else(workloads, digits, tmp_path):
    workload = workloads["cnn_mnist"]
    options = harness.Options(Runtime(digits), folder=tmp_path)
    same = harness.fingerprint(workload, workload.preset("smoke"), options)
    assert same == harness.fingerprint(
        workload, workload.preset("smoke"), harness.Options(Runtime(digits), folder=tmp_path / "b")
    )
    for other in (
        harness.Options(Runtime(digits, threads=2), folder=tmp_path),
        harness.Options(Runtime(digits), folder=tmp_path, environments=("as_shipped",)),
    ):
        assert same != harness.fingerprint(workload, workload.preset("smoke"), other)
    assert same != harness.fingerprint(workload, workload.preset("quick"), options)


def test_unknown_environment_profile_is_refused(workloads, digits, tmp_path):
    workload = workloads["cnn_mnist"]
    options = harness.Options(Runtime(digits), folder=tmp_path, environments=("fast",))
    with pytest.raises(SurveyError, match="no environment profile 'fast'; choose one of as_shipped, tuned"):
        harness.measure(workload, workload.preset("smoke"), options, checked=None, out=tmp_path / "out.csv")


def test_worker_environment_forgets_what_it_inherits_and_sets_threads(tmp_path, monkeypatch):
    for name in ("OMP_NUM_THREADS", "TF_ENABLE_ONEDNN_OPTS", "MALLOC_TRIM_THRESHOLD_", "XLA_FLAGS", "OMP_PROC_BIND"):
        monkeypatch.setenv(name, "8")
    found = environments.worker_environment("as_shipped", 2, tmp_path)
    assert found["OMP_NUM_THREADS"] == found["MKL_NUM_THREADS"] == "2"
    assert not {"TF_ENABLE_ONEDNN_OPTS", "MALLOC_TRIM_THRESHOLD_", "XLA_FLAGS", "OMP_PROC_BIND"} & found.keys()
    tuned = environments.worker_environment("tuned", 1, tmp_path)
    assert {"MALLOC_MMAP_THRESHOLD_", "OMP_WAIT_POLICY", "TF_ENABLE_ONEDNN_OPTS"} <= tuned.keys()


def test_difference_is_relative_and_never_hides_a_bad_value():
    assert parity.difference(np.array([1.0, -4.0]), np.array([1.0, -4.4])) == pytest.approx(0.1)
    assert parity.difference(np.ones(2), np.ones(3)) == float("inf")
    assert parity.difference(np.ones(2), np.array([1, np.nan])) == float("inf")


def test_data_order_is_the_same_for_the_same_seed_and_covers_an_epoch():
    one, two = (batches.epochs(np.random.default_rng(7), 10, 3) for _ in range(2))
    first = [next(one) for _ in range(3)]
    assert all(np.array_equal(a, next(two)) for a in first)
    assert len(set(np.concatenate(first))) == 9


def test_too_few_examples_are_refused_instead_of_looping_for_ever():
    with pytest.raises(ValueError, match="do not fill one batch"):
        next(batches.epochs(np.random.default_rng(0), 2, 3))


def test_machine_card_names_no_host_and_no_user():
    card = json.dumps(machine.describe())
    assert os.uname().nodename not in set(card.split('"'))
    assert machine.describe()["machine"] == machine.describe()["machine"]


@pytest.mark.parametrize("shown", [(23.6, 23.5), (7.7, 7.8), (125.6, 124.9)])
def test_a_kernel_that_keeps_more_memory_makes_no_second_machine(shown):
    card = machine.describe()
    assert len({machine.identifier(card | {"memory_gib": each}) for each in shown}) == 1
    assert machine.identifier(card | {"memory_gib": 2 * shown[0]}) != machine.identifier(
        card | {"memory_gib": shown[0]}
    )


def test_landed_sets_lie_under_the_name_of_their_machine(root):
    cards = sorted((root / "data" / "measurements").glob("*/machine.json"))
    assert cards
    for card in cards:
        assert machine.identifier(json.loads(card.read_text())) == card.parent.name


def test_second_measurement_is_told_who_holds_the_machine(lock):
    code = (
        "import sys, time; from pathlib import Path; from reproductions.exclusive import exclusive\n"
        f"with exclusive(0, Path({str(lock)!r})): print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(SurveyError, match=f"another measurement is running .*process {holder.pid} since"),
            exclusive.exclusive(0.1, lock),
        ):
            pass
        holder.kill()
        holder.wait()
        with exclusive.exclusive(5, lock):
            pass  # the system released it with the killed holder


def test_process_ends_with_the_workflow_that_started_it(tmp_path):
    workflow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    code = f"import time; from reproductions.exclusive import die_with; die_with({workflow.pid}); time.sleep(60)"
    measuring = subprocess.Popen([sys.executable, "-c", code])
    time.sleep(1.5)
    assert measuring.poll() is None
    workflow.kill()
    workflow.wait()
    assert measuring.wait(timeout=10) == 1


def test_list_is_stable_json(capsys):
    assert main(["list", "--format", "json"]) == 0
    listed = json.loads(capsys.readouterr().out)["workloads"]
    assert {"id", "modes", "presets"} <= listed[0].keys()
    assert listed[0]["modes"][0] == "pytorch-eager" and "quick" in listed[0]["presets"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["measure", "cnn_mnst"],
        ["parity", "cnn_mnist", "--preset", "huge"],
        ["measure", "gru_text", "--dataset", "mnist5k"],
        ["list", "--workloads", "/nowhere"],
    ],
)
def test_user_errors_exit_with_2_and_one_message(arguments, capsys, lock, tmp_path):
    assert main([*arguments, *(["--out", str(tmp_path)] if arguments[0] != "list" else [])]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "Traceback" not in error


#: Their modules name a framework inside functions, which run in processes that hold that one alone.
LATE = {"deployment", "upkeep"}


def served(path):
    """Return whether a file is a program that a server loads, in its own process."""
    return path.parent.name == "servers" and path.name.startswith("_") and path.name != "__init__.py"


def imported(path):
    """Return the top-level names that a file imports anywhere; in rooms that import late, when it is imported."""
    tree = ast.parse(path.read_text())
    for node in tree.body if LATE & set(path.parts) else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_only_framework_modules_import_a_framework(root):
    # Programs are in one framework each; setting their weights and counting Keras' steps happens inside such a process.
    allowed = {
        "pytorch.py",
        "tensorflow.py",
        "keras.py",
        "_keras.py",
        "initial.py",
        "worker.py",
        "stages.py",
        "server.py",
        "tools.py",
        "player.py",
    }
    for path in [*root.glob("analysis/**/*.py"), *root.glob("reproductions/**/*.py"), *root.glob("workflow/**/*.py")]:
        if path.name not in allowed and not served(path):
            assert not {"torch", "tensorflow", "keras"} & set(imported(path)), path


def test_everything_framework_free_imports_with_both_blocked(root):
    modules = [
        ".".join(path.relative_to(root).with_suffix("").parts)
        for folder in ("analysis", "reproductions")
        for path in root.glob(f"{folder}/**/*.py")
        if not {"workloads", "programs"} & set(path.parts)
        and not served(path)
        and path.name not in ("pytorch.py", "tensorflow.py", "keras.py", "_keras.py", "__init__.py")
    ]
    code = (
        "import sys, importlib\n"
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'tensorflow', 'keras'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        f"for name in {modules!r}: importlib.import_module(name)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_machine_path_and_no_registry_host_is_committed(root):
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        path = Path(root, name)
        if (
            path.suffix in {".py", ".smk", ".md", ".yaml", ".toml", ".txt", ".j2", ".css", ".js", ".cff", ""}
            and path.is_file()
        ):
            text = path.read_text(errors="ignore")
            for forbidden in ("/wo" + "rk/", "/ro" + "ot/", "files.python" + "hosted", "registry.npm" + "js"):
                assert forbidden not in text, f"{name} holds {forbidden}"
