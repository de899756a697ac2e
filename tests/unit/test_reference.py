"""Judging ours against the ecosystem's own implementation needs no framework."""

import pytest

from reproductions import reference


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
        ([0.90, 0.91, 0.9, 0.92], "below"),
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
