"""Rules that say what a message of a planted fault names, on recorded tracebacks and on the catalogue's own files."""

import math
import re
from pathlib import Path

import pytest

from reproductions.errors import SurveyError
from reproductions.usability.faults import catalogue, judging, recording, summary, tools
from reproductions.usability.faults.catalogue import Measure
from reproductions.usability.faults.measuring import Limits, Trial
from reproductions.usability.faults.stages import MARK, Stage

FAULTS = catalogue.discover()
PROGRAM = "/somewhere/faults/wrong_input_shape/pytorch.py"
EAGER = f'''Traceback (most recent call last):
  File "{PROGRAM}", line 22, in main
    loss = functional.cross_entropy(model(images[batch]), labels[batch])
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/module.py", line 1778, in _wrapped_call_impl
    return self._call_impl(*args, **kwargs)
  File "/opt/venv/lib/python3.11/site-packages/torch/nn/modules/linear.py", line 134, in forward
    return F.linear(input, self.weight, self.bias)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (800x8 and 64x32)
'''
GRAPH = """Graph execution error:

Detected at node Reshape defined at (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main

  File "/somewhere/x/reproductions/usability/faults/server.py", line 164, in <module>

  File "/somewhere/x/reproductions/usability/faults/player.py", line 39, in play

  File "/somewhere/keras.py", line 31, in main

  File "/opt/venv/lib/python3.11/site-packages/keras/src/backend/tensorflow/trainer.py", line 399, in fit

  File "/tmp/__autograph_generated_file1x2y.py", line 12, in tf__call

Input to reshape is a tensor with 6208 values, but the requested shape has 6400
"""


def test_places_of_a_traceback_are_those_that_a_person_reads():
    found = judging.places(judging.normalise(EAGER, PROGRAM))
    assert found == [("program.py", 22), ("torch/nn/modules/module.py", 1778), ("torch/nn/modules/linear.py", 134)]
    assert judging.position(found, "program.py", {21, 22}) == (True, 2)
    assert judging.position(found, "program.py", {12}) == (False, None)
    assert judging.of_user(found, "program.py") == 1


def test_frames_of_the_harness_are_not_the_users_nor_the_frameworks():
    text = judging.normalise(GRAPH, "/somewhere/keras.py")
    assert judging.places(text) == [
        ("program.py", 31),
        ("keras/src/backend/tensorflow/trainer.py", 399),
        ("__autograph_generated_file.py", 12),
    ]
    assert "server.py" not in text


def test_a_warning_counts_as_a_place():
    line = "/opt/lib/python3.11/site-packages/torch/nn/functional.py:3884: UserWarning: Using a target size"
    assert judging.places(judging.normalise(line, PROGRAM)) == [("torch/nn/functional.py", 3884)]


def test_normalised_text_is_the_same_on_every_machine():
    text = "\x1b[1mobject at 0x7f3a9c2b10d0\x1b[0m in /home/ana/run/a.bin, E0000 00:00:1795352522.326 28987 x.cc:1] no"
    clean = judging.normalise(text, PROGRAM)
    assert clean.startswith("object at 0x... in <path>, ")
    line = "W0000 00:00:1795352522.326484   28987 service.cc:153] XLA service\n"
    assert judging.normalise(line, PROGRAM) == "W service.cc:153] XLA service\n"


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("mat1 and mat2 shapes cannot be multiplied (800x8 and 64x32)", True),
        ("expected axis -1 of input shape to have value 64, received (800, 8) and [64, 32]", True),
        ("shapes [800,8] vs. [64,32]", True),
        ("1800x8 and 64x32", False),
        ("only 800x8 is named", False),
        ("800 times 8 and 64x32", False),
    ],
)
def test_shapes_are_named_if_all_stand_in_the_message(message, named):
    assert judging.names_shapes(message, [[800, 8], [64, 32]]) is named


def test_nothing_is_judged_where_there_is_nothing_to_name():
    assert judging.names_shapes("anything", []) is None
    assert judging.names_any("anything", []) is None


def test_remedy_is_named_by_any_of_its_expressions():
    assert judging.names_any("Specify retain_graph=True", ["retain_graph", "persistent"])
    assert not judging.names_any("Hint: good luck", ["retain_graph", "persistent"])


def _mark(stage, at):
    return at, f'{MARK}["{stage}", {at}]'


