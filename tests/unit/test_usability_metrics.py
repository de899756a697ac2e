"""Measures of texts with values counted by hand, agreement, the table's rows, first contact's parsing."""

import ast
import json
import math
import shutil
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.version import Version

from reproductions.errors import SurveyError
from reproductions.usability import contact, metrics, programs, summary, tasks
from reproductions.usability.tasks import Comparison
from reproductions.validation import check

SMALL = '''"""A docstring counts for nothing."""

# nor does a comment
import torch
from torch import nn


class Net(nn.Module):
    """Nor this."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)


@torch.no_grad()
def predict(model, x):
    model.eval()
    x = torch.from_numpy(x)
    if x.ndim == 1 and len(x):
        x = x[None]
    return model(x)
'''


def test_logical_lines_are_statements_without_docstrings():
    # 2 imports, class, def, super, assignment, def, eval, conversion, if, assignment, return
    assert metrics.logical_lines(ast.parse(SMALL)) == 12


def test_framework_names_are_resolved_from_imports_and_methods_are_not():
    names = metrics.framework_names(ast.parse(SMALL))
    assert names == {"torch.nn.Module", "torch.nn.Linear", "torch.no_grad", "torch.from_numpy"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("import tensorflow as tf\ntf.nn.relu(1)", "tensorflow.nn.relu"),
        ("import torch.nn.functional as F\nF.relu(1)", "torch.nn.functional.relu"),
        ("import torch.nn\ntorch.nn.Linear(1, 1)", "torch.nn.Linear"),
        ("from keras.layers import Dense as D\nD(1)", "keras.layers.Dense"),
    ],
)
def test_every_way_to_import_gives_the_full_name(text, name):
    assert metrics.framework_names(ast.parse(text)) == {name}


def test_names_of_other_packages_are_not_the_frameworks():
    assert metrics.framework_names(ast.parse("import numpy as np\nnp.zeros(1)\nprint(len([]))")) == set()


def test_lines_for_the_framework_alone_follow_the_rule():
    # 2 imports, the decorator, super().__init__(), model.eval(), the conversion
    assert metrics.framework_only_lines(ast.parse(SMALL)) == 6


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        ("with torch.no_grad():\n    pass", 1),
        ("with open('x') as f:\n    pass", 0),
        ("with torch.no_grad(), open('x'):\n    pass", 0),
        ("optimizer.step()", 1),
        ("loss.backward(retain_graph=True)", 0),
        ("model.fit(x)", 0),
        ("prepare()", 0),
        ("y = torch.tensor(labels)", 1),
        ("y = torch.tensor(read(labels))", 0),
        ("layer = torch.nn.Linear(2, 1)", 0),
        ("import numpy", 0),
    ],
)
def test_what_is_for_the_framework_alone_line_by_line(line, counts):
    assert metrics.framework_only_lines(ast.parse(f"import torch\n{line}")) == 1 + counts


def test_tokens_leave_out_comments_docstrings_and_layout():
    text = '"""No."""\n\n# no\nx = f(1)  # no\n'
    assert [word for _, word in metrics.tokens(text)] == ["x", "=", "f", "(", "1", ")"]


def test_an_f_string_is_one_token_on_every_python():
    assert [kind for kind, _ in metrics.tokens('x = f"{y + 1} and {z}"\n')] == ["NAME", "OP", "STRING"]


def test_halstead_volume_counts_a_pair_of_brackets_once():
    # operators = ( +, operands x f 1 y: N = 7, n = 7
    assert metrics.halstead_volume(metrics.tokens("x = f(1 + y)\n")) == pytest.approx(7 * math.log2(7))
    # operators: return if else; operands: None, x twice: N = 6, n = 5
    assert metrics.halstead_volume(metrics.tokens("return None if x else x\n")) == pytest.approx(6 * math.log2(5))


def test_cyclomatic_complexity_is_decisions_of_all_functions_plus_one():
    # if, and
    assert metrics.cyclomatic_complexity(SMALL) == 3
    nested = "def f(x):\n    def g(y):\n        return 1 if y else 2\n    for i in x:\n        g(i)\n"
    assert metrics.cyclomatic_complexity(nested) == 3
    assert metrics.cyclomatic_complexity("x = 1\n") == 1


def test_a_text_that_is_no_python_is_refused():
    with pytest.raises(SyntaxError):
        metrics.of("def (:\n")


