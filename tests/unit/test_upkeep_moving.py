"""Moving a model without a framework: how a move is judged, and what is skipped."""

import numpy as np
import pytest

from reproductions.upkeep.moving import measure, routes
from reproductions.upkeep.moving.measure import Options

TOLERANCES = {"float32_logits": 1e-5, "float32_trace_loss": 1e-4}
ROUTES = {name: module.ROUTE for name, module in routes.discover().items()}


def answer(folder, logits, losses, trainable=10, **more):
    """Return the answers of both processes; source logits and losses are ones."""
    np.savez(folder / "source.npz", logits=np.ones(4), losses=np.ones(20))
    moved = {"logits": np.asarray(logits, float)} | ({} if losses is None else {"losses": np.asarray(losses, float)})
    np.savez(folder / "moved.npz", **moved)
    found = {"status": "ok", "parameters": 10, "trainable": trainable, "source": str(folder / "source.npz")}
    return (
        found
        | {"moved": str(folder / "moved.npz"), "seconds": 1.0, "arrive_s": 2.0, "left": "1", "arrived": "2"}
        | more
    )


def blocks(*ratios):
    return [{"native": {"cpu_ms": ratio}, "moved": {"cpu_ms": 1.0}} for ratio in ratios]


def test_ids_are_file_names_and_every_place_and_direction_is_there():
    assert all(name == route.id for name, route in ROUTES.items())
    assert {route.leaves for route in ROUTES.values()} == set(routes.PLACES)
    assert {route.arrives for route in ROUTES.values()} == set(routes.PLACES)
    assert all(route.documented.startswith("https://") for route in ROUTES.values())


def test_a_move_that_repeats_everything_is_the_same(tmp_path):
    row = measure.judge(ROUTES["mapped_to_pytorch"], answer(tmp_path, [1, 1, 1, 1 + 1e-6], np.ones(20)), TOLERANCES)
    assert (row["same_outputs"], row["same_training"], row["converts"]) == ("yes", "yes", "yes")
    assert row["convert_s"] == 3 and row["version"] == "tensorflow 1, pytorch 2" and "native" in row["note"]


def test_a_move_that_computes_the_same_may_train_otherwise(tmp_path):
    losses = np.linspace(1, 1.5, 20)
    row = measure.judge(ROUTES["onnx2torch"], answer(tmp_path, np.ones(4), losses, trainable=6), TOLERANCES)
    assert (row["same_outputs"], row["same_training"]) == ("yes", "no")
    assert row["trace_difference"] == pytest.approx(0.5)


def test_fewer_parameters_leave_the_speed_of_training_out(tmp_path):
    timed = {"infer": [blocks(1, 1), blocks(1, 1)], "train": [blocks(3, 3), blocks(3, 3)]}
    few = measure.judge(ROUTES["onnx2torch"], answer(tmp_path, np.ones(4), np.ones(20), 6, **timed), TOLERANCES)
    assert few["infer"] == 1 and "train" not in few and "fewer parameters" in few["note"]
    all_ = measure.judge(ROUTES["onnx2torch"], answer(tmp_path, np.ones(4), np.ones(20), **timed), TOLERANCES)
    assert all_["train"] == 3 and all_["rounds"] == 4 and all_["train_low"] == all_["train_high"] == 3


def test_what_holds_no_parameter_does_not_train(tmp_path):
    row = measure.judge(ROUTES["onnx2tf"], answer(tmp_path, np.ones(4), None, trainable=0), TOLERANCES)
    assert row["same_training"] == "no" and row["note"] == "nothing in it trains" and "trace_difference" not in row


@pytest.mark.parametrize("logits", [[1, 1, 1, np.nan], [1, 1, 1], [1, 1, 1, 2]])
def test_other_outputs_are_told(tmp_path, logits):
    row = measure.judge(ROUTES["onnx2torch"], answer(tmp_path, logits, np.ones(20)), TOLERANCES)
    assert row["same_outputs"] == "no" and (row["logits_difference"] is None or row["logits_difference"] >= 0.5)


def test_a_conversion_that_fails_keeps_its_message():
    failed = {"status": "failed", "note": "NotImplementedError: Loop", "parameters": 10, "left": "1"}
    row = measure.judge(ROUTES["onnx2torch"], failed, TOLERANCES)
    assert (row["converts"], row["status"], row["note"]) == ("no", "failed", "NotImplementedError: Loop")


def test_a_tool_that_is_absent_says_how_to_get_it():
    measure._missing.cache_clear()
    with pytest.raises(measure.Skipped, match=r"no_such_tool not installed; config key upkeep: \{extra: \[onnx2tf\]\}"):
        measure._python("pytorch", ("no_such_tool",), "onnx2tf", Options())


def test_one_restart_gives_a_ratio_without_an_interval():
    found = measure._speed("infer", [blocks(2, 2, 2)])
    assert found == {"infer": 2.0, "infer_low": None, "infer_high": None}
