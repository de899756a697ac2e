"""A short measurement goes through the harness, and what is finished is not measured again."""

import pytest

from reproductions import harness, repeatability

pytestmark = pytest.mark.frameworks


def test_short_measurement_gives_ratios_and_is_not_made_twice(workloads, cache, tmp_path, monkeypatch):
    monkeypatch.setattr(repeatability, "SHORT_ROUNDS", 1)
    monkeypatch.setattr(repeatability, "SHORT_RESTARTS", 1)
    options = repeatability.Options(tmp_path / "work", cache, preset="smoke", repeats=1, device="cpu")
    rows, verdicts = repeatability.run([], workloads["cnn_mnist"], options, tmp_path)
    assert {(row["phase"], row["pytorch_mode"], row["tensorflow_mode"]) for row in rows} == {
        (phase, "eager", "function") for phase in ("train", "infer")
    }
    assert all(row["ratio"] > 0 and row["pairs"] == row["restarts"] == 1 for row in rows)
    assert verdicts == [], "one repeat cannot be judged"

    def refuse(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(harness, "measure", refuse)
    again, _ = repeatability.run([], workloads["cnn_mnist"], options, tmp_path)
    assert [row["ratio"] for row in again] == [row["ratio"] for row in rows]