# -- tasks -------------------------------------------------------------------------------------------------------------
@pytest.fixture
def task(tmp_path):
    """A task whose programs need no framework, in a folder of its own."""
    folder = tmp_path / "programs" / "echo"
    folder.mkdir(parents=True)
    shutil.copyfile(tasks.BUILT_IN / "custom_loss" / "task.yaml", folder / "task.yaml")
    (folder / "data.py").write_text("def make(rng, sizes):\n    return {'x': rng.normal(size=3)}\n")
    for program in tasks.PROGRAMS:
        text = "def build():\n    return None\n\n\ndef main(model, data):\n    return {'predicted': data['x']}\n"
        (folder / f"{program}.py").write_text(text)
    return tasks.load(folder)


def test_every_task_is_complete_and_every_text_fits_side_by_side():
    found = tasks.discover()
    assert len(found) >= 12
    for task in found.values():
        for program in tasks.PROGRAMS:
            text = task.text(program)
            assert max(map(len, text.splitlines())) <= 88, f"{task.id}/{program}.py"
            assert "reproductions" not in text and text.startswith('"""')


def test_an_unknown_task_is_answered_with_the_nearest():
    with pytest.raises(SurveyError, match="did you mean 'custom_loss'"):
        tasks.find("custom_los")


def test_a_wrong_key_in_a_task_is_named(task):
    path = task.folder / "task.yaml"
    path.write_text(path.read_text().replace("compare:", "compares:"))
    with pytest.raises(SurveyError, match="compares"):
        tasks.load(task.folder)


def test_agreement_is_the_distance_in_tolerances_to_the_farthest_program(task):
    results = {"pytorch": {"predicted": [1.0]}, "tensorflow": {"predicted": [1.0]}, "keras": {"predicted": [1.0002]}}
    assert programs.agreement(task, results, "pytorch")["predicted"] == pytest.approx(2)


@pytest.mark.parametrize("own", [[[1.0]], [float("nan")], None])
def test_a_result_that_is_missing_misshapen_or_not_finite_does_not_agree(task, own):
    results = {"pytorch": {"predicted": own}, "keras": {"predicted": [1.0]}}
    assert programs.agreement(task, results, "pytorch")["predicted"] == math.inf


def test_an_expected_value_is_compared_even_if_all_programs_are_wrong_alike(task):
    wrong = tasks.Task(**{**task.__dict__, "compare": {"done": Comparison(0, True)}})
    results = {program: {"done": 0.0} for program in tasks.PROGRAMS}
    assert programs.agreement(wrong, results, "keras") == {"done": math.inf}


# -- runs --------------------------------------------------------------------------------------------------------------
SMOKE = programs.Options(size="smoke", repeats=1, timeout_s=60)


def test_a_failing_program_is_a_row_and_the_others_are_still_compared(task, tmp_path):
    (task.folder / "keras.py").write_text("raise RuntimeError('planted')\n")
    rows = programs.measure([task], tmp_path / "out", SMOKE)
    failed = [row for row in rows if row["status"] == "failed"]
    assert [(row["program"], row["metric"], row["note"]) for row in failed] == [
        ("keras", "wall_s", "RuntimeError: planted")
    ]
    distances = {row["program"]: row["status"] for row in rows if row["metric"] == "distance"}
    assert distances == {"pytorch": "ok", "tensorflow": "ok", "keras": "untested"}


def test_what_a_program_is_warned_of_and_logs_is_kept_without_paths(task, tmp_path):
    text = (task.folder / "keras.py").read_text()
    noisy = "import sys\nimport warnings\n\nwarnings.warn('old /home/me/lib/x.py', DeprecationWarning)\n"
    noisy += "print('Epoch 1 of 3')\n"
    noisy += "sys.stderr.write('2026-01-01 10:00:00.123: I /home/me/lib/port.cc:1] on\\n')\n"
    (task.folder / "keras.py").write_text(noisy + text)
    rows = programs.measure([task], tmp_path / "out", SMOKE)
    mine = {row["metric"]: row for row in rows if row["program"] == "keras"}
    assert mine["warning"]["note"] == "DeprecationWarning (hidden unless asked for): old x.py"
    assert (mine["deprecations"]["value"], mine["warnings_shown"]["value"]) == (1, 0)
    assert (mine["log_lines"]["value"], mine["log_line"]["note"]) == (1, "I port.cc:1] on")


