"""The parts of the input pipelines that need no framework."""

import subprocess
import sys

import numpy as np
import pytest

from reproductions.errors import SurveyError
from reproductions.pipelines import data, measure, worker


def test_every_preset_measures_both_sides_at_the_same_points():
    for preset in measure.presets().values():
        assert {point.pipeline for point in preset.points} == {"arrays", "arrays_bulk", "png"}
        assert len(set(preset.points)) == len(preset.points), "a point that stands twice would be resumed wrongly"
        assert all(point.frameworks == measure.FRAMEWORKS for point in preset.points if point.workers != "auto")


def test_sizes_reach_from_a_thousand_to_a_million():
    assert {1000, 10_000, 100_000, 1_000_000} <= {point.size for point in measure.find("standard").points}


def test_unknown_preset_is_said():
    with pytest.raises(SurveyError, match="no preset 'huge' of the input pipelines; choose one of smoke"):
        measure.find("huge")


def test_data_are_the_same_for_the_same_seed_and_called_synthetic(tmp_path):
    one, two = (data.arrays(50, 8, 3)[0] for _ in range(2))
    assert np.array_equal(one, two) and one.dtype == np.float32 and 0 <= one.min() < one.max() <= 1
    assert not np.array_equal(one, data.arrays(50, 8, 4)[0])
    assert data.describe("png", 64) == "synthetic 64x64x3 images, PNG files"


def test_files_are_listed_again_where_a_data_set_is_larger_and_rewritten_where_they_are_others(tmp_path):
    files = data.write_png(tmp_path, 8, 1, count=3)
    assert data.listed(files, 7) == files + files + files[:1]
    first = (tmp_path / "00000.png").read_bytes()
    data.write_png(tmp_path, 8, 1, count=3)
    assert (tmp_path / "00000.png").read_bytes() == first
    data.write_png(tmp_path, 8, 2, count=3)
    assert (tmp_path / "00000.png").read_bytes() != first


def test_expected_content_changes_with_one_pixel_and_one_label(monkeypatch):
    point = measure.Point("arrays", "none", 20, 4, 5, 0)
    found = measure.expected(point, [], 1)
    images, labels = data.arrays(20, 4, 1)
    changed = images.copy()
    changed[7, 0, 0] = 1 - changed[7, 0, 0]
    monkeypatch.setattr(data, "arrays", lambda *_: (changed, labels))
    assert measure.expected(point, [], 1)["content"] != found["content"]
    monkeypatch.setattr(data, "arrays", lambda *_: (images, np.roll(labels, 1)))
    rolled = measure.expected(point, [], 1)
    assert rolled["labels"] == found["labels"] and rolled["content"] != found["content"]


def test_cpu_time_of_a_worker_that_ends_with_its_epoch_stays_counted():
    busy = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True)\ninput()"
    child = subprocess.Popen([sys.executable, "-c", busy], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    before = worker.cpu_seconds()
    child.communicate(b"\n")
    assert before <= worker.cpu_seconds() < before + 0.25, "counted once"
