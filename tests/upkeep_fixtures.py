"""Made-up measurements of upkeep for the tests of tables and page, in the shape that the schemas ask for."""

from __future__ import annotations

from pathlib import Path

from reproductions.files import write_csv
from reproductions.upkeep.defaults import measure as defaults
from reproductions.upkeep.moving import measure as moving
from reproductions.upkeep.old_files import measure as old_files

MACHINE, DAY = "made-up-machine", "2026-11-20"
COMMON = {"machine": MACHINE, "date": DAY}
PAGE = "https://example.org/way"
AGAIN = "python -m reproductions upkeep"


def move(route="keras_to_torch", **more):
    """Return a row of a move that went well, on the PyTorch back end."""
    row = {
        "workload": "gru_text", "network": "recurrent", "route": route, "title": f"Route {route}",
        "leaves": "tensorflow", "arrives": "keras_torch", "documented": PAGE, "version": "tensorflow 2, keras 3",
        "converts": "yes", "convert_s": 1.5, "parameters": 1000, "trainable": 1000, "logits_difference": 1e-7,
        "logits_tolerance": 1e-5, "same_outputs": "yes", "trace_difference": 1e-6, "trace_tolerance": 1e-4,
        "same_training": "yes", "infer": 0.8, "infer_low": 0.7, "infer_high": 0.9, "train": 0.5, "train_low": 0.4,
        "train_high": 0.6, "rounds": 10, "command": f"{AGAIN} moving {route} --workload gru_text", "status": "ok",
    }  # fmt: skip
    return COMMON | row | more


def default(name="adam_epsilon", **more):
    """Return a row of a default with an effect."""
    row = {
        "default": name, "title": name.replace("_", " "), "network": "convolutional", "dataset": "mnist5k",
        "pytorch_asked": "a", "pytorch_value": "1e-08", "pytorch_version": "torch 2", "tensorflow_asked": "b",
        "tensorflow_value": "1e-07", "tensorflow_version": "keras 3", "seeds": 8, "epochs": 2, "n_train": 4000,
        "n_test": 1000, "accuracy_pytorch": 0.95, "accuracy_tensorflow": 0.94, "difference": -0.01, "low": -0.015,
        "high": -0.005, "wording": "less accurate with TensorFlow's", "command": f"{AGAIN} defaults {name}",
        "status": "ok",
    }  # fmt: skip
    return COMMON | row | more


def old_file(**more):
    """Return a row of a file that opens as it should."""
    row = {
        "kind": "keras_h5", "title": "Keras model, .h5", "side": "tensorflow", "network": "dense",
        "maker": "tensorflow_2_15", "saved_by": "tensorflow 2.15", "loader": "today", "loaded_by": "tensorflow 2.21",
        "way": "load_model", "documented": PAGE, "outcome": "same", "difference": 0.0,
        "command": f"{AGAIN} old_files keras_h5", "status": "ok",
    }  # fmt: skip
    return COMMON | row | more


def write_measurements(folder: Path) -> Path:
    """Write the tables of one machine below ``folder`` and return ``folder``."""
    own = folder / MACHINE
    skipped = dict.fromkeys(("converts", "convert_s", "parameters", "trainable", "same_outputs", "same_training"))
    skipped |= dict.fromkeys(name for name in moving.COLUMNS if name.startswith(("logits", "trace", "infer", "train")))
    moves = [
        move(),
        move("mapped_to_pytorch", arrives="pytorch", **dict.fromkeys(("infer", "infer_low", "infer_high", "train"))),
        move("onnx2torch", arrives="pytorch", trainable=6, same_training="no", note="fewer parameters train"),
        move("onnx2tf", **skipped, status="skipped", note="onnx2tf not installed"),
    ]
    effects = [
        default(),
        default("dropout", network="transformer", dataset="reuters_r8", difference=0.001, low=-0.002, high=0.004,
                wording="within one point", pytorch_value="0.1", tensorflow_value="0"),
        default("padding", status="same", note="does not differ", **dict.fromkeys(
            ("seeds", "epochs", "n_train", "n_test", "accuracy_pytorch", "accuracy_tensorflow", "difference", "low",
             "high", "wording"))),
    ]  # fmt: skip
    files = [
        old_file(),
        old_file(network="recurrent", outcome="fails", difference=None, message="TypeError: no", way_out="tf-keras"),
        old_file(kind="all", title="all kinds of file", network=None, maker="tensorflow_2_8", loader=None,
                 loaded_by=None, way=None, documented=None, outcome=None, difference=None, status="not_run",
                 note="config key upkeep: {extra: [old_files]}"),
    ]  # fmt: skip
    write_csv(own / moving.TABLE, moving.COLUMNS, moves)
    write_csv(own / defaults.TABLE, defaults.COLUMNS, effects)
    write_csv(own / old_files.TABLE, old_files.COLUMNS, files)
    return folder
