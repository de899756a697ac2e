"""The bootstrap counts draws instead of sorting them; it must give what sorting gives."""

from __future__ import annotations

import numpy as np
import pytest

from analysis import resampling


@pytest.mark.parametrize("lengths", [(6, 6, 6), (1, 4), (5, 2, 3, 1), (7,)])
def test_medians_by_counting_are_the_medians_of_the_draws(lengths):
    rng = np.random.default_rng(3)
    restarts = [rng.lognormal(size=n).round(1) for n in lengths]  # rounded, so that values repeat
    drawn = resampling.draws(lengths)
    values = np.concatenate(restarts)
    expected = [np.median(np.repeat(values, drawn.times[:, number])) for number in range(200)]
    assert resampling.replicates(restarts, factor=1)[:200] == pytest.approx(expected)


def test_a_draw_takes_as_many_rounds_as_each_drawn_restart_holds():
    drawn = resampling.draws((5, 2, 3))
    assert (drawn.counts == np.array([5, 2, 3])[drawn.restarts].sum(axis=1)).all()


def test_a_quotient_of_two_measurements_covers_the_truth_as_often_as_it_says():
    rng = np.random.default_rng(11)
    held = 0
    for _ in range(200):
        sides = [[np.exp(rng.normal(0, 0.05, 8) + rng.normal(0, 0.02)) for _ in range(5)] for _ in range(2)]
        _, low, high = resampling.quotient(*sides)
        held += low <= 1 <= high
    assert held / 200 > 0.88


def test_a_quotient_needs_two_restarts_on_both_sides():
    many, one = [np.ones(3), np.ones(3)], [np.ones(3)]
    assert np.isnan(resampling.quotient(many, one)[1]) and np.isnan(resampling.quotient(one, many)[2])
    assert np.isnan(resampling.quotient(many, [np.array([])])[0])


def test_an_interval_that_reaches_infinity_says_so():
    values = np.r_[np.linspace(10, 20, 1900), np.full(100, np.inf)]
    low, high = resampling.bounds(values, 15.0)
    assert low == pytest.approx(10.26, abs=0.05) and high == np.inf


@pytest.mark.parametrize("spread", [0.0, 0.5, 1.0, 2.0])
def test_two_restarts_hold_the_truth_as_often_as_they_say(spread):
    # 300 simulated measurements: a true coverage of 95 % falls below 92 % in one of 100; the seed is fixed.
    assert resampling.coverage(2, spread) > 0.92


def test_coverage_is_what_the_page_and_the_readme_say(root):
    lines = resampling.coverage_table()
    assert "\n".join(lines) in (root / "reproductions" / "README.md").read_text(encoding="utf-8")
    shares = [int(cell.strip(" %")) for line in lines if "moved apart" in line for cell in line.split("|")[3:-1]]
    page = (root / "workflow" / "report" / "page.html.j2").read_text(encoding="utf-8")
    assert len(shares) == 8 and f"holds the truth in at least {min(shares)} of 100" in page


def test_restarts_that_agree_are_not_moved_apart():
    rng = np.random.default_rng(5)
    alike = [values - np.median(values) for values in rng.normal(0, 0.05, (3, 6))]
    assert resampling.restart_factor([np.exp(values) for values in alike]) == 1
    assert resampling.restart_factor([np.ones(4)] * 3) == 1
    assert resampling.restart_factor([np.exp(values + 0.1 * n) for n, values in enumerate(alike)]) > 2


def test_restarts_move_apart_around_their_common_middle():
    moved = resampling.apart([np.array([1.0, 2.0, 4.0]), np.array([8.0])], 2)
    assert np.concatenate(moved) == pytest.approx([0.5, 1.0, 2.0, 16.0])
