"""From what machines left to the tables of the page: counted by hand, checked against the schemas, side by side."""

import csv
import json
import re

import pandas as pd
import pytest

from analysis import usability, usability_page
from reproductions.errors import SurveyError
from reproductions.usability import tasks
from reproductions.usability.faults import catalogue
from tests.usability_fixtures import HOSTILE, write_measurements

EXAMPLE = "example-cpu-2c"


@pytest.fixture(scope="module")
def measurements(tmp_path_factory):
    return write_measurements(tmp_path_factory.mktemp("measurements"), everything=True)


@pytest.fixture(scope="module")
def tables(measurements, root):
    return usability.tables(usability.read(measurements, root / "workflow" / "schemas"))


@pytest.fixture
def edited(tmp_path, root):
    """Return a function that changes one cell of one machine's table, then reads it."""

    def read(table, row, column, value):
        folder = write_measurements(tmp_path / "m", machines=(EXAMPLE,))
        path = folder / EXAMPLE / f"{table}.csv"
        with path.open(newline="") as handle:
            rows = list(csv.DictReader(handle))
        rows[row][column] = value
        pd.DataFrame(rows).to_csv(path, index=False)
        return usability.read(folder, root / "workflow" / "schemas")

    return read


def test_nothing_measured_gives_every_table_without_a_row(tmp_path, root):
    made = usability.write_tables(tmp_path / "none", root / "workflow" / "schemas", tmp_path / "out")
    assert set(made) == set(usability.COLUMNS)
    assert all(frame.empty for frame in made.values())
    assert {path.stem for path in (tmp_path / "out").iterdir()} == set(usability.COLUMNS)


def test_the_workflow_names_every_table(root):
    text = (root / "workflow" / "rules" / "common.smk").read_text()
    listed = re.search(r"USABILITY_TABLES = \[(.*?)\]", text, re.S)[1]
    assert re.findall(r'"(\w+)"', listed) == list(usability.COLUMNS)


def test_machines_stand_side_by_side_with_their_day(tables):
    for name, frame in tables.items():
        assert set(frame["machine"]) == {EXAMPLE, "other-cpu-8c"}, name
        assert set(frame["date"]) == {"2026-11-22"}, name


def test_rates_count_errors_and_warnings_and_leave_out_what_does_no_harm(tables):
    expected = [
        fault.expected["pytorch-eager"]["outcome"]
        for fault in catalogue.discover().values()
        if "pytorch-eager" in fault.cells()
    ]
    rates = tables["usability_rates"]
    row = rates[(rates["mode"] == "pytorch-eager") & (rates["machine"] == EXAMPLE)].iloc[0]
    assert row["n"] == len(expected) - expected.count("harmless")
    assert row["noticed"] == expected.count("noticed") and row["silent"] == expected.count("silent")
    assert row["share_told"] == (expected.count("noticed") + expected.count("warned")) / row["n"]
    assert row["share_told_low"] < row["share_told"] < row["share_told_high"]


def test_stages_of_a_mode_add_up_to_its_faults(tables):
    for _, rows in tables["usability_stages"].groupby(["machine", "mode"]):
        assert list(rows["stage"]) == list(usability.STAGES)
        assert rows["faults"].sum() == rows["n"].iloc[0]


def test_shares_of_messages_count_only_where_the_question_arises(tables):
    faults, messages = tables["usability_faults"], tables["usability_messages"]
    mine = faults[
        (faults["machine"] == EXAMPLE) & (faults["mode_title"] == "XLA") & faults["noticed"].isin(["noticed", "warned"])
    ]
    row = messages[(messages["machine"] == EXAMPLE) & (messages["mode"] == "tensorflow-xla")].iloc[0]
    assert row["says"] == "shows the faulty line"
    assert (row["faults"], row["n"]) == (
        (mine["line_in_traceback"] == "yes").sum(),
        mine["line_in_traceback"].isin(["yes", "no"]).sum(),
    )


def test_tools_are_counted_over_silent_faults_alone(tables):
    faults, tools = tables["usability_faults"], tables["usability_tools"]
    mine = faults[
        (faults["machine"] == EXAMPLE) & (faults["mode_title"] == "Keras fit") & (faults["noticed"] == "silent")
    ]
    row = tools[(tools["machine"] == EXAMPLE) & (tools["mode"] == "keras-fit")].iloc[0]
    assert row["n"] == len(mine)
    assert row["share"] == mine["noticed_by_tools"].isin(["noticed", "warned", "shown"]).mean()


def test_the_median_ratio_is_that_of_the_tasks_and_lies_in_its_interval(tables):
    ratios, medians = tables["usability_ratios"], tables["usability_medians"]
    mine = ratios[(ratios["machine"] == EXAMPLE) & (ratios["pair"] == "pytorch/keras") & (ratios["metric"] == "tokens")]
    row = medians[
        (medians["machine"] == EXAMPLE) & (medians["compared"] == "PyTorch / Keras") & (medians["metric"] == "tokens")
    ].iloc[0]
    assert len(mine) == len(tasks.discover())
    assert row["value"] == pytest.approx(mine["value"].median(), rel=1e-5)
    assert row["low"] <= row["value"] <= row["high"]
    wide = tables["usability_compared"].set_index(["machine", "metric"]).loc[(EXAMPLE, "tokens")]
    assert (wide["of_keras"], wide["of_keras_low"]) == (row["value"], row["low"])


