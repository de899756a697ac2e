"""Scaling without devices: what is skipped says why."""

import csv

import pytest

from reproductions.__main__ import main
from reproductions.scaling import measure


@pytest.mark.parametrize(("devices", "expected"), [(2, (1, 2)), (3, (1, 2, 3)), (4, (1, 2, 4)), (6, (1, 2, 4, 6))])
def test_numbers_of_devices_double_and_end_with_all(devices, expected):
    assert measure.counts(devices) == expected


@pytest.mark.parametrize(("gpus", "words"), [(0, "no GPU"), (1, "one GPU")])
def test_machine_with_nothing_to_scale_over_is_a_row_with_the_reason(workloads, tmp_path, gpus, words):
    workload = workloads["cnn_mnist"]
    options = measure.Options(tmp_path / "u", gpus=gpus)
    rows = measure.measure(workload, workload.preset("smoke"), options, tmp_path / "s.csv")
    assert [row["framework"] for row in rows] == ["pytorch", "tensorflow"]
    assert all(row["status"] == "unsupported" and words in row["note"] for row in rows)
    with (tmp_path / "s.csv").open() as handle:
        assert [row["kind"] for row in csv.DictReader(handle)] == ["skipped", "skipped"]


def test_batch_that_cannot_be_shared_is_said(workloads, tmp_path):
    workload = workloads["cnn_mnist"]
    options = measure.Options(tmp_path / "u", gpus=3, batch_size=32, python=dict.fromkeys(measure.STRATEGIES, "/none"))
    rows = measure.measure(workload, workload.preset("smoke"), options, tmp_path / "s.csv")
    notes = {row["note"] for row in rows if row["devices"] == 3}
    assert notes == {"a global batch of 32 cannot be shared equally by 3 devices"}


def test_one_processor_device_is_refused(capsys, lock, tmp_path):
    assert main(["scale", "--cpu-devices", "1", "--out", str(tmp_path)]) == 2
    assert "from 2 on" in capsys.readouterr().err


@pytest.mark.parametrize(("factor", "status"), [(1.0005, "ok"), (1.002, "failed"), (float("nan"), "failed")])
def test_losses_that_are_not_those_of_one_device_are_marked(workloads, tmp_path, factor, status):
    workload = workloads["cnn_mnist"]
    journal = measure.Journal(tmp_path / "j.jsonl")
    run = measure._Run(workload, workload.preset("smoke"), measure.Options(tmp_path), journal)
    run._judge("pytorch", 1, [2.0, 1.0])
    run._judge("pytorch", 2, [2.0, 1.0 * factor])
    (row,) = (row for row in journal.rows if row["kind"] == "losses")
    assert row["status"] == status
