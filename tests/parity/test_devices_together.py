"""Two processes over gloo and two logical devices train as one device does."""

import json

import pytest
import yaml

from reproductions.scaling import measure
from reproductions.validation import check

pytestmark = pytest.mark.frameworks


def test_both_strategies_compute_what_one_device_does(workloads, digits, tmp_path, monkeypatch, root):
    workload = workloads["cnn_mnist"]
    options = measure.Options(tmp_path / "u", data=digits, cpu_devices=2, restarts=1, rounds=2)
    monkeypatch.setattr(measure, "MOST_STEPS", 2)
    kept, remove = {}, measure.Journal.remove

    def keep(journal):
        kept["rows"] = json.loads(json.dumps(journal.rows))
        remove(journal)

    monkeypatch.setattr(measure.Journal, "remove", keep)
    rows = measure.measure(workload, workload.preset("smoke"), options, tmp_path / "s.csv")
    assert {row["status"] for row in rows} == {"ok"}, rows
    schema = yaml.safe_load((root / "workflow/schemas/scaling.schema.yaml").read_text())
    for row in rows:
        check(row, schema, "scaling")
    compared = [row for row in rows if row["kind"] == "losses"]
    assert [(row["framework"], row["devices"]) for row in compared] == [("pytorch", 2), ("tensorflow", 2)]
    assert all(row["difference"] <= 1e-4 for row in compared), compared
    traces = {(row["framework"], row["devices"]): row["losses"] for row in kept["rows"] if row["kind"] == "trace"}
    one = traces["pytorch", 1]
    assert len(set(one)) > 5, "the losses move, so equality says something"
    assert all(trace == pytest.approx(one, rel=1e-3) for trace in traces.values()), traces
    assert {row["communication"] for row in rows if row["devices"] == 2} == {"gloo", "reduction to one device"}
    assert len([row for row in rows if row["kind"] == "block"]) == 2 * 2 * 2