def test_a_killed_measurement_goes_on_and_finished_runs_are_not_run_again(task, tmp_path, monkeypatch):
    real, seen = programs.run, []

    def stop_after_two(jobs, options):
        if len(seen) == 2:
            raise KeyboardInterrupt
        seen.append(jobs[0][1])
        return real(jobs, options)

    monkeypatch.setattr(programs, "run", stop_after_two)
    with pytest.raises(KeyboardInterrupt):
        programs.measure([task], tmp_path, SMOKE)
    monkeypatch.setattr(programs, "run", lambda jobs, options: seen.append(jobs[0][1]) or real(jobs, options))
    programs.measure([task], tmp_path, SMOKE)
    assert seen == ["pytorch", "tensorflow", "keras"]
    assert not (tmp_path / "unfinished" / "usability_programs.jsonl").exists()
    assert json.loads((tmp_path / programs.LISTINGS).read_text())["echo"]["keras"] == task.text("keras")


def test_measuring_one_task_again_keeps_the_rows_of_the_others(task, tmp_path):
    other = task.folder.with_name("other")
    shutil.copytree(task.folder, other)
    programs.measure([task, tasks.load(other)], tmp_path, SMOKE)
    programs.measure([task], tmp_path, SMOKE)
    rows = programs.read(tmp_path / programs.TABLE)
    assert {row["task"] for row in rows} == {"echo", "other"}
    assert len({(row["task"], row["program"], row["metric"]) for row in rows}) == len(rows)


# -- summary -----------------------------------------------------------------------------------------------------------
def _rows(values, metric="tokens", status="ok"):
    common = {"machine": "m", "size": "full", "status": "ok"}
    rows = []
    for number, pair in enumerate(values):
        for program, value in zip(("pytorch", "keras"), pair, strict=True):
            row = common | {"task": f"t{number}", "program": program}
            rows += [row | {"metric": metric, "value": value}]
            rows += [row | {"metric": "distance", "value": 0.1, "status": status}]
    return rows


def test_the_summary_is_the_median_ratio_over_tasks_with_an_interval_around_it():
    [row] = summary.summarise(_rows([(2, 1), (4, 1), (3, 1), (6, 1), (5, 1)]))
    assert (row["pair"], row["statistic"], row["value"], row["tasks"]) == ("pytorch/keras", "median ratio", 4, 5)
    assert row["low"] <= 4 <= row["high"] and row["low"] < row["high"]


def test_counts_that_may_be_zero_are_subtracted():
    [row] = summary.summarise(_rows([(2, 0)] * 5, metric="warnings"))
    assert (row["statistic"], row["value"]) == ("median difference", 2)


def test_few_tasks_get_no_interval_and_disagreeing_ones_do_not_count():
    [row] = summary.summarise(_rows([(2, 1)] * 4))
    assert "low" not in row and "no interval" in row["note"]
    assert summary.summarise(_rows([(2, 1)] * 5, status="disagrees")) == []


# -- first contact -----------------------------------------------------------------------------------------------------
SAID = """
  Skipping link: the tags (x) are not compatible: torch-2.15.0-cp313-cp313t-manylinux_2_28_x86_64.whl (from )
  Found link torch-2.15.0-cp311-cp311-manylinux_2_28_x86_64.whl (from ) (requires-python:>=3.11), version: 2.15.0
  Skipping link: torch-2.15.0-cp312-none-macosx_14_0_arm64.whl (from ) torch-2.16.0rc1-cp312-none-macosx_14_0_arm64.whl
  Found link torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl torchvision-9.0.0-cp311-cp311-win_amd64.whl
torch (2.15.0)
Available versions: 2.15.0, 2.14.1, 2.14.0, 2.14.0rc1
"""


def test_the_newest_final_release_and_its_wheels_are_read_from_pip():
    version, names = contact.newest_wheels(SAID, "torch")
    assert version == Version("2.15.0")
    assert contact.tags(names) == (["3.11", "3.12", "3.13t"], ["Linux x86-64", "macOS arm64"])


def test_a_wheel_for_everything_is_said_to_be_for_any():
    assert contact.tags(["keras-3.15.1-py3-none-any.whl"]) == (["any"], ["any"])


def test_final_releases_leave_out_candidates():
    assert contact.finals(SAID) == {Version("2.15.0"), Version("2.14.1"), Version("2.14.0")}


