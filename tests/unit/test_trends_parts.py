"""Classes, clusters, corrections and fields: the parts that the tables are made of."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import beta, chi2

from analysis.trends import classes, clusters, correction, fields
from analysis.trends.tables import merged


def test_jeffreys_is_the_posterior_of_its_prior():
    low, high = classes.jeffreys(7, 40)
    assert np.allclose([low, high], beta.ppf([0.025, 0.975], 7.5, 33.5))
    assert classes.jeffreys(0, 40)[0] == 0
    assert classes.jeffreys(40, 40)[1] == 1


def test_goodman_solves_its_quadratic():
    table = np.array([[56, 72, 73, 59]])
    low, high, method = classes.simultaneous(table)
    bound = chi2.ppf(1 - 0.05 / 4, 1)
    for ends in (low[0], high[0]):
        share = table[0] / table.sum()
        assert np.allclose((share - ends) ** 2, bound * ends * (1 - ends) / table.sum())
    assert method.tolist() == ["goodman"]


def test_rare_classes_take_the_dirichlet_interval():
    low, high, method = classes.simultaneous([[50, 3, 0, 20]])
    assert method.tolist() == ["dirichlet"]
    assert low[0, 2] == 0 < high[0, 2]


def test_classes_of_an_empty_period_have_no_interval():
    assert np.isnan(classes.simultaneous([[0, 0, 0, 0]])[0]).all()


def test_papers_counted_half_vary_less_than_whole_ones():
    scores, trials = classes.effective_trials([1, 0, 0.5], [[40, 40, 20]])
    assert np.isclose(scores[0] / trials[0], 0.5)
    assert trials[0] > 100
    assert np.allclose(classes.effective_trials([1, 0, 0.5], [[40, 40, 0]])[1], 80)


def test_inflation_is_averaged_over_neighbours_and_never_below_one():
    steady = classes.steady_inflation([1, 1, 1, 9, 1, 1, 1] * 5, [50] * 35)
    assert 1 < steady.min() <= steady.max() < 4
    assert classes.steady_inflation([0.2] * 20, [10] * 20).tolist() == [1.0] * 20


def test_small_months_are_merged_and_none_is_dropped():
    units = {"2019-01": 50, "2019-02": 12, "2019-03": 60, "2019-04": 20, "2019-05": 99, "2019-06": 21, "2019-07": 3}
    periods = merged(units)
    assert [name for name, _ in periods] == ["2019Q1", "2019-04", "2019-05", "2019-06", "2019Q3"]
    assert sorted(month for _, months in periods for month in months) == sorted(units)


def test_papers_of_one_owner_each_inflate_nothing():
    rng = np.random.default_rng(0)
    effects = clusters.design_effects(np.repeat([0, 1], 500), np.arange(1000), rng.random(1000) < 0.3, 2)
    assert np.allclose(effects, 1)


def test_owners_with_identical_papers_inflate_by_their_number():
    rng = np.random.default_rng(0)
    values = np.repeat(rng.random(400) < 0.4, 5)
    effect = clusters.design_effects(np.zeros(2000, dtype=int), np.repeat(np.arange(400), 5), values, 1)
    assert np.isclose(effect[0], 5, rtol=0.05)


def test_covariance_is_that_of_resampled_owners():
    rng = np.random.default_rng(1)
    owner, period = rng.integers(0, 150, 900), rng.integers(0, 3, 900)
    values = (rng.normal(size=150)[owner] + rng.normal(size=900) > 0).astype(float)
    matrix = clusters.covariance(period, owner, values, 3)
    counts = np.bincount(period, minlength=3)
    drawn = []
    for _ in range(3000):
        times = np.bincount(rng.integers(150, size=150), minlength=150)[owner]
        drawn.append(np.bincount(period, values * times) / np.bincount(period, times))
    assert np.allclose(matrix / np.outer(counts, counts), np.cov(np.array(drawn).T), rtol=0.35, atol=2e-4)


def test_correction_is_the_inverse_of_the_matrix():
    rates = np.array([[0.9, 0.02, 0.08], [0.05, 0.85, 0.1], [0.04, 0.01, 0.95]])
    truth = np.array([0.5, 0.1, 0.4])
    assert np.allclose(correction.invert(rates, 1000 * truth @ rates), truth, atol=1e-6)


def test_correction_never_gives_a_negative_share():
    rates = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9]])
    shares = correction.invert(rates, np.array([99.0, 0.5, 0.5]))
    assert (shares >= 0).all()
    assert np.isclose(shares.sum(), 1)


def test_interval_of_the_correction_grows_with_a_smaller_calibration():
    table = np.array([[900, 20, 80], [50, 850, 100], [40, 10, 950]])
    widths = []
    for part in (1, 20):
        made = correction.correct(table / part, [500, 100, 400], np.random.default_rng(0))
        widths.append(made.high - made.low)
        assert made.low < made.share < made.high
    assert widths[1] > 1.3 * widths[0]


def test_correction_says_which_class_the_calibration_lacks():
    with pytest.raises(ValueError, match="no repository of tensorflow"):
        correction.correct([[9, 1, 0], [0, 0, 0], [0, 1, 9]], [5, 5, 5], np.random.default_rng(0))


def test_few_uneven_clusters_inflate_more_than_many_even_ones():
    rng = np.random.default_rng(0)
    even, uneven = np.repeat(np.arange(30), 2), np.repeat(np.arange(30), [15, 15, *[1] * 26, 2, 2])
    effects = {}
    for name, owner in (("even", even), ("uneven", uneven)):
        values = (rng.random((400, 30)) < 0.5)[:, owner].astype(float)
        period = np.zeros(len(owner), dtype=int)
        effects[name] = np.mean([clusters.design_effects(period, owner, row, 1, uneven=True) for row in values])
    assert 1.8 < effects["even"] < 2.5  # two papers an owner, always alike
    assert effects["uneven"] > 8  # the truth is the sum of squares over papers, 8.1, before the t quantile


def test_a_covariance_matrix_has_both_halves_and_no_unknown_quarter():
    linked = pd.DataFrame(
        [("2020Q2", "2020Q1", 1.5), ("2020Q1", "2020Q1", 4.0), ("2021Q1", "2020Q1", 9.0)],
        columns=["quarter", "other_quarter", "covariance"],
    )
    assert clusters.covariance_matrix(linked, ["2020Q1", "2020Q2"]).tolist() == [[4.0, 1.5], [1.5, 0.0]]


def test_small_fields_are_drawn_to_the_others_and_large_ones_are_not():
    share, low, high = fields.shrink([900, 850, 1], [1000, 1000, 4])
    assert abs(share[0] - 0.9) < 0.01
    assert 0.25 < share[2] < 0.87
    assert high[2] - low[2] > 3 * (high[0] - low[0])


def test_field_without_papers_has_the_widest_interval():
    share, low, high = fields.shrink([90, 80, 0], [100, 100, 0])
    assert 0.5 < share[2] < 0.95
    assert high[2] - low[2] == max(high - low)


def test_one_field_alone_is_not_shrunken():
    assert np.isnan(fields.shrink([5, 0], [9, 0])[0]).all()


def test_no_category_stands_in_two_fields(tmp_path):
    path = tmp_path / "fields.yaml"
    path.write_text("otherwise: rest\nfields:\n  a: {categories: [cs.CV]}\n  b: {categories: [cs.CV]}\n  rest: {}\n")
    with pytest.raises(ValueError, match=r"cs\.CV stands in a and in b"):
        fields.load_fields(path)
