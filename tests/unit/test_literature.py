"""Published results: each study is judged for what it is worth, and means stay within comparable groups."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis import literature
from analysis.adoption_data import AdoptionDataError
from analysis.literature import groups, studies
from tests.page_fixtures import ROOT

WORTH = ROOT / "data" / "literature_studies.csv"


@pytest.fixture(scope="module")
def published():
    return literature.literature(ROOT / "data" / "literature.csv")


def test_every_study_with_ratios_is_judged_once(published):
    table = studies(published, WORTH)
    assert set(table["study"]) == set(published.loc[published["ratio"].notna(), "study"])
    assert table["ratios"].sum() == published["ratio"].notna().sum()
    assert ((table["lowest"] <= table["middle"]) & (table["middle"] <= table["highest"])).all()


def test_a_study_that_nobody_judged_is_named(published, tmp_path):
    path = tmp_path / "literature_studies.csv"
    path.write_text("".join(line for line in WORTH.open() if not line.startswith("braun2018")))
    with pytest.raises(AdoptionDataError, match="braun2018: give each study"):
        studies(published, path)


def rows(ratios, **about):
    default = {
        "study": "a",
        "url": "u",
        "task": "t",
        "phase": "train",
        "device": "GPU",
        "pytorch_mode": "",
        "tensorflow_mode": "",
    }
    return pd.DataFrame([default | about | {"ratio": ratio} for ratio in ratios])


def test_a_publication_counts_once_however_many_rows_it_has():
    few = pd.concat([rows([2.0], url="a"), rows([1.0], url="b"), rows([0.5], url="c")])
    many = pd.concat([few, rows([2.0] * 50, url="a")])
    assert groups(many).iloc[0]["mean"] == pytest.approx(1.0)
    assert groups(many).iloc[0]["low"] == pytest.approx(groups(few).iloc[0]["low"])


def test_the_mean_has_students_interval():
    """Three log ratios -a, 0, a: their standard deviation is a, t with two degrees is 4.303."""
    a = math.log(2)
    found = groups(pd.concat([rows([2.0], url="a"), rows([1.0], url="b"), rows([0.5], url="c")])).iloc[0]
    assert math.log(found["high"]) == pytest.approx(4.3027 * a / math.sqrt(3), abs=1e-3)
    low, high = (float(part) for part in found["next"].split(" to "))
    assert low < found["low"] < found["high"] < high


def test_what_does_not_compare_gets_no_mean(published):
    table = groups(published)
    alone = table[table["publications"] < literature.LEAST]
    assert len(alone) and alone[["mean", "low", "high"]].isna().all(axis=None)
    assert set(table.loc[table["publications"] >= literature.LEAST, "compiled"]) <= {
        "no compiler named",
        "XLA",
        "torch.compile",
    }
    pooled = math.exp(np.log(published["ratio"].dropna()).mean())
    assert not np.isclose(table["mean"].dropna(), pooled).any()


def test_a_compiler_on_one_side_makes_another_group():
    table = groups(pd.concat([rows([1.0], url="a"), rows([1.0], url="b", tensorflow_mode="graph+XLA")]))
    assert list(table["compiled"]) == ["no compiler named", "XLA"]