def test_pip_that_names_no_wheel_is_a_row_that_says_so(monkeypatch):
    monkeypatch.setattr(contact, "_pip", lambda *_: "nothing")
    rows = contact.registry("torch", contact.Options())
    assert {row["status"] for row in rows} == {"not_run"} and all(row["value"] == "" for row in rows)


@pytest.mark.parametrize(
    ("said", "made"),
    [("pip 26.3 from /somewhere", False), ("pip 25.1 from /somewhere", True), ("something else", False)],
)
def test_an_old_pip_is_left_alone_and_a_new_one_put_aside(monkeypatch, tmp_path, said, made):
    asked = []
    monkeypatch.setattr(contact, "_pip", lambda options, *words: asked.append((options.pip_python, words)) or said)
    options = contact._with_recent_pip(contact.Options(), tmp_path / "aside")
    assert (options.pip_python is not None) == made == (tmp_path / "aside" / "pyvenv.cfg").is_file()
    assert [words[0] for python, words in asked if python] == (["install"] if made else [])


def test_offline_asks_nothing(monkeypatch):
    monkeypatch.setattr(contact, "_pip", lambda *_: pytest.fail("asked"))
    assert {row["note"] for row in contact.registry("torch", contact.Options(registry=False))} == {
        "not asked (--offline)"
    }


@pytest.mark.parametrize(
    ("text", "is_open"),
    [("a", True), ("a>=1", True), ("a>=1,!=2", True), ("a>=1,<2", False), ("a==1", False), ("a~=1.2", False)],
)
def test_a_range_is_open_without_an_upper_bound(text, is_open):
    assert contact.is_open(Requirement(text)) is is_open


def test_what_a_package_brings_along_is_found_through_its_metadata():
    whole = contact.closure(metadata.distribution("jsonschema"))
    assert {"jsonschema", "attrs", "referencing", "rpds-py"} <= set(whole)
    assert not {"pytest", "torch"} & set(whole)


def test_deprecations_are_read_from_the_programs_table_or_said_to_be_missing(tmp_path):
    assert {row["status"] for row in contact.deprecations(tmp_path)} == {"not_run"}
    note = "DeprecationWarning: old"
    rows = [
        {"task": t, "program": "keras", "metric": "warning", "value": 1, "status": "ok", "note": note} for t in "ab"
    ]
    programs.write_csv(tmp_path / programs.TABLE, programs.COLUMNS, rows)
    found = {row["subject"]: (row["value"], row["note"]) for row in contact.deprecations(tmp_path)}
    assert found["keras"] == (1, f"in 2 tasks | {note}") and found["pytorch"][0] == 0


# -- tables ------------------------------------------------------------------------------------------------------------
def _check_table(root, path, whole=("runs", "tasks")):
    """Check every row of a table against its schema, numbers as numbers and empty cells as null."""
    schema = yaml.safe_load((root / "workflow" / "schemas" / f"{path.stem}.schema.yaml").read_text())
    rows = programs.read(path)
    assert rows
    for number, row in enumerate(rows, 1):
        typed = {}
        for key, text in row.items():
            numeric = key in ("value", "low", "high") and row.get("metric") != "newest_release"
            typed[key] = None if text == "" else float(text) if numeric else int(text) if key in whole else text
        check(typed, schema, f"{path.name}: row {number}")


def test_the_programs_table_and_its_summary_keep_their_schemas(task, root, tmp_path):
    (task.folder / "keras.py").write_text("raise RuntimeError('planted')\n")
    rows = programs.measure([task], tmp_path, SMOKE)
    _check_table(root, tmp_path / programs.TABLE)
    programs.write_csv(tmp_path / summary.TABLE, summary.COLUMNS, summary.summarise(rows))
    _check_table(root, tmp_path / summary.TABLE)


def test_the_table_of_first_contact_keeps_its_schema(root, tmp_path, monkeypatch):
    monkeypatch.setattr(contact, "starting", lambda package, program, options: [])
    monkeypatch.setattr(contact, "_pip", lambda *_: SAID)
    contact.measure(tmp_path, contact.Options())
    _check_table(root, tmp_path / contact.TABLE)
    rows = programs.read(tmp_path / contact.TABLE)
    assert [row["value"] for row in rows if (row["subject"], row["metric"]) == ("torch", "newest_release")] == [
        "2.15.0"
    ]
