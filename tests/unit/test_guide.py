"""The guide takes every number from a table, and says so where there is none."""

from __future__ import annotations

import re

import pandas as pd
import pytest
import yaml

from analysis import guide
from analysis.guide import Answer, GuideError, Take, load_guide, tell
from analysis.report import render
from tests.page_fixtures import BUILT, ROOT, built_page, real_tables  # noqa: F401  fixtures

FACTS = pd.DataFrame(
    [
        {
            "fact": "a",
            "value": "2.21",
            "date": "2026-03-06",
            "checked": "2026-11-22",
            "verified": "registry",
            "cites": "pypi",
        }
    ]
)
ANSWER = Answer("It is {version} of {day}.", {
    "version": Take("facts", (("fact", "a"),), "value", "text"), "day": Take("facts", (("fact", "a"),), "date", "day"),
})  # fmt: skip


def test_a_sentence_gets_its_numbers_with_day_and_source():
    told = tell(ANSWER, {"facts": FACTS})
    assert told.text == "It is 2.21 of 6 March 2026."
    assert (told.days, told.verified, told.cites) == (["2026-11-22"], ["seen in the package index"], ["pypi"])


@pytest.mark.parametrize(
    "facts",
    [None, FACTS.head(0), FACTS.assign(fact="b"), FACTS.drop(columns="value"), FACTS.assign(value=float("nan"))],
)
def test_a_sentence_whose_number_is_missing_is_left_out(facts):
    assert tell(ANSWER, {} if facts is None else {"facts": facts}) is None


def test_none_of_some_is_told_and_none_of_none_is_not():
    where = (("status", "ok"),)
    of = Take("upkeep_safety", where, "outcome", "some")
    executed = Take("upkeep_safety", (*where, ("outcome", "executed")), "outcome", "count")
    answer = Answer("Of {n} files {executed} ran.", {"n": of, "executed": executed})
    rows = pd.DataFrame([{"status": "ok", "outcome": "refused", "date": "2026-11-27", "basis": "run"}])
    told = tell(answer, {"upkeep_safety": rows})
    assert (told.text, told.verified) == ("Of 1 files 0 ran.", [guide.MEASURED])
    assert tell(answer, {"upkeep_safety": rows.assign(status="not_run", basis="not run")}) is None


@pytest.mark.parametrize(
    ("basis", "words"), [("metadata", "seen in the package index"), ("cited", "read at the source")]
)
def test_a_row_says_what_it_rests_on(basis, words):
    rows = pd.DataFrame([{"package": "torch", "version": "2", "basis": basis, "read": "2026-11-26"}])
    answer = Answer("{version}", {"version": Take("upkeep_packages", (("package", "torch"),), "version", "text")})
    assert tell(answer, {"upkeep_packages": rows}).verified == [words]


def test_every_question_has_its_own_number_in_a_situation():
    situations = load_guide()
    names = [question.id for situation in situations for question in situation.questions]
    assert sorted(names) == [f"q{number:02}" for number in range(1, len(names) + 1)], "a new question takes the next"
    assert all(question.threads for situation in situations for question in situation.questions)
    assert len({situation.id for situation in situations}) == len(situations)


def test_every_fact_of_the_guide_exists():
    facts = set(pd.read_csv(ROOT / "data" / "facts.csv", dtype=str)["fact"])
    wanted = set(re.findall(r"facts \| fact=(\w+)", guide.GUIDE_YAML.read_text("utf-8")))
    assert wanted <= facts


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"say": "It is 2.21.", "take": {}}, "a number is typed"),
        ({"say": "It is {x}.", "take": {}}, "nothing is taken for x"),
        ({"say": "It is {x}.", "take": {"x": "facts | fact=a | value | colour"}}, "format colour"),
    ],
)
def test_a_faulty_question_is_named(tmp_path, change, message):
    entry = {"id": "q99", "asks": "What?", "threads": ["a/b#1"], "answers": [change]}
    path = tmp_path / "guide.yaml"
    path.write_text(yaml.safe_dump([{"situation": "s", "title": "S", "questions": [entry]}]))
    with pytest.raises(GuideError, match=f"question q99.*{message}"):
        load_guide(path)


def test_threads_have_addresses():
    assert guide.thread("pytorch/serve#3396") == {
        "url": "https://github.com/pytorch/serve/issues/3396", "title": "serve#3396",
    }  # fmt: skip
    assert guide.thread("https://www.example.org/a/b")["title"] == "example.org"


def test_one_changed_number_changes_the_sentences_that_show_it(real_tables):  # noqa: F811
    tables = {path.stem: pd.read_csv(path, low_memory=False) for path in real_tables.glob("*.csv")}
    targets = ["C01", "fig:usability_contact"]

    def texts(given):
        return {q["id"]: q["text"] for s in guide.context(given, targets) for q in s["questions"]}

    packages, facts = tables["upkeep_packages"].copy(), tables["facts"].copy()
    packages.loc[packages["package"].eq("tensorflow"), "patched_days"] = 999
    facts.loc[facts["fact"].eq("tf_python"), "value"] = "9.99"
    before = texts(tables)
    after = texts(tables | {"upkeep_packages": packages, "facts": facts})
    assert {name for name in before if before[name] != after[name]} == {"q29"}, "what was counted stands before a fact"
    assert "999 days" in after["q29"]
    looked_up = {name: frame for name, frame in tables.items() if not name.startswith("upkeep_")}
    before, after = texts(looked_up), texts(looked_up | {"facts": facts})
    assert {name for name in before if before[name] != after[name]} == {"q14", "q25"}
    assert "9.99" in after["q25"]


@pytest.mark.parametrize("table", ["deployment_matrix", "upkeep_moving", "upkeep_defaults", "upkeep_old_files"])
def test_what_was_run_here_is_told_before_what_was_looked_up(table, real_tables):  # noqa: F811
    tables = {path.stem: pd.read_csv(path, low_memory=False) for path in real_tables.glob("*.csv")}
    wanted = [q for s in load_guide() for q in s.questions if any(t.table == table for t in q.answers[0].take.values())]
    told = [words for words in (tell(question.answers[0], tables) for question in wanted) if words]
    assert told and all(guide.MEASURED in words.verified for words in told)
    rest = {name: tables[name] for name in tables if name != table}
    assert not any(tell(question.answers[0], rest) for question in wanted)


def test_a_question_without_evidence_says_what_it_needs(built_page, tmp_path):  # noqa: F811
    for name in ("tables", "figures"):
        (tmp_path / name).mkdir()
    empty = render(
        tmp_path / "tables", tmp_path / "figures", None, tmp_path / "report" / "index.html",
        built=BUILT, preset="quick", template_dir=ROOT / "workflow" / "report",
    ).read_text("utf-8")  # fmt: skip
    questions = [question for situation in load_guide() for question in situation.questions]
    assert empty.count("Not answered from evidence here.") == len(questions)
    assert "It needs: bitwise equality over repeated runs" in empty
    assert "bitwise equality over repeated runs" in built_page.text, "asked for besides an answer as well"
    tables = {path.stem: pd.read_csv(path, low_memory=False) for path in (built_page.root / "tables").glob("*.csv")}
    silent = [q["id"] for s in guide.context(tables, []) for q in s["questions"] if not q["text"]]
    assert built_page.text.count("Not answered from evidence here.") == len(silent)
