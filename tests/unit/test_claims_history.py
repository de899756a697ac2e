"""Verdicts that moved are told with what may have moved them, and only recording writes them down."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from analysis.claims import history
from analysis.claims.rules import SUPPORTED, UNDECIDED, UNTESTED

MACHINES = pd.DataFrame(
    [
        {
            "machine": "a",
            "preset": "standard",
            "date": "2026-11-26",
            "pytorch_version": "2.13",
            "tensorflow_version": "2.21",
        }
    ]
)
TABLES = {"performance_machines": MACHINES, "sources": pd.DataFrame({"source": ["he_2019"], "version": ["1"]})}


def claims(verdict=SUPPORTED, certainty="moderate"):
    return pd.DataFrame([{"claim": "C01", "verdict": verdict, "certainty": certainty, "estimate": "1.3 [1.2, 1.4]"}])


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "verdicts.csv"
    assert history.record(claims(), TABLES, "2026-11-26", path) == 1
    return path


def moved(path, frame, tables):
    return history.moves(frame, history.recorded(path), history.fingerprints(tables))


def test_what_stays_is_not_recorded_again(path):
    before = path.read_text()
    assert history.record(claims(), TABLES, "2026-12-01", path) == 0
    assert path.read_text() == before


def test_what_moves_is_appended_and_nothing_is_rewritten(path):
    before = path.read_text()
    assert history.record(claims(UNDECIDED), TABLES, "2026-12-01", path) == 1
    assert path.read_text().startswith(before)
    assert history.recorded(path)["C01"]["verdict"] == UNDECIDED


@pytest.mark.parametrize(
    ("cause", "changed"),
    [
        ("data", {"sources": pd.DataFrame({"source": ["he_2019"], "version": ["2"]})}),
        ("machine", {"performance_machines": MACHINES.assign(machine="b")}),
        ("upstream release", {"performance_machines": MACHINES.assign(pytorch_version="2.15")}),
    ],
)
def test_the_cause_is_what_differs(path, cause, changed):
    (row,) = moved(path, claims(UNDECIDED), TABLES | changed)
    assert row["causes"] == cause
    assert (row["before"], row["after"]) == ("supported, moderate certainty", "undecided, moderate certainty")


def test_a_change_of_the_rules_is_a_cause(path, monkeypatch):
    before = history.recorded(path)
    now = history.fingerprints(TABLES) | {"code": "other"}
    (row,) = history.moves(claims(UNTESTED, ""), before, now)
    assert row["causes"] == "code"
    assert row["after"] == UNTESTED


def test_a_claim_that_was_never_recorded_did_not_move():
    assert history.moves(claims(), {}, history.fingerprints(TABLES)) == []


def test_each_page_keeps_its_words():
    kept = json.loads(history.as_json(claims(), history.fingerprints(TABLES), "2026-11-26"))
    assert kept["claims"]["C01"]["verdict"] == SUPPORTED
    assert set(kept["rests_on"]) == set(history.CAUSES)


def test_the_recorded_verdicts_are_complete_and_known():
    from analysis.claims.registry import load_claims
    from analysis.claims.rules import VERDICTS

    recorded = history.recorded()
    assert set(recorded) <= set(load_claims())
    assert len(recorded) >= 24
    assert {row["verdict"] for row in recorded.values()} <= set(VERDICTS)


def test_every_move_on_record_is_told_the_newest_first(path):
    history.record(claims(UNDECIDED), TABLES, "2026-12-01", path)
    history.record(claims(SUPPORTED, "low"), TABLES, "2026-12-02", path)
    now = history.fingerprints(TABLES) | {"machine": "b standard 2026-12-03"}
    found = history.all_moves(claims(), now, path)
    assert [(move["since"], move["until"]) for move in found] == [
        ("2026-12-02", history.THIS_PAGE), ("2026-12-01", "2026-12-02"), ("2026-11-26", "2026-12-01"),
    ]  # fmt: skip
    assert found[0]["before"] == "supported, low certainty"
    assert "b standard 2026-12-03" in found[0]["why"]
    assert found[1]["causes"].startswith("not known")
