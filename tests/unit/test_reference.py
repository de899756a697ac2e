"""Judging ours against the ecosystem's own implementation needs no framework."""

import pytest

from analysis import references
from reproductions import reference
from tests.measured_fixtures import reference_rows
from tests.page_fixtures import measured_tables

MACHINE = "example-cpu-2c-abc123"


@pytest.fixture(scope="module")
def tables():
    return measured_tables()


def rounds(ratios, restarts=2):
    return [
        {
            "phase": "train",
            "restart": number % restarts,
            "round": number,
            "ours_cpu_ms": 10.0,
            "reference_cpu_ms": 10.0 * ratio,
        }
        for number, ratio in enumerate(ratios)
    ]


@pytest.mark.parametrize(
    ("ratios", "verdict"),
    [
        ([1.0, 1.01, 0.99, 1.0], "kept"),
        ([0.97] * 4, "kept"),
        ([0.80, 0.81, 0.8, 0.81], "below"),
        ([0.93, 0.99, 0.94, 0.985, 0.93, 0.99], "below, not settled"),
    ],
)
def test_verdict_follows_from_the_paired_rounds(ratios, verdict):
    found = reference.judge(rounds(ratios), "train", "cpu")
    assert found["verdict"] == verdict and found["low"] <= found["ratio"] <= found["high"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("ModuleNotFoundError: No module named 'torchvision'", "--python-pytorch .venv-torchvision/bin/python"),
        ("RuntimeError: operator torchvision::nms does not exist", "venv .venv-torchvision"),
        ("ModuleNotFoundError: No module named 'keras_hub'", "pip install --no-deps keras-hub"),
        ("ModuleNotFoundError: No module named 'flair.data'", "pip install flair"),
    ],
)
def test_what_cannot_be_imported_says_what_brings_it(message, words):
    assert reference.explain(message).startswith(message) and words in reference.explain(message)


def test_other_failures_promise_no_remedy():
    assert reference.explain("ValueError: bad shape") == "ValueError: bad shape"


def test_a_model_below_the_goal_is_marked_where_its_ratio_stands(tables):
    marked_table = references.mark(tables["performance_ratios"], tables["performance_references"])
    kept, below = (marked_table.query("workload == @name") for name in ("gru_text", "cnn_mnist"))
    assert not kept["note"].str.contains("reaches").any()
    marked = below["note"].str.contains("the PyTorch model reaches 0.90 of the speed of torch 2.13.0, less than 0.97")
    assert (marked == ((below["phase"] == "train") & (below["machine"] == MACHINE))).all() and marked.any()


def test_another_number_of_parameters_marks_every_phase(tables):
    other = reference_rows().query("workload == 'cnn_mnist'").assign(verdict="parameters differ", phase=None)
    found = references.mark(tables["performance_ratios"], other).query(
        "workload == 'cnn_mnist' and machine == @MACHINE"
    )
    assert found["note"].str.contains("another number of parameters").all()


def test_rows_of_other_workloads_stay_those_of_another_machine_go(workloads, tmp_path, monkeypatch):
    def pair(workload, preset, framework, options):
        row = dict.fromkeys(reference.COLUMNS, "") | {
            "machine": "here",
            "workload": workload.id,
            "framework": framework,
        }
        told = dict.fromkeys(reference.ROUND_COLUMNS, "1") | {"workload": workload.id}
        return [row], [told]

    monkeypatch.setattr(reference, "_pair", pair)
    options = reference.Options(folder=tmp_path / "unfinished")

    def compared(*names):
        reference.compare([workloads[name] for name in names], "smoke", options, tmp_path)
        tables = (reference._read(tmp_path / name) for name in ("reference.csv", "reference_rounds.csv"))
        return [[row["workload"] for row in table] for table in tables]

    both = [["cnn_mnist"] * 2 + ["lenet5"] * 2] * 2
    assert compared("lenet5", "cnn_mnist") == both
    assert compared("cnn_mnist") == both
    table = tmp_path / "reference.csv"
    table.write_text(table.read_text().replace("here,lenet5", "elsewhere,lenet5"))
    assert compared("cnn_mnist") == [["cnn_mnist"] * 2] * 2
