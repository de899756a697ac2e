"""The benchmarks run as a whole and say what they measured; bounds are wide, for the machine is not quiet here."""

import csv

import pytest

from benchmarks import harvest, synthetic, timing
from benchmarks.__main__ import main

TINY = harvest.Size(1, 2, 1, 4000, 3000, 2000, 3)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Goals and folder of the smallest run."""
    out, patch = tmp_path_factory.mktemp("benchmarks"), pytest.MonkeyPatch()
    patch.setattr(harvest, "QUICK", TINY)
    try:
        goals = harvest.run(out, quick=True, say=lambda words: None)
    finally:
        patch.undo()
    return goals, out


def test_the_tables_say_what_was_measured_on_what(measured):
    goals, out = measured
    text = (out / "harvest.md").read_text()
    for heading in ("# Harvest", "## Goals", "## Parsing", "### A page cut in half", "## Mention scan", "## Archive"):
        assert heading in text
    assert "too small for conclusions" in text
    assert all(f"| {goal.text} |" in text for goal in goals)
    with (out / "harvest.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert tuple(rows[0]) == harvest.COLUMNS
    assert {"parsing", "ingesting", "mentions", "archive"} == {row["task"] for row in rows}
    assert {row["items"] for row in rows if row["contender"] == "whole"} == {str(3 * synthetic.OAI_PAGE)}


def test_a_cut_page_raises_in_our_parsers(measured):
    text = (measured[1] / "harvest.md").read_text()
    assert text.count("raises: cut or not well-formed XML") == 2


def test_our_parts_are_far_from_slow(measured):
    found = {goal.text: goal for goal in measured[0]}
    for text, bound in {
        "OAI-PMH records a CPU-second, of Sickle's": 1.3,
        "Atom records a CPU-second, of the arxiv package's": 1.3,
        "Atom records a CPU-second, of feedparser's": 8,
        "gzipped pages to parquet, records a CPU-second": 2000,
    }.items():
        if found[text].measured is not None:
            assert found[text].measured[0] > bound
    for text in ("peak memory, OAI-PMH pages", "peak memory, Atom pages", "mention scan, peak memory"):
        assert found[text].met == "yes"


def test_a_peer_that_is_not_installed_is_said_and_not_counted():
    ours = timing.Series("parsing", "ours", [{"items": 10, "seconds": 1.0, "peak_mib": 30}])
    peer = timing.Series("parsing", "Sickle", missing="No module named 'sickle'")
    assert timing.ratio(ours, peer) is None
    assert harvest.Goal("text", True, 2.3, None).met == "not measured"


def test_contenders_that_disagree_end_the_run(monkeypatch, tmp_path):
    outcomes = {"one": 1, "two": 2}
    monkeypatch.setattr(
        timing, "once", lambda task, name, folder: {"items": 1, "seconds": 1, "answer": outcomes[name], "peak_mib": 1}
    )
    with pytest.raises(timing.ContenderFailed, match="do not agree"):
        timing.alternate("archive", ["one", "two"], tmp_path, 1, lambda words: None)


def test_the_command_tells_unmet_goals_by_its_exit_code(monkeypatch, tmp_path, capsys):
    for measured, code in (((2.0, 1.0, 3.0), 1), ((3.0, 2.0, 4.0), 0)):
        goal = harvest.Goal("a rate", True, 2.3, measured)
        monkeypatch.setattr(harvest, "run", lambda *arguments, goal=goal: [goal])
        assert main(["harvest", "--out", str(tmp_path)]) == code
    assert "| a rate | at least 2.3 x | 2 [1, 3] x | no |" in capsys.readouterr().out


def test_made_abstracts_have_the_real_shape():
    texts = synthetic.abstracts(4000, seed=1)
    assert abs(sum(len(text.encode()) for text in texts) / len(texts) - synthetic.ABSTRACT_BYTES) < 40
    assert abs(sum(not text.isascii() for text in texts) / len(texts) - synthetic.NON_ASCII) < 0.03
    names = [name for name, _ in synthetic.identifiers(0, 3_000_000)]
    assert len(set(names)) == 3_000_000
