"""Ratios and tables from rows whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from analysis import measurements
from analysis.measured_rows import tidy
from analysis.measured_sets import MeasuredSet
from reproductions import harness


def rows(workload, *, speed=1.5, noise=0.02, restarts=3, rounds=8, environments=("tuned",), seed=0, drift=0.0):
    """Return measurement rows in which PyTorch is ``speed`` times as fast as TensorFlow in every mode."""
    rng = np.random.default_rng(seed)
    found = []
    for environment in environments:
        for restart in range(restarts):
            for cell in workload.modes:
                base = dict.fromkeys(harness.COLUMNS) | {
                    "machine": "m",
                    "workload": workload.id,
                    "preset": "quick",
                    "environment": environment,
                    "framework": cell.framework,
                    "mode": cell.mode,
                    "version": "1",
                    "device": "CPU",
                    "threads": 1,
                    "restart": restart,
                    "session": f"s{restart}",
                    "status": "ok",
                    "parity": "pass",
                    "date": "2026-11-22",
                    "precision": "float32",
                }
                found.append(base | {"kind": "memory", "peak_host_mib": 400.0})
                for phase in workload.phases:
                    found.append(base | {"kind": "parity", "phase": phase, "difference": 1e-7, "tolerance": 1e-5})
                    found.append(
                        base
                        | {
                            "kind": "first",
                            "phase": phase,
                            "wall_ms": 900.0,
                            "cpu_ms": 800.0,
                            "children_cpu_ms": 0.0,
                            "cold": int(cell.mode == "compile" and restart == 0),
                        }
                    )
                    for number in range(rounds):
                        slow = 1 + drift * number + 0.1 * restart  # drift and restarts hit both sides alike
                        ms = slow * (10 if cell.framework == "pytorch" else 10 * speed) * np.exp(rng.normal(0, noise))
                        found.append(
                            base
                            | {
                                "kind": "block",
                                "phase": phase,
                                "round": number,
                                "steps": 4,
                                "wall_ms": ms,
                                "cpu_ms": ms,
                                "minor_faults": 3,
                                "pressure": 0.01,
                            }
                        )
    return pd.DataFrame(found)


@pytest.fixture
def workload(workloads):
    return workloads["cnn_mnist"]


def primary(table):
    return table[table["primary"] & (table["phase"] == "train")].iloc[0]


def test_ratio_above_one_means_pytorch_is_faster_and_the_interval_holds_it(workload):
    row = primary(measurements.ratios(rows(workload, speed=1.5), {workload.id: workload}))
    assert row["low"] < 1.5 < row["high"] and row["high"] - row["low"] < 0.1
    assert row["wording"] == "PyTorch clearly faster" and row["metric"] == "cpu" and row["pairs"] == 24


def test_drift_of_the_machine_cancels_in_the_pairs(workload):
    row = primary(measurements.ratios(rows(workload, speed=1.0, drift=0.5), {workload.id: workload}))
    assert row["ratio"] == pytest.approx(1, abs=0.03) and row["wording"] == "practically equal"


def test_noise_that_holds_one_settles_nothing(workload):
    row = primary(measurements.ratios(rows(workload, speed=1.02, noise=0.6, rounds=4), {workload.id: workload}))
    assert row["low"] < 1 < row["high"] and row["wording"] == "direction not settled"


def test_one_restart_gives_no_interval(workload):
    row = primary(measurements.ratios(rows(workload, restarts=1), {workload.id: workload}))
    assert (
        np.isnan(row["low"]) and "no interval: 1 restart" in row["note"] and row["wording"] == "direction not settled"
    )


def test_blocks_of_different_process_sets_are_never_paired(workload):
    table = rows(workload)
    table.loc[(table["framework"] == "pytorch") & (table["round"] == 0), "session"] = "before the kill"
    assert primary(measurements.ratios(table, {workload.id: workload}))["pairs"] == 21


def test_failed_cell_stays_a_row_with_its_status(workload):
    table = rows(workload)
    lost = (table["mode"] == "xla") & (table["kind"] == "block")
    failure = table[table["mode"] == "xla"].iloc[[0]].assign(kind="failure", status="oom", note="MemoryError")
    ratios = measurements.ratios(pd.concat([table[~lost], failure]), {workload.id: workload})
    bad = ratios[ratios["tensorflow_mode"] == "xla"]
    assert len(ratios) == 6 * 2 * 2 and set(bad["status"]) == {"oom"} and bad["ratio"].isna().all()
    assert set(bad["wording"]) == {"direction not settled"} and bad["note"].str.contains("MemoryError").all()


def test_failed_parity_is_carried_to_every_ratio_of_the_cell(workload):
    table = rows(workload)
    table.loc[(table["mode"] == "function"), "parity"] = "fail"
    ratios = measurements.ratios(table, {workload.id: workload})
    assert set(ratios.loc[ratios["tensorflow_mode"] == "function", "parity"]) == {"fail"}
    assert set(ratios.loc[ratios["tensorflow_mode"] != "function", "parity"]) == {"pass"}


def test_ratio_that_changes_side_between_profiles_is_said_to(workload):
    table = pd.concat([rows(workload, speed=1.5), rows(workload, speed=0.7, environments=("as_shipped",))])
    assert measurements.ratios(table, {workload.id: workload})["note"].str.contains("changes side").all()


def test_cold_and_warm_first_steps_are_apart(workload):
    cells = measurements.cells(rows(workload), {workload.id: workload})
    compiled = cells[(cells["mode"] == "compile")].iloc[0]
    eager = cells[(cells["mode"] == "eager") & (cells["framework"] == "pytorch")].iloc[0]
    assert (
        compiled["cold_first_step_s"] == 0.9 and np.isnan(eager["cold_first_step_s"]) and eager["first_step_s"] == 0.9
    )


def test_bootstrap_is_the_same_each_time_and_wider_over_restarts_that_differ():
    alike = [np.full(8, 1.0) + np.linspace(0, 0.01, 8)] * 3
    apart = [values + shift for values, shift in zip(alike, (-0.1, 0, 0.1), strict=True)]
    assert measurements.interval(alike) == measurements.interval(alike)
    width = [high - low for _, low, high in map(measurements.interval, (alike, apart))]
    assert width[1] > 5 * width[0]


def test_bootstrap_takes_restarts_of_different_length():
    centre, low, high = measurements.interval([np.array([1.0, 1.1]), np.array([1.2]), np.array([])])
    assert low <= centre <= high and centre == pytest.approx(1.1)


def test_accuracy_has_a_wilson_interval_on_the_test_set_not_on_the_seeds():
    table = pd.DataFrame(
        [
            {
                "workload": "w",
                "dataset": "reuters_r8",
                "who": "pytorch eager",
                "kind": "measured",
                "seed": seed,
                "correct": correct,
                "macro_f1": 0.8,
                "n_test": 1000,
                "n_train": 10,
                "epochs": 1,
                "status": "ok",
                "note": None,
            }
            for seed, correct in ((1, 940), (2, 960))
        ]
    )
    published = pd.DataFrame(
        [["reuters_r8", "LSTM", 0.9, None, "S", "u", "recalled"], ["other", "X", 0.1, None, "S", "u", "primary"]],
        columns=["dataset", "who", "accuracy", "macro_f1", "source", "url", "evidence"],
    )
    found = measurements.accuracy(table, published)
    ours = found.iloc[0]
    assert ours["accuracy"] == 0.95 and ours["low"] == pytest.approx(0.9347, abs=1e-3) and ours["n_test"] == 1000
    assert found["who"].tolist() == ["pytorch eager", "LSTM"] and "recalled" in found.iloc[1]["note"]


def test_machine_table_says_what_the_system_does_not_tell(workload):
    card = {"machine": "m", "gpus": [], "frequency_governor": None, "virtual_machine": True}
    found = measurements.machine(card, rows(workload)).set_index("item")["value"]
    assert found["gpus"] == "none seen" and found["frequency governor"] == "not told by the system"
    assert found["devices used"] == "CPU" and found["virtual machine"] == "yes"


def test_parity_table_holds_the_rungs_and_every_measured_mode(workload):
    rung = {"workload": workload.id, "level": "L0", "pair": "p", "what": "w"}
    rung |= {"largest_difference": 0, "tolerance": 0, "status": "pass", "note": ""}
    table = tidy(rows(workload, restarts=1))
    here = MeasuredSet("this run", "m", {}, table, parity={workload.id: {"rows": [rung]}})
    found = measurements.parity([here], table)
    assert len(found) == 1 + 2 * len(workload.modes) and found["status"].eq("pass").all()