def test_a_text_that_changed_since_is_said_to_have(edited):
    measured = edited("usability_programs", 0, "origin", "train_classifier/pytorch.py sha256:000000000000")
    row = usability.tables(measured)["usability_tasks"].iloc[0]
    assert (row["task"], row["program"], row["text"]) == ("train_classifier", "pytorch", "changed since")


def test_the_same_measurements_give_the_same_tables(measurements, root):
    first, second = (usability.tables(usability.read(measurements, root / "workflow" / "schemas")) for _ in range(2))
    for name in first:
        pd.testing.assert_frame_equal(first[name], second[name])


@pytest.mark.parametrize(
    ("table", "column", "value", "words"),
    [
        (
            "usability_programs",
            "metric",
            "logical_line",
            r'usability_programs.csv: row 2: metric "logical_line" is not known; did you mean',
        ),
        (
            "usability_faults",
            "frames",
            "many",
            r'usability_faults.csv: row 2: frames "many" is not a whole number; fix the row',
        ),
        (
            "usability_faults",
            "kind",
            "shapes",
            r'usability_faults.csv: row 2: kind "shapes" is not known; did you mean "shape"',
        ),
        (
            "first_contact",
            "machine",
            "elsewhere",
            "first_contact.csv: row 2: machine elsewhere lies in the folder of example-cpu-2c; move",
        ),
    ],
)
def test_a_bad_cell_is_answered_with_file_row_and_remedy(edited, table, column, value, words):
    with pytest.raises(SurveyError, match=words):
        edited(table, 0, column, value)


def test_listings_that_are_broken_are_named(tmp_path, root):
    folder = write_measurements(tmp_path, machines=(EXAMPLE,))
    path = folder / EXAMPLE / "usability_listings.json"
    path.write_text("{")
    with pytest.raises(SurveyError, match=r"usability_listings.json: not JSON .*; remove the file and measure again"):
        usability.read(folder, root / "workflow" / "schemas")
    path.write_text(json.dumps({"export": {"pytorch": "x"}}))
    with pytest.raises(SurveyError, match=r"usability_listings.json: export: .*missing; add it"):
        usability.read(folder, root / "workflow" / "schemas")


def test_every_task_stands_with_its_three_texts_and_every_fault_with_its_messages(tables):
    shown = usability_page.context(tables)
    assert [task["id"] for task in shown["listings"]] == list(tasks.discover())
    assert all(len(task["sides"]) == 3 for task in shown["listings"])
    assert {fault["id"] for fault in shown["faults"]} == set(catalogue.discover())
    for fault in shown["faults"]:
        told = [cell for cell in fault["cells"] if cell["outcome"] in ("noticed", "warned")]
        assert bool(told) <= bool(fault["messages"]), fault["id"]
        assert fault["sources"] and fault["story"]


def test_machines_on_which_the_same_happened_share_a_line(tables):
    fault = next(fault for fault in usability_page.context(tables)["faults"] if fault["id"] == "wrong_input_shape")
    assert [cell["mode"] for cell in fault["cells"]] == list(usability.MODES.values())
    assert all(cell["seconds"] == "0.50; 0.50" for cell in fault["cells"])
    assert fault["measured"].count("other-cpu-8c") == 1


def test_of_many_places_those_in_the_middle_are_counted():
    few = " > ".join("abcdefgh")
    assert usability_page.few_places(few) == few
    assert usability_page.few_places(" > ".join(["a", "b", "c", "d", "(3 more)", "e", "f", "g", "h", "i"])) == (
        "a > b > c > (5 more) > f > g > h > i"
    )


def test_highlighted_source_is_the_source(root):
    from html import unescape

    text = tasks.find("export").text("pytorch")
    marked = usability_page.highlight(text)
    assert unescape(re.sub(r"</?i[^>]*>", "", marked)) == text.rstrip()
    assert "<i class=k>" in marked
    assert "<script" not in usability_page.highlight(f"x = '{HOSTILE}'")


def test_without_measurements_the_page_says_which_command_brings_them(tmp_path, root):
    from analysis.drawing import draw_all
    from analysis.figures import discover
    from analysis.report import render

    usability.write_tables(tmp_path / "none", root / "workflow" / "schemas", tmp_path / "tables")
    draw_all(
        tmp_path / "tables",
        tmp_path / "figures",
        only=[name for name, module in discover().items() if module.SECTION == "usability"],
    )
    page = render(
        tmp_path / "tables",
        tmp_path / "figures",
        None,
        tmp_path / "report" / "index.html",
        built="2026-11-22",
        preset="quick",
        template_dir=root / "workflow" / "report",
    ).read_text("utf-8")
    section = page[page.index('<section id="usability"') : page.index('<section id="machine"')]
    assert "No fault has been planted here yet" in section and "No paired program has been run here yet" in section
    assert section.count("holds no row yet") >= 12
    assert section.count(usability.COMMAND) >= 12