def test_a_notice_is_what_the_corrected_program_does_not_print():
    noise = "I0000 00:00:1.0 1 cpu_feature_guard.cc:227] This binary"
    faulty = [_mark("definition", 0.0), (0.1, noise), _mark("first step", 1.0), (1.5, "x.py:3: UserWarning: sizes")]
    assert judging.notices(faulty, [(0.1, noise)], "/a/b.py", "/c/b.py") == (
        "x.py:3: UserWarning: sizes",
        "first step",
        1.5,
    )
    assert judging.notices(faulty, [(0.2, "x.py:3: UserWarning: sizes")], "/a/b.py", "/c/b.py") == ("", "", None)


def test_a_new_line_that_does_not_ask_for_attention_is_no_notice():
    assert judging.notices([(0.1, "epoch 1 done")], [], "/a/b.py", "/c/b.py") == ("", "", None)


def test_the_same_notice_about_another_number_is_no_news():
    assert (
        judging.notices([(1, "WARNING: 5 of 9 calls")], [(1, "WARNING: 6 of 9 calls")], "/a/b.py", "/c/b.py")[0] == ""
    )


@pytest.mark.parametrize(
    ("faulty", "corrected", "worse", "harm"),
    [
        (0.1, 0.9, "lower", True),
        (0.88, 0.9, "lower", False),
        (3.0, 1.0, "higher", True),
        (0.5, 1.0, "higher", False),
        (math.nan, 1.0, "higher", True),
        (None, 1.0, "higher", None),
        (1.0, math.nan, "higher", None),
    ],
)
def test_harm_is_a_measured_difference_from_the_corrected_twin(faulty, corrected, worse, harm):
    assert judging.does_harm(faulty, corrected, Measure("accuracy", worse, 0.1)) is harm


@pytest.mark.parametrize(
    ("exception", "notice", "harm", "word"),
    [
        ("ValueError", "", None, "noticed"),
        ("", "a warning", True, "warned"),
        ("", "a warning", False, "harmless"),
        ("", "", True, "silent"),
        ("", "", False, "harmless"),
    ],
)
def test_outcome_is_error_warning_silence_or_no_fault_at_all(exception, notice, harm, word):
    assert judging.outcome(exception, notice, harm) == word


def test_stages_tell_the_first_step_from_later_ones():
    stage = Stage()
    for name in ("build", "step", "step", "after"):
        stage(name)
    assert [name for name, _ in stage.marks] == ["definition", "build", "first step", "later"]
    with pytest.raises(ValueError, match="build, step or after"):
        stage("training")


# -- the catalogue ---------------------------------------------------------------------------------------------------
SOURCE = """def f(x):
    y = x + 1  # FAULT
    # CORRECT: y = x + 2
    # FAULT: nothing is added
    # CORRECT: y = y + 3
    return y
"""


def test_corrected_twin_replaces_the_marked_lines_only():
    assert catalogue.corrected(SOURCE) == "def f(x):\n    y = x + 2\n    y = y + 3\n    return y\n"


def test_a_marked_line_without_correction_is_refused():
    with pytest.raises(ValueError, match="CORRECT"):
        catalogue.corrected("x = 1  # FAULT\ny = 2\n")


