"""What the performance figures count, and what they leave out of the count."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.figures import performance_environments, performance_first_step, performance_memory
from analysis.figures import performance_ratios as forest
from tests.page_fixtures import performance_cells, performance_ratios


@pytest.fixture
def ratios():
    return performance_ratios()


def test_only_the_primary_measure_is_drawn(ratios):
    assert set(forest.primary(ratios)["metric"]) == {"cpu"}
    assert set(forest.primary(ratios.drop(columns="primary"))["metric"]) == {"cpu"}
    wall = ratios[ratios["metric"] == "wall"].drop(columns="primary")
    assert set(forest.primary(wall)["metric"]) == {"wall"}


def test_failures_parity_and_missing_intervals_are_not_admitted(ratios):
    rows = forest.admitted(ratios)
    assert set(rows["status"]) == {"ok"}
    assert set(rows["parity"]) == {"pass"}
    assert rows[["low", "high"]].notna().all(axis=None)


def test_a_mode_that_did_nothing_is_not_counted_twice(ratios):
    left = forest.compared(forest.primary(ratios))
    assert not (
        (left["workload"] == "r8_text") & (left["pytorch_mode"] == "compile") & (left["phase"] == "infer")
    ).any()


def test_every_comparison_is_counted_once(ratios):
    tally = forest.Tally.of(forest.primary(ratios))
    assert tally.pytorch + tally.tensorflow + tally.equal + tally.unsettled == len(tally.rows)


def test_rows_keep_the_order_of_the_plan(ratios):
    shuffled = ratios.sort_values("ratio", ignore_index=True)
    for frame in (ratios, shuffled):
        drawn = forest.make({"performance_ratios": frame}).data
        assert drawn["ratio"].tolist() == pytest.approx(forest.primary(frame)["ratio"].tolist(), nan_ok=True)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ((1.421, 1.377, 1.466), "1.42 [1.38, 1.47]"),
        ((36.04, 33.0, 40.12), "36.0 [33.0, 40.1]"),
        ((108.8, 99.6, 120.2), "109 [100, 120]"),
        ((0.83, np.nan, np.nan), "0.83, no interval"),
    ],
)
def test_an_estimate_carries_its_interval(values, text):
    assert forest.estimate(pd.Series(dict(zip(("ratio", "low", "high"), values, strict=True)))) == text


def test_no_side_is_named_inside_the_noise(ratios):
    calm = ratios.assign(ratio=1.0, low=0.97, high=1.04, status="ok", parity="pass", note="")
    drawing = forest.make({"performance_ratios": calm})
    assert drawing.title == "None of 48 comparisons shows a faster framework"


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((0.8, 0.75, 0.85), (1.3, 1.2, 1.4), "changes side"),
        ((1.2, 1.1, 1.3), (1.4, 1.3, 1.5), "same side"),
        ((1.0, 0.9, 1.1), (1.4, 1.3, 1.5), "becomes settled"),
        ((1.4, 1.3, 1.5), (1.0, 0.9, 1.1), "becomes unsettled"),
    ],
)
def test_only_settled_sides_can_change(ratios, before, after, change):
    row = ratios.iloc[[0, 2]].assign(status="ok", parity="pass", environment=["as_shipped", "tuned"], metric="cpu")
    row[["ratio", "low", "high"]] = [before, after]
    assert performance_environments.pairs(row)["change"].tolist() == [change]


def test_a_first_step_with_an_empty_cache_alone_is_drawn():
    cells = performance_cells().assign(first_step_s=np.nan)
    good = performance_first_step.spans(cells)
    assert len(good) == len(cells) - 1
    assert good["longest"].tolist() == good["cold_first_step_s"].tolist()


@pytest.mark.parametrize(("seconds", "text"), [(0.0012, "1 ms"), (0.0999, "0.1 s"), (2.6, "2.6 s"), (19.7, "20 s")])
def test_durations_are_read_at_a_glance(seconds, text):
    assert performance_first_step.seconds(seconds) == text


def test_a_process_that_ran_both_phases_has_one_bar():
    cells = performance_cells()
    same = cells.assign(
        peak_host_mib=cells.groupby(["workload", "framework", "mode"])["peak_host_mib"].transform("max")
    )
    shipped = same[same["environment"] == "as_shipped"]
    assert len(performance_memory.merge_phases(shipped)) == len(shipped) // 2
    assert len(performance_memory.merge_phases(cells)) == len(cells)
