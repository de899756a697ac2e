"""The figure of moves: words and bars, and what it says without rows, without extra environments, with some routes."""

import re

import pandas as pd
import pytest

from analysis import upkeep
from analysis.drawing import draw_all
from analysis.figures import upkeep_moving
from tests.upkeep_fixtures import move

NONE = dict.fromkeys(("converts", "parameters", "trainable", "same_outputs", "same_training"))
OUTPUTS = {"same_training": "no"}


def rows(*given) -> pd.DataFrame:
    return upkeep.tables(upkeep.Counted(measured={"upkeep_moving": list(given)}))["upkeep_moving"]


def made(*given):
    return upkeep_moving.make({"upkeep_moving": rows(*given)})


def drawn(folder, *given) -> tuple[dict, str]:
    """Draw from the CSV, as the workflow does; return the record and the picture."""
    rows(*given).to_csv(folder / "upkeep_moving.csv", index=False)
    (record,) = draw_all(folder, folder / "out", only=["upkeep_moving"])
    return record, (folder / "out" / "upkeep_moving.page.svg").read_text("utf-8")


def texts(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


WHOLE = (
    move("keras_to_torch"),
    move("mapped", title="By hand", arrives="pytorch"),
    move("onnx", title="ONNX: one, other", arrives="pytorch", trainable=6, **OUTPUTS),
    move("onnx", title="ONNX: one, other", arrives="pytorch", network="transformer", workload="bert_encoder",
         status="unsupported", note="no Erfc", **NONE),
    move("onnx", title="ONNX: one, other", arrives="pytorch", network="convolutional", workload="cnn_mnist",
         trainable=2000),
    move("to_tf", title="To there", leaves="pytorch", arrives="tensorflow", status="skipped", note="not there", **NONE),
)  # fmt: skip


def test_moves_are_counted_by_way_and_said_in_words():
    drawing = made(*WHOLE)
    assert drawing.title == "3 of 5 moves leave outputs and training the same"
    assert "ONNX 1 of 3" in drawing.finding.answer and "1 gave no model" in drawing.finding.answer
    assert drawing.finding.estimate.startswith("0.6 % to 200 % of the parameters still train")
    assert (
        "made-up-machine, 2026-11-20" in drawing.subtitle and "n = 5 moves (3 routes, 3 networks)" in drawing.subtitle
    )
    assert "above 100 %" in drawing.limits
    for name in ("First 100 %", "last 100 %", "lowest 0.6 %", "highest 200 %"):
        assert name in drawing.description


def test_each_cell_has_words_and_directions_stand_in_order():
    data = made(*WHOLE).data
    assert len(data) == 4 * 3 and data["words"].str.len().min() > 0
    assert list(data["direction"].unique()) == [
        "PyTorch to TensorFlow", "TensorFlow to PyTorch", "TensorFlow to Keras on PyTorch"
    ]  # fmt: skip
    assert list(data["network"].unique()) == ["convolutional", "recurrent", "transformer"]
    onnx = data[data["route"] == "onnx"]
    assert list(onnx["words"]) == ["200 %, both the same", "0.6 %, only outputs the same", "not supported"]
    assert set(data.loc[data["route"] == "to_tf", "words"]) == {"not measured here"}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"same_outputs": "no"}, "100 %, only training the same"),
        ({"same_outputs": "no", "same_training": "no"}, "100 %, neither the same"),
        ({"trainable": 0, **OUTPUTS}, "0 %, only outputs the same"),
        ({"parameters": 100_000, "trainable": 1, **OUTPUTS}, "<0.1 %, only outputs the same"),
        ({"trainable": 1002}, "100.2 %, both the same"),
        ({"trainable": 995}, "99.5 %, both the same"),
        ({"parameters": 1_000_000, "trainable": 999_999}, "below 100 %, both the same"),
        ({"parameters": 1_000_000, "trainable": 1_000_001}, "above 100 %, both the same"),
        ({"status": "failed"}, "100 %, then failed"),
        ({"status": "failed", **NONE}, "failed"),
        ({"status": "oom", **NONE}, "out of memory"),
        ({"status": "timeout", **NONE}, "timed out"),
        ({"status": "ok", **NONE}, "not converted"),
    ],
)
def test_words_of_a_cell(more, words):
    (row,) = made(move(**more)).data.to_dict("records")
    assert row["words"] == words


def test_the_machine_that_ran_last_is_drawn_though_another_looked_later():
    later = {"machine": "other", "date": "2026-11-25"}
    drawing = made(move(), move(**later, status="skipped", **NONE))
    assert set(drawing.data["machine"]) == {"made-up-machine"}
    assert set(made(move(), move(**later)).data["machine"]) == {"other"}
    assert "1 of 1 moves leaves outputs" in drawing.title


def test_no_row_says_what_fills_it(tmp_path):
    record, svg = drawn(tmp_path)
    assert record["finding"] is None and len(record["title"].split()) <= 10
    assert "snakemake" in record["limits"] and "snakemake" in svg
    assert len(record["description"].split()) >= 40


def test_rows_that_were_not_measured_are_all_drawn_in_words(tmp_path):
    record, svg = drawn(tmp_path, *(row | NONE | {"status": "skipped"} for row in WHOLE))
    assert record["finding"] is None and record["title"] == "No model has been moved on this machine yet"
    assert texts(svg).count("not measured here") == 12
    assert len(record["description"].split()) >= 40 and "nan" not in record["description"]


def test_some_routes_alone_are_drawn(tmp_path):
    record, svg = drawn(tmp_path, *WHOLE[2:4])
    assert record["title"] == "0 of 2 moves leave outputs and training the same"
    assert texts(svg).count("not supported") == 1 and "0.6 %, only outputs the same" in texts(svg)
    assert "<path" in svg and len(svg.encode()) < 16_000


def test_a_set_in_which_no_model_arrived_is_told(tmp_path):
    record, _ = drawn(tmp_path, WHOLE[3])
    assert record["finding"]["estimate"].startswith("no model arrived")
    assert "0 of 1 moves" in record["title"] and "no bar" in record["description"]
