"""Sweeps, controls, break-even, sets side by side: from invented rows whose truth is known."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pytest

from analysis import measurements
from analysis.accuracies import accuracy_differences
from analysis.figures._rows import one_environment
from analysis.figures.performance_ratios import silent
from analysis.measured_rows import Measured, tidy
from reproductions.spec import USUAL
from tests.measured_fixtures import accuracy_rows, rows


@pytest.fixture(scope="module")
def table():
    return rows(workloads=("cnn_mnist",))


@pytest.fixture(scope="module")
def measured(table):
    return Measured(tidy(table), {})


def test_a_ratio_stays_inside_one_point(table):
    found = measurements.ratios(table, {})
    matched = found[found["track"] == "matched"]
    assert set(found["batch_size"]) == {32} and set(found["shape"]) == {""} and set(found["threads"]) == {1}
    assert set(found["precision"]) == {"float32", "bfloat16"}
    assert not (set(matched["pytorch_mode"]) | set(matched["tensorflow_mode"])) & {"idiomatic"}
    idiomatic = found[found["track"] == "idiomatic"]
    assert set(idiomatic["pytorch_mode"]) == set(idiomatic["tensorflow_mode"]) == {"idiomatic"}
    assert set(idiomatic["phase"]) == {"train"}


def test_rows_without_the_new_columns_give_the_same_ratios(table):
    plain = table[(table["precision"] == "float32") & (table["threads"] == 1) & (table["shape"] == "")]
    plain = plain[(plain["batch_size"] == 32) & (plain["framework"] != "keras") & (plain["track"] == "matched")]
    old = plain.drop(columns=["data", "shape", "energy_j", "flags", "track", "precision", "origin"])
    new, without = (measurements.ratios(part, {}) for part in (plain, old))
    pd.testing.assert_frame_equal(new.drop(columns="data"), without.drop(columns="data"))


def test_this_run_and_a_landed_set_of_the_same_machine_are_not_pooled(table):
    landed = table.assign(origin="landed", wall_ms=table["wall_ms"] * 2, cpu_ms=table["cpu_ms"] * 2)
    found = measurements.ratios(pd.concat([table, landed]), {})
    assert found["pairs"].max() == 18
    assert found.groupby("origin", sort=False)["ratio"].count().to_dict().keys() == {"this run", "landed"}


def test_two_sets_that_are_alike_give_alike_ratios(table):
    alone = measurements.ratios(table, {})
    beside = measurements.ratios(pd.concat([table, table.assign(origin="landed", machine="other")]), {})
    pd.testing.assert_series_equal(alone["ratio"], beside.loc[beside["origin"] == "this run", "ratio"])


def test_sweeps_hold_everything_else_fixed(table):
    found = measurements.sweeps(table, {})
    assert set(found["axis"]) == {"batch", "size", "threads"}
    batch = found[found["axis"] == "batch"]
    assert batch["value"].tolist() == [1, 8, 32, 128] and batch["ratio"].is_monotonic_decreasing
    assert batch["ratio"].iloc[0] == pytest.approx(1.3 * 32**0.2, rel=0.05)
    assert set(found.loc[found["axis"] == "threads", "metric"]) == {"wall"}
    size = found[found["axis"] == "size"]
    assert size["value"].tolist() == [64, 256] and set(size["batch_size"]) == {32}


def test_a_sweep_takes_the_base_size_from_the_preset(table, workloads):
    known = workloads["cnn_mnist"]
    side = known.preset("quick").sizes["side"]
    swept = table.assign(shape=table["shape"].str.replace("size", "side"))
    found = measurements.sweeps(swept, {"cnn_mnist": known})
    assert side in found.loc[found["axis"] == "side", "value"].tolist()


def test_a_point_that_ran_out_of_memory_is_a_row_of_the_sweep(table):
    lost = (table["batch_size"] == 128) & (table["framework"] == "tensorflow")
    failure = table[lost].iloc[[0]].assign(kind="failure", status="oom", note="MemoryError", wall_ms=None, cpu_ms=None)
    found = measurements.sweeps(pd.concat([table[~lost], failure]), {})
    row = found[(found["axis"] == "batch") & (found["value"] == 128)].iloc[0]
    assert row["status"] == "oom" and np.isnan(row["ratio"]) and "MemoryError" in row["note"]
    base = found[(found["axis"] == "batch") & (found["value"] == 32)].iloc[0]
    assert base["status"] == "ok", "a failure at one point says nothing about the others"


def test_the_control_compares_one_source_on_two_back_ends_and_each_framework_with_keras_on_it(measured):
    found = measurements._control(measured)
    ends = found[(found["first"] == "keras-torch") & (found["phase"] == "train")].iloc[0]
    assert ends["second"] == "keras-tensorflow" and ends["ratio"] == pytest.approx(0.5, rel=0.05)
    assert ends["wording"].startswith("Keras on TensorFlow")
    native = found[found["comparison"] == "written natively or in Keras"]
    assert {(a.split("-")[0], b) for a, b in zip(native["first"], native["second"], strict=True)} == {
        ("pytorch", "keras-torch"),
        ("tensorflow", "keras-tensorflow"),
    }


def test_compile_cost_is_paid_back_after_the_steps_that_it_takes(measured):
    found = measurements._cells(measured)
    chosen = found[(found["phase"] == "train") & (found["environment"] == "tuned") & (found["precision"] == "float32")]
    cell = chosen.set_index(["framework", "mode"])
    compiled = cell.loc[("pytorch", "compile")]
    # First step with an empty cache: 800 steps of 0.8; eager's 2 of 1.0; a later step saves 0.2.
    assert compiled["break_even_low"] <= 1 + (640 - 2) / 0.2 / 1.05 <= compiled["break_even_high"] * 1.05
    assert compiled["against"] == "eager" and "[" in compiled["break_even"]
    assert cell.loc[("tensorflow", "xla"), "break_even"].startswith("never")
    assert np.isnan(cell.loc[("tensorflow", "xla"), "break_even_steps"])
    assert pd.isna(cell.loc[("pytorch", "eager"), "break_even"])


@pytest.mark.parametrize(
    ("first", "step", "steps"),
    [((100.0, 10.0), (1.0, 2.0), 91), ((10.0, 100.0), (1.0, 2.0), 1), ((100.0, 10.0), (2.0, 2.0), np.inf)],
)
def test_break_even_is_the_first_step_at_which_the_totals_meet(first, step, steps):
    assert measurements._paid_back(first, step) == steps
    if 1 < steps < np.inf:
        totals = [[f + (n - 1) * s for f, s in zip(first, step, strict=True)] for n in (steps - 1, steps)]
        assert totals[0][0] > totals[0][1] and totals[1][0] <= totals[1][1]


def test_ratio_with_the_first_step_meets_the_steady_ratio_in_long_runs(table):
    found = measurements.ratios(table, {})
    row = found[(found["pytorch_mode"] == "compile") & (found["tensorflow_mode"] == "eager") & found["primary"]].iloc[0]
    assert row["ratio_10"] < row["ratio_100"] < row["ratio_1000"] < row["ratio"]
    assert row["low_10"] <= row["ratio_10"] <= row["high_10"]


def test_disturbed_pairs_are_counted_and_named(table):
    shaken = table.copy()
    hit = (shaken["kind"] == "block") & (shaken["round"] == 0) & (shaken["framework"] == "pytorch")
    shaken["flags"] = np.where(hit, "contention;frequency", "")
    row = measurements.ratios(shaken, {}).iloc[0]
    assert row["flagged"] == 3 and "3 of 18 pairs disturbed: contention, frequency" in row["note"]


def test_a_mode_that_did_nothing_is_flagged_without_disturbing(table):
    quiet = table.copy()
    quiet["flags"] = np.where((quiet["mode"] == "compile") & (quiet["kind"] == "memory"), "no_op_mode", "")
    found = measurements.ratios(quiet, {})
    compiled = found["pytorch_mode"] == "compile"
    assert (found["flagged"] == 0).all() and set(found.loc[compiled, "flags"]) == {"no_op_mode"}
    assert silent(found).tolist() == compiled.tolist()


def test_a_cell_that_never_started_is_a_row_in_each_phase(table):
    lost = (table["framework"] == "tensorflow") & (table["mode"] == "xla")
    about = table[lost].iloc[0][["machine", "workload", "preset", "track", "environment", "framework", "mode"]]
    failure = pd.DataFrame([about.to_dict() | {"kind": "failure", "status": "failed", "note": "no XLA", "threads": 1}])
    found = measurements.cells(pd.concat([table[~lost], failure.assign(data="invented")]), {})
    failed = found[(found["mode"] == "xla") & (found["environment"] == "as_shipped")]
    assert set(failed["phase"]) == {"train", "infer"} and set(failed["status"]) == {"failed"}


def test_a_profile_that_measures_the_usual_modes_lacks_no_other(table):
    first = table["environment"] == "as_shipped"
    usual = pd.Series(list(zip(table["framework"], table["mode"], strict=True)), table.index).isin(USUAL)
    found = measurements.cells(table[~first | usual], {})
    in_first = found[found["environment"] == "as_shipped"]
    assert {(row.framework, row.mode) for row in in_first.itertuples()} == USUAL
    assert set(in_first["status"]) == {"ok"} and "xla" in set(found["mode"])
    shown = one_environment(found, "as_shipped")
    assert set(shown.loc[shown["mode"] == "xla", "environment"]) == {"tuned"}
    assert set(shown.loc[shown["mode"] == "compile", "environment"]) == {"as_shipped"}


def test_a_mode_missing_in_a_profile_that_has_others_of_its_kind_is_a_row(table):
    gone = (table["environment"] == "as_shipped") & (table["mode"] == "xla")
    found = measurements.cells(table[~gone], {})
    missing = found[(found["environment"] == "as_shipped") & (found["mode"] == "xla")]
    assert set(missing["status"]) == {"untested"}


def test_difference_of_accuracies_is_paired_by_seed():
    found = accuracy_differences(accuracy_rows("cnn_mnist")).iloc[0]
    assert found["seeds"] == 5 and found["low"] < found["difference"] < found["high"]
    shifted = accuracy_rows("cnn_mnist")
    shifted.loc[shifted["who"] == "tensorflow function", "correct"] -= 50
    row = accuracy_differences(shifted).iloc[0]
    assert row["wording"] == "PyTorch more accurate" and not row["within_a_point"]


def test_one_seed_gives_no_interval_of_the_difference():
    row = accuracy_differences(accuracy_rows("cnn_mnist", seeds=1)).iloc[0]
    assert np.isnan(row["low"]) and row["wording"] == "no interval: one seed"


def test_fifty_thousand_rows_take_seconds():
    parts = [
        rows(machine=f"m{n}-2c-abc123", seed=n, rounds=10, restarts=6).assign(origin="this run" if n == 0 else "landed")
        for n in range(5)
    ]
    many = pd.concat(parts, ignore_index=True)
    assert len(many) > 50_000
    started = time.process_time()
    measured = Measured(tidy(many), {})
    compared = measurements.comparisons(measured)
    for make in (measurements._cells, measurements._control):
        make(measured)
    measurements._sweeps(measured, compared)
    assert time.process_time() - started < 30
