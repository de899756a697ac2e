"""The benchmark of the harness's own cost runs as a whole and says what it measured; its speed is not asserted."""

import csv
from itertools import pairwise

import numpy as np
import pytest

from benchmarks import overhead

pytestmark = pytest.mark.frameworks


def test_both_loops_are_measured_in_both_frameworks_and_the_tables_say_so(digits, tmp_path, monkeypatch):
    monkeypatch.setattr(overhead, "QUICK", overhead.Size(2, 1, 2, 1))
    goals = overhead.run(tmp_path, True, lambda words: None, "cnn_mnist", digits)
    text = (tmp_path / "overhead.md").read_text()
    assert "too small for conclusions" in text and "cnn_mnist, batch size 1" in text
    assert len(goals) == 6 and all(
        goal.met in ("yes", "no", "undecided") and f"| {goal.text} |" in text for goal in goals
    )
    with (tmp_path / "overhead.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    for framework in overhead.MODES:
        own = [row for row in rows if row["framework"] == framework]
        for what in ("bare", "ours", "bare again", "bare going on"):
            assert all(float(row[f"{what}, {clock} (us/step)"]) > 0 for row in own[:2] for clock in ("cpu", "wall"))
        assert float(own[0]["whole run, ours (s)"]) > 0 < float(own[0]["whole run, bare (s)"])
        inside = [float(value) for row in own if (value := row["a block of empty steps, inside (us)"])]
        assert len(inside) == 20 and np.median(inside) < 2000, "microseconds that the loop itself adds to a block"


def test_each_loop_stands_at_each_place_and_follows_each_other_one_equally_often():
    orders = np.array(overhead.ORDERS)
    assert all(sorted(places) == [0, 1, 2, 3] for places in orders.T)
    assert len({(int(a), int(b)) for order in orders for a, b in pairwise(order)}) == 12
    assert overhead.FULL.rounds % len(orders) == overhead.QUICK.rounds % len(orders) == 0


def test_ratios_are_paired_by_round():
    rows = [
        {"framework": "pytorch", "what": what, "round": number, "value": value}
        for what, values in (("ours, cpu", (4.0, 9.0)), ("bare, cpu", (2.0, 3.0)))
        for number, value in enumerate(values)
    ]
    assert overhead.ratios(rows[::-1], "pytorch", "ours, cpu", "bare, cpu") == [2.0, 3.0]


def test_a_goal_is_met_or_missed_only_by_the_whole_interval():
    met = [overhead.Bound("x", False, 0.5, measured).met for measured in ((0.1, 0, 0.4), (0.4, 0, 2), (3, 1, 5))]
    assert met == ["yes", "undecided", "no"]


def test_a_small_difference_between_neighbours_is_seen_through_what_both_share():
    random, rows = np.random.default_rng(1), []
    for number, shared in enumerate(random.lognormal(0, 0.3, 400)):
        for what, factor in (("ours, cpu", 1.01), ("bare, cpu", 1), ("bare again, cpu", 1)):
            value = shared * factor * random.lognormal(0, 0.02)
            rows.append({"framework": "pytorch", "what": what, "round": number, "value": value})
    _, low, high = overhead._percent(overhead.ratios(rows, "pytorch", "ours, cpu", "bare, cpu", "bare again, cpu"))
    assert low < 1 < high and high - low < 1
