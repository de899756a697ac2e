"""Both sides' input pipelines deliver the same examples; a run resumes; a side that fails is a row."""

import csv
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml

from reproductions.environments import worker_environment
from reproductions.pipelines import data, measure
from reproductions.process import Child
from reproductions.validation import check

pytestmark = pytest.mark.frameworks


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return data.write_png(tmp_path_factory.mktemp("png"), 16, 1, count=40)


@pytest.fixture(scope="module")
def sides(tmp_path_factory, files):
    folder, children = tmp_path_factory.mktemp("sides"), {}
    for framework in measure.FRAMEWORKS:
        children[framework] = Child(
            [sys.executable, "-m", "reproductions.pipelines.worker"],
            environment=worker_environment("tuned", 1, folder),
            folder=folder,
            log=folder / f"{framework}.log",
            timeout_s=180,
        )
        children[framework].send("start", framework=framework, threads=1, seed=1, files=files)
    for child in children.values():
        child.receive("start")
    yield children
    for child in children.values():
        child.stop()


@pytest.mark.parametrize(
    ("pipeline", "transform", "workers"),
    [("arrays", "none", 0), ("arrays_bulk", "none", 0), ("png", "none", 0), ("png", "none", 2)],
)
def test_an_epoch_holds_every_example_once_as_it_was_made(sides, files, pipeline, transform, workers):
    point = measure.Point(pipeline, transform, 100, 16, 32, workers)
    wanted = measure.expected(point, files, 1)
    for framework, child in sides.items():
        assert child.ask("check", point=asdict(point)) == wanted, framework


def test_deterministic_transforms_give_equal_pixels(sides, files):
    point = measure.Point("png", "fixed", 100, 16, 32, 0)
    one, two = (child.ask("check", point=asdict(point)) for child in sides.values())
    assert one == two
    assert one["content"] != measure.expected(point, files, 1)["content"], "the transform did something"


def test_random_transforms_keep_every_label_and_change_pixels(sides, files):
    point = measure.Point("png", "augment", 100, 16, 32, 0)
    wanted = measure.expected(point, files, 1)
    for child in sides.values():
        found = child.ask("check", point=asdict(point))
        assert (found["examples"], found["labels"]) == (100, wanted["labels"])
        assert found["content"] != wanted["content"]


def test_interrupted_run_resumes_and_the_side_that_cannot_start_is_a_row(tmp_path, monkeypatch, root):
    preset = replace(measure.find("smoke"), points=measure.find("smoke").points[:2])
    options = measure.Options(folder=tmp_path / "u", python={"tensorflow": "/nowhere/python"})
    add, seen = measure.Journal.add, []

    def add_then_stop(journal, row):
        add(journal, row)
        seen.append(row)
        if row["metric"] == "throughput":
            raise KeyboardInterrupt

    monkeypatch.setattr(measure.Journal, "add", add_then_stop)
    with pytest.raises(KeyboardInterrupt):
        measure.measure(preset, options, tmp_path / "t.csv")
    monkeypatch.setattr(measure.Journal, "add", add)
    rows = measure.measure(preset, options, tmp_path / "t.csv")
    assert rows[: len(seen)] == seen, "what was finished stands as it was"
    keys = [measure._Run._key(row) for row in rows]
    assert len(keys) == len(set(keys)), "nothing is measured twice"
    failures = {(row["framework"], row["status"]) for row in rows if row["status"] != "ok"}
    assert failures == {("tensorflow", "failed")}
    done = [row for row in rows if row["framework"] == "pytorch" and row["metric"] == "throughput"]
    assert len(done) == 2 * preset.rounds and all(row["value"] > 0 for row in done)
    schema = yaml.safe_load((root / "workflow/schemas/pipelines.schema.yaml").read_text())
    for row in rows:
        check(row, schema, "pipelines.csv")
    with Path(tmp_path / "t.csv").open() as handle:
        assert len(list(csv.DictReader(handle))) == len(rows)
    assert not list((tmp_path / "u").glob("*.jsonl")), "a finished journal is removed"