def test_faulty_lines_are_those_of_the_whole_statement_or_of_the_header():
    assert catalogue.faulty_lines("a = f(\n    1,  # FAULT\n    2,\n)\nb = 1\n") == (frozenset({1, 2, 3, 4}), False)
    assert catalogue.faulty_lines("with a:  # FAULT\n    b = 1\n    c = 2\n") == (frozenset({1}), False)
    assert catalogue.faulty_lines("a = 1\n# FAULT: b is missing\nc = 2\n") == (frozenset({2}), True)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_every_program_is_marked_corrected_cited_and_fits_the_page(fault):
    assert fault.sources, "cite a real thread"
    for source in fault.sources:
        assert set(source) == {"thread", "date", "says"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", source["date"])
        assert source["thread"].startswith("https://")
    assert set(fault.expected) == set(fault.cells()), "record the expectation: --record"
    for path in fault.folder.glob("*.py"):
        text = path.read_text(encoding="utf-8")
        compile(catalogue.corrected(text), path.name, "exec")
        assert catalogue.faulty_lines(text)[0]
        assert max(map(len, text.splitlines())) <= 88, path


def test_at_least_thirty_faults_of_every_kind():
    assert len(FAULTS) >= 30
    assert {fault.kind for fault in FAULTS.values()} == set(catalogue.KINDS)


def test_a_fault_with_a_wrong_key_says_which(tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    (folder / "fault.yaml").write_text("title: x\nkind: shape\n")
    with pytest.raises(SurveyError, match=r"odd/fault\.yaml: lacks measure, names, sources, story"):
        catalogue.load(folder / "fault.yaml")


def test_every_framework_has_tools_for_every_kind():
    for framework, modes in catalogue.MODES.items():
        for kind in catalogue.KINDS:
            assert all(all(tools.for_runs(framework, mode, kind)) for mode in modes)


def test_numerics_are_checked_in_the_graph_where_there_is_one():
    graph, eager = tools.for_runs("keras", "fit", "numerics")
    assert tools.NUMERICS in graph and tools.EAGERLY not in graph and eager == (tools.EAGERLY,)
    assert len(tools.for_runs("tensorflow", "xla", "numerics")) == 1, "XLA cannot compile the check"


# -- the table -------------------------------------------------------------------------------------------------------
def _row(fault, cell, noticed, kind="shape", status="ran"):
    framework, _, mode = cell.partition("-")
    return {
        "fault": fault, "framework": framework, "mode": mode, "noticed": noticed, "kind": kind, "status": status,
        "stage": "first step", "exception": "ValueError",
    }  # fmt: skip


def test_a_mode_told_to_run_eagerly_is_not_run_again_where_the_eager_mode_has_run(tmp_path):
    class Server:
        scratch, versions, played = tmp_path, {"tensorflow": "2"}, []

        def play(self, job):
            self.played.append((job["mode"], Path(job["program"]).parent.name, job["tools"]))
            result = {"value": 0.9 if job["program"].endswith("corrected/tensorflow.py") else 0.2, "exception": ""}
            result |= {"message": "", "traceback": "", "stage": "after", "start": 0.0, "end": 1.0, "shown": []}
            return {"result": result, "lines": [], "code": 0, "timeout": False}

    fault, server, eagerly = FAULTS["reshape_instead_of_transpose"], Server(), {}
    assert fault.kind not in tools.TOOLS["tensorflow"], "the tools of most kinds"
    rows = {}
    for mode in ("eager", "xla", "function"):
        trial = Trial(fault, f"tensorflow-{mode}", server, Limits(), None, eagerly=eagerly)
        rows[mode] = trial.row(True, None)
    played = [(mode, switched_on) for mode, folder, switched_on in server.played if folder != "corrected"]
    numerics, eager = tools.NUMERICS, tools.EAGERLY
    assert played == [
        ("eager", ()),
        ("eager", (numerics, eager)),
        ("xla", ()),
        ("function", ()),
        ("function", (numerics,)),
    ]
    assert {row["tools"] for row in rows.values()} == {f"{numerics}; {eager}"}
    assert {row["noticed_by_tools"] for row in rows.values()} == {"silent"}


def test_rates_leave_out_what_does_no_harm_and_what_did_not_run():
    rows = [
        _row("a", "pytorch-eager", "noticed"),
        _row("b", "pytorch-eager", "silent"),
        _row("c", "pytorch-eager", "harmless"),
        _row("d", "pytorch-eager", "", status="not_applicable"),
        _row("e", "pytorch-eager", "warned"),
    ]
    (rate,) = summary.rates(rows, "mode")
    assert (rate["n"], rate["noticed"], rate["warned"], rate["silent"], rate["harmless"]) == (3, 1, 1, 1, 1)
    assert rate["share_told"] == pytest.approx(2 / 3)
    assert 0 < rate["share_noticed_low"] < 1 / 3 < rate["share_noticed_high"] < 1


def test_pairs_count_the_same_fault_in_two_modes():
    rows = [_row(f"f{n}", "pytorch-eager", "noticed") for n in range(6)]
    rows += [_row(f"f{n}", "tensorflow-xla", "silent" if n else "noticed") for n in range(6)]
    rows += [_row("alone", "tensorflow-xla", "silent")]
    (pair,) = summary.pairs(rows)
    assert (pair["faults"], pair["both"], pair["only_first"], pair["only_second"]) == (6, 1, 5, 0)
    assert pair["p"] == pytest.approx(2 * 0.5**5)


def test_recording_keeps_the_story_and_replaces_the_expectation(tmp_path):
    fault = FAULTS["list_of_layers"]
    folder = tmp_path / fault.id
    folder.mkdir()
    for path in fault.folder.glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    copy = catalogue.load(folder / "fault.yaml")
    recording.record([copy], [_row(fault.id, "pytorch-eager", "warned")])
    again = catalogue.load(folder / "fault.yaml")
    assert again.expected["pytorch-eager"] == {"outcome": "warned", "stage": "first step"}
    assert again.story == fault.story
    assert {cell: again.expected[cell] for cell in again.expected if cell != "pytorch-eager"} == {
        cell: entry for cell, entry in fault.expected.items() if cell != "pytorch-eager"
    }
    assert recording.fingerprints([copy]) == recording.fingerprints([again])
