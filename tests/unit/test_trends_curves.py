"""The binomial regression and the trend of a share."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from analysis.adoption import count_shares, read_figures
from analysis.trends import glm, spline
from analysis.trends.checks import venue_years
from analysis.trends.spline import Step, find_crossing, fit_curve, usable_steps
from analysis.trends.statements import common_slope

ROOT = Path(__file__).parents[2]
MONTHS = 2017 + (np.arange(84) + 0.5) / 12
# The dates of reference/adoption_sources.md; a venue-year stands for the first day of the month of the conference.
CROSSINGS = {
    "EMNLP": 2018.6,
    "ECCV": 2018.7,
    "ACL": 2018.8,
    "CVPR": 2018.9,
    "NAACL": 2018.9,
    "ICCV": 2019.0,
    "NeurIPS": 2019.5,
    "ICML": 2019.7,
    "ICLR": 2020.0,
}


@pytest.fixture(scope="module")
def venues():
    figures, _ = read_figures(
        ROOT / "data/adoption_figures.csv", ROOT / "data/adoption_sources.csv", ROOT / "workflow/schemas"
    )
    return venue_years(count_shares(figures))


def levels(venues):
    return pd.get_dummies(venues["venue"]).to_numpy(float)


def counts(truth, units, seed=0):
    rng = np.random.default_rng(seed)
    n = rng.poisson(units, len(truth))
    return rng.binomial(n, truth), n


def test_regression_agrees_with_statsmodels(venues):
    models = pytest.importorskip("statsmodels.api")
    design = np.column_stack([levels(venues), venues["t"] - 2019])
    share = venues["pytorch"] / venues["n"]
    theirs = models.GLM(share.to_numpy(), design, models.families.Binomial(), var_weights=venues["n"].to_numpy())
    theirs = theirs.fit(scale="X2")
    ours = glm.fit_binomial(venues["pytorch"], venues["n"], design)
    assert np.allclose(ours.beta, theirs.params, rtol=1e-6)
    assert np.allclose(np.sqrt(np.diag(ours.covariance)), theirs.bse, rtol=1e-5)
    assert np.isclose(ours.dispersion, theirs.scale)
    assert np.isclose(ours.deviance, theirs.deviance)


def test_plain_logistic_misfits_the_conferences_as_the_reference_says(venues):
    t = venues["t"].to_numpy() - 2019
    plain = glm.fit_binomial(venues["pytorch"], venues["n"], np.column_stack([levels(venues), t]))
    bent = glm.fit_binomial(venues["pytorch"], venues["n"], np.column_stack([levels(venues), t, t**2]))
    assert (round(plain.aic, 1), round(bent.aic, 1)) == (341.2, 231.8)
    assert (round(plain.dispersion, 2), round(bent.dispersion, 2)) == (5.88, 1.97)
    assert np.isclose(np.sqrt(plain.covariance[-1, -1]), 0.066, atol=0.001)


def test_conferences_cross_when_the_reference_says(venues):
    found = {row.venue: row for row in common_slope(venues["venue"], venues["t"], venues["pytorch"], venues["n"])}
    assert set(found) == set(CROSSINGS)
    for venue, date in CROSSINGS.items():
        assert abs(found[venue].at - date) < 0.06
        assert found[venue].low < date < found[venue].high


def test_he_shares_are_reproduced_from_counts():
    figures, _ = read_figures(
        ROOT / "data/adoption_figures.csv", ROOT / "data/adoption_sources.csv", ROOT / "workflow/schemas"
    )
    shares = count_shares(figures).set_index(["series", "period"])
    expected = {
        ("CVPR (accepted papers)", "2020-06"): (0.787, 0.750, 0.820, 531),
        ("NeurIPS (accepted papers)", "2020-12"): (0.768, 0.725, 0.807, 406),
        ("EMNLP (accepted papers)", "2020-11"): (0.876, 0.832, 0.909, 282),
        ("ICML (accepted papers)", "2021-06"): (0.777, 0.722, 0.823, 260),
        ("ACL (accepted papers)", "2017-08"): (0.024, 0.004, 0.123, 42),
    }
    for key, values in expected.items():
        row = shares.loc[key]
        assert (round(row["share"], 3), round(row["low"], 3), round(row["high"], 3), row["n"]) == values


def test_regression_needs_as_many_periods_as_coefficients():
    with pytest.raises(ValueError, match="do not determine"):
        glm.fit_binomial([1, 2], [3, 4], np.ones((2, 3)))


def test_trend_follows_a_curve_that_no_logistic_follows():
    truth = 0.1 + 0.6 * expit((MONTHS - 2019.5) / 0.4) - 0.3 * expit((MONTHS - 2022.5) / 0.3)
    k, n = counts(truth, 500)
    share, low, high = fit_curve(MONTHS, k, n).share(MONTHS)
    assert np.max(np.abs(share - truth)) < 0.05
    assert np.mean((low <= truth) & (truth <= high)) > 0.85


def test_trend_finds_the_crossing_with_an_interval_around_it():
    found = find_crossing(fit_curve(MONTHS, *counts(expit((MONTHS - 2019.5) / 0.5), 200)))
    assert found.low < 2019.5 < found.high
    assert abs(found.at - 2019.5) < 0.15
    assert not found.always


def test_nothing_is_said_beyond_the_periods():
    curve = fit_curve(MONTHS, *counts(expit((MONTHS - 2019.5) / 0.5), 200))
    assert np.array_equal(curve.share([MONTHS[-1], MONTHS[-1] + 5])[0], curve.share([MONTHS[-1]] * 2)[0])
    assert curve.basis.last == MONTHS[-1]


def test_lead_from_the_start_and_no_lead_are_told_apart():
    ahead, behind = (find_crossing(fit_curve(MONTHS, *counts(np.full(84, p), 300))) for p in (0.9, 0.1))
    assert ahead.always
    assert ahead.low == -np.inf
    assert np.isnan([behind.at, behind.low, behind.high]).all()


def test_step_of_the_source_does_not_count_as_trend():
    step = Step(2020.0, np.inf, "another counter")
    truth = expit(-1 + 1.5 * (MONTHS >= 2020))
    curve = fit_curve(MONTHS, *counts(truth, 2000), steps=[step])
    before, after = curve.share([2018.0, 2022.0])[0]
    assert after - before > 0.2
    smooth = curve.logit([2018.0, 2022.0], steps=False)[0]
    assert abs(smooth[1] - smooth[0]) < 0.2


def test_steps_that_periods_cannot_tell_apart_are_one():
    steps = [Step(2020.0, np.inf, "a"), Step(2020.1, np.inf, "b"), Step(2023.9, np.inf, "too late")]
    assert [step.reason for step in usable_steps(steps, MONTHS)] == ["a"]


@pytest.mark.parametrize("k", [np.zeros(84), np.full(84, 10)])
def test_no_trend_where_only_one_side_is_there(k):
    assert fit_curve(MONTHS, k, np.full(84, 10)) is None


def test_no_trend_from_four_periods():
    assert fit_curve(MONTHS[:4], [1, 2, 3, 4], [9, 9, 9, 9]) is None


def test_more_scatter_than_counts_have_widens_the_band():
    truth = expit((MONTHS - 2020) / 0.8)
    k, n = counts(truth, 400)
    noisy = np.clip(k + np.random.default_rng(1).normal(0, 0.1, 84) * n, 0, n)
    calm, wild = fit_curve(MONTHS, k, n), fit_curve(MONTHS, noisy, n)
    assert wild.dispersion > 5 * calm.dispersion
    assert np.mean(np.diff(wild.share(MONTHS)[1:], axis=0)) > 1.5 * np.mean(np.diff(calm.share(MONTHS)[1:], axis=0))


def test_penalty_is_nothing_for_a_straight_line():
    basis = spline.Basis.over(MONTHS)
    line = np.linalg.lstsq(basis(MONTHS), MONTHS - 2020, rcond=None)[0]
    assert abs(line @ basis.penalty() @ line) < 1e-8
