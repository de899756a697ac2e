"""Shares among uses: what leaving out mentions that are no use does, and what its interval holds."""

import numpy as np
import pandas as pd
import pytest

from analysis.trends import uses

SERIES = "an archive, by year"


def shares(pytorch, tensorflow, year="2019"):
    row = {"indicator": "arxiv_abstracts", "rule": "named", "series": SERIES, "period": year}
    return pd.DataFrame([row | {"pytorch": pytorch, "tensorflow": tensorflow, "n": pytorch + tensorflow}])


def labels(pytorch, tensorflow, year="19"):
    """Return labels with (uses, others) of each framework."""
    rows = []
    for framework, (used, other) in (("pytorch", pytorch), ("tensorflow", tensorflow)):
        roles = ["used"] * used + ["studied"] * other
        rows += [(f"{year}01.{len(rows) + k:05d}", framework, role) for k, role in enumerate(roles)]
    return pd.DataFrame(rows, columns=["arxiv_id", "framework", "role"])


def test_rates_of_use_move_the_share():
    row = uses.by_labels(shares(40, 60), labels((18, 2), (9, 21)), 0).iloc[0]
    assert (row["use_pytorch"], row["use_tensorflow"]) == (pytest.approx(36), pytest.approx(18))
    assert row["share"] == 0.4
    assert row["share_of_uses"] == pytest.approx(36 / 54)
    assert row["uses_low"] < row["share_of_uses"] < row["uses_high"]
    assert row["labelled"] == 50


def test_equal_rates_leave_the_share_and_widen_its_interval():
    row = uses.by_labels(shares(40, 60), labels((5, 5), (10, 10)), 0).iloc[0]
    assert row["share_of_uses"] == pytest.approx(row["share"])
    assert row["uses_high"] - row["uses_low"] > row["high"] - row["low"]


def test_a_year_without_labels_of_one_framework_is_left_out():
    assert uses.by_labels(shares(40, 60), labels((5, 5), (0, 0)), 0).empty
    assert uses.by_labels(shares(40, 60, "2020"), labels((5, 5), (5, 5)), 0).empty


def test_a_framework_that_nobody_names_has_no_uses():
    row = uses.by_labels(shares(0, 20), labels((0, 0), (5, 5)), 0).iloc[0]
    assert (row["share_of_uses"], row["uses_low"]) == (0, 0)
    assert row["uses_high"] > 0.05


def test_the_interval_holds_the_truth_in_drawn_worlds():
    rng, held = np.random.default_rng(5), []
    for world in range(300):
        share, rate = rng.uniform(0.2, 0.8), rng.uniform(0.2, 0.9, 2)
        pytorch = rng.binomial(120, share)
        tested = [int(np.ceil(0.6 * count)) for count in (pytorch, 120 - pytorch)]
        seen = [rng.binomial(number, part) for number, part in zip(tested, rate, strict=True)]
        known = labels((seen[0], tested[0] - seen[0]), (seen[1], tested[1] - seen[1]))
        row = uses.by_labels(shares(pytorch, 120 - pytorch), known, world).iloc[0]
        truth = share * rate[0] / (share * rate[0] + (1 - share) * rate[1])
        held.append(row["uses_low"] <= truth <= row["uses_high"])
    assert 0.92 <= np.mean(held) <= 0.985


def test_a_harvest_is_added_up_by_year():
    rows = [
        (month, framework, mentions, used, used - 2, used + 2)
        for month in ("2024-01", "2024-02")
        for framework, mentions, used in (("pytorch", 30, 20.0), ("tensorflow", 10, 5.0), ("keras", 4, 2.0))
    ]
    monthly = pd.DataFrame(rows, columns=["month", "framework", "mentions", "uses", "low", "high"]).astype(str)
    row = uses.by_model(monthly, "harvest", 0).iloc[0]
    assert (row["named_pytorch"], row["use_pytorch"], row["use_tensorflow"]) == (60, 40, 10)
    assert row["share_of_uses"] == pytest.approx(0.8)
    assert 0.7 < row["uses_low"] < 0.8 < row["uses_high"] < 0.9
