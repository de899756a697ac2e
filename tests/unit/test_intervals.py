"""The Wilson interval."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from analysis.intervals import wilson

counts = st.integers(1, 100_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_known_interval_of_eighty_one_in_two_hundred_and_sixty_three():
    # Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3: .2553 to .3662
    low, high = wilson(81, 263)
    assert (round(float(low), 4), round(float(high), 4)) == (0.2553, 0.3662)


@settings(deadline=None)
@given(counts, st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_agrees_with_scipy(pair, level):
    k, n = pair
    expected = binomtest(k, n).proportion_ci(confidence_level=level, method="wilson")
    low, high = wilson(k, n, level)
    assert np.allclose([low, high], [expected.low, expected.high], atol=1e-10)


@settings(deadline=None)
@given(counts)
def test_holds_the_share_and_stays_within_zero_and_one(pair):
    k, n = pair
    low, high = wilson(k, n)
    assert 0 <= low <= k / n <= high <= 1


@settings(deadline=None)
@given(counts)
def test_counting_the_other_side_mirrors_the_interval(pair):
    k, n = pair
    low, high = wilson(k, n)
    other_low, other_high = wilson(n - k, n)
    assert np.allclose([low, high], [1 - other_high, 1 - other_low], atol=1e-12)


def test_ends_touch_zero_and_one_exactly_when_nothing_or_all_succeeds():
    assert wilson(0, 30)[0] == 0
    assert wilson(30, 30)[1] == 1


def test_works_on_arrays_and_gives_nan_for_no_trials():
    low, high = wilson([0, 5], [0, 10])
    assert np.isnan([low[0], high[0]]).all()
    assert low[1] < 0.5 < high[1]


@pytest.mark.parametrize(("k", "n", "level"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0), (1, 2, 95)])
def test_refuses_impossible_arguments(k, n, level):
    with pytest.raises(ValueError, match=r"give|counts start"):
        wilson(k, n, level)
