"""The ladder with both frameworks: it passes where the sides are equal and catches what is planted."""

import json

import numpy as np
import pytest

from reproductions import parity, registry
from reproductions.__main__ import main
from reproductions.client import Runtime
from reproductions.spec import Cell

pytestmark = pytest.mark.frameworks


@pytest.fixture
def climb(tmp_path, cache, interpreters):
    def run(workload):
        data = cache / "datasets" / workload.datasets[0] / "arrays.npz"
        return parity.check(
            workload,
            workload.preset("smoke"),
            scratch=tmp_path / "scratch",
            seed=1,
            runtime=Runtime(data, device="cpu", python=interpreters),
        )

    return run


def failed(result):
    return {row["level"] for row in result["rows"] if row["status"] == "fail"}


@pytest.mark.parametrize("name", registry.discover())
def test_both_sides_compute_the_same(climb, workloads, name):
    result = climb(workloads[name])
    assert result["status"] == "pass", result["rows"]
    assert {row["level"] for row in result["rows"]} == {"L0", "L1", "L2", "L3"}
    assert all(row["largest_difference"] is not None for row in result["rows"])


PLANTED = {
    "other pooling": (("pytorch.py", "max_pool2d", "avg_pool2d"), {"L1", "L2", "L3"}),
    "activation forgotten": (("tensorflow.py", 'activation="relu", name="dense"', 'name="dense"'), {"L1", "L2", "L3"}),
    "gradient cut off": (
        ("pytorch.py", "functional.relu(self.conv2(hidden))", "functional.relu(self.conv2(hidden.detach()))"),
        {"L2"},
    ),
    "transposed kernel": (
        ("weights.py", "value.transpose(3, 2, 0, 1)", "value.transpose(3, 2, 1, 0)"),
        {"L1", "L2", "L3"},
    ),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_planted_difference_is_caught_where_it_shows(climb, variant, fault):
    edit, levels = PLANTED[fault]
    result = climb(variant("cnn_mnist", "planted", edit))
    assert result["status"] == "fail" and levels <= failed(result), result["rows"]


def test_difference_in_the_optimiser_step_alone_is_caught_by_the_trace_alone(climb, variant):
    clipped = 'activation="relu", name="dense", kernel_constraint=keras.constraints.MaxNorm(0.5))'
    result = climb(variant("cnn_mnist", "planted", ("tensorflow.py", 'activation="relu", name="dense")', clipped)))
    assert failed(result) == {"L3"}, result["rows"]


def test_layer_frozen_on_one_side_differs_in_parameters_and_is_named(climb, variant):
    frozen = ("tensorflow.py", 'activation="relu", name="conv1")', 'activation="relu", name="conv1", trainable=False)')
    result = climb(variant("cnn_mnist", "planted", frozen))
    row = result["rows"][0]
    assert (row["level"], row["status"]) == ("L0", "fail")
    assert (
        "planted/tensorflow.py: parameter conv1/kernel is absent" in row["note"] and "make the two agree" in row["note"]
    )
    assert {row["status"] for row in result["rows"][1:]} == {"untested"}


def test_crashed_side_is_a_failed_check_with_its_reason(climb, variant):
    result = climb(
        variant("cnn_mnist", "planted", ("pytorch.py", "import torch\n", "import torch\nraise RuntimeError('boom')\n"))
    )
    assert result["status"] == "fail" and "pytorch-eager: failed: RuntimeError: boom" in result["rows"][0]["note"]


def test_command_line_says_parity_by_its_exit_code(variant, cache, tmp_path):
    planted = variant("cnn_mnist", "planted", ("pytorch.py", "max_pool2d", "avg_pool2d"))
    arguments = [
        "parity",
        "planted",
        "--preset",
        "smoke",
        "--workloads",
        str(planted.folder.parent),
        "--out",
        str(tmp_path),
    ]
    assert main(arguments) == 1
    assert main([*arguments, "--keep-going"]) == 0
    assert json.loads((tmp_path / "parity" / "planted.json").read_text())["status"] == "fail"


def test_measured_mode_is_held_against_the_reference(workloads):
    workload, cell = workloads["cnn_mnist"], Cell("tensorflow", "xla")
    trace = {"logits": [[1.0, 2.0]], "losses": [2.0, 1.0]}

    def statuses(found, status="pass", reference=trace):
        checked = {"status": status, "reference": reference}
        return {phase: check.status for phase, check in parity.check_mode(workload, cell, found, checked).items()}

    assert statuses(trace) == {"train": "pass", "infer": "pass"}
    assert statuses(trace | {"losses": [2.0, 0.7]}) == {"train": "fail", "infer": "pass"}, (
        "infers rightly, trains wrongly"
    )
    assert statuses(trace | {"losses": [2.0, np.nan]}) == {"train": "fail", "infer": "pass"}
    assert statuses(trace | {"logits": [[1.0, 2.1]]}) == {"train": "fail", "infer": "fail"}
    assert statuses(trace, status="fail") == {"train": "fail", "infer": "fail"}
    assert statuses(trace, reference=None) == {"train": "untested", "infer": "untested"}
