"""Deployment with real frameworks: every installed path answers rightly, and a run says what becomes of each."""

import dataclasses
import json
import re
import subprocess
import sys

import pytest

from reproductions.deployment import models, runner, spec
from reproductions.environments import worker_environment

pytestmark = pytest.mark.frameworks

IN_PROCESS = {name: path for name, path in spec.discover().items() if path.in_process and path.extra is None}
#: Minutes of compiling, which tells nothing more with a second model.
SLOW = {("torch_aotinductor", "bert_encoder"), ("torch_compile", "bert_encoder")}
CASES = [(name, model) for name, path in IN_PROCESS.items() for model in path.models if (name, model) not in SLOW]


@pytest.fixture(scope="module")
def settings(tmp_path_factory, cache):
    return runner.Settings(
        work=tmp_path_factory.mktemp("deployment"),
        cache=cache,
        recipe=models.SMOKE,
        restarts=1,
        rounds=2,
        seconds=0.01,
        models=("cnn_mnist",),
    )


@pytest.fixture(scope="module")
def sources(settings):
    """The two models, trained for a moment, with the answers of each source framework."""
    return {model: runner.prepared(model, settings) for model in spec.MODELS}


@pytest.fixture(scope="module")
def probed(settings, sources):
    """Return a function that gives what became of all paths of a framework; one process each."""
    known = {}

    def of(framework):
        if framework not in known:
            known[framework] = _probe(framework, settings, sources)
        return known[framework]

    return of


def _probe(framework, settings, sources):
    own = settings.work / f"probe-{framework}"
    own.mkdir()
    paths = {
        model: [
            name
            for name, path in IN_PROCESS.items()
            if path.framework == framework and (name, model) in CASES and not path.missing()
        ]
        for model in sources
    }
    job = {
        "models": list(sources),
        "requests": {model: source.request(framework, 1).plain() for model, source in sources.items()},
        "paths": paths,
        "folder": str(own / "artefacts"),
        "out": str(own / "out.json"),
    }
    (own / "job.json").write_text(json.dumps(job))
    variables = worker_environment("as_shipped", 1, own) | {
        "KERAS_BACKEND": "torch" if framework == "keras_torch" else "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "tests.deployment_probe", str(own / "job.json")],
        env=variables,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((own / "out.json").read_text()) | {"log": done.stderr + done.stdout}


@pytest.mark.parametrize(("name", "model"), CASES, ids=lambda value: value)
def test_a_path_gives_the_source_frameworks_answers(name, model, probed):
    path = IN_PROCESS[name]
    if missing := path.missing():
        pytest.skip("; ".join(missing))
    everything = probed(path.framework)
    found = everything[f"{name} {model}"]
    expected = path.expected.get(model)
    if found["status"] != "ok":
        assert expected, f"{found['stage']}: {found['message']}"
        assert expected.stage == found["stage"]
        assert re.search(expected.match, found["message"]) or re.search(expected.match, everything["log"])
        return
    assert found["bytes"] > 0
    if path.quantized:
        assert found["agree"] >= 0.8, "trained for a moment, so few margins are wide"
    else:
        assert found["off"] <= path.tolerance_logits


# -- a whole run, on paths made for it ---------------------------------------------------------------------------------
HEAD = """
import os
import numpy as np
from pathlib import Path as File
from reproductions.deployment import models
from reproductions.deployment.spec import Artefact, Expectation, Path


def export(model, folder, request):
    (folder / "answers.npz").write_bytes((File(request.arrays) / "logits-pytorch.npz").read_bytes())
    return Artefact("answers.npz", note="looked up")


def load(folder, request):
    known = {row.tobytes(): place for place, row in enumerate(models.rows(request))}
    with np.load(folder / "answers.npz") as arrays:
        logits = arrays["logits"]
    return lambda batch: logits[[known[row.tobytes()] for row in batch]]


PATH = Path("NAME", "Toy", "pytorch", "numpy", requires=("numpy",), imports=("numpy",), MORE)
"""
EXPECTED = "expected={'cnn_mnist': Expectation('load', 'toothless', 'known upstream', 'https://example.org/1')}"
TOYS = {
    "toy_good": ("", ""),
    "toy_wrong": (
        "",
        "right = load\ndef load(folder, request):\n    own = right(folder, request)\n"
        "    return lambda batch: own(batch) + 1\n",
    ),
    "toy_expected": (EXPECTED, "def load(folder, request):\n    raise OSError('toothless')\n"),
    "toy_mended": (EXPECTED, ""),
    "toy_fixed": (
        "",
        "right = load\ndef load(folder, request):\n    own = right(folder, request)\n"
        "    return lambda batch: own(batch) if len(batch) != 3 else os._exit(7)\n",
    ),
    "toy_alone": ("single_threaded=True", ""),
    "toy_fails": ("", "def export(model, folder, request):\n    raise RuntimeError('no such luck')\n"),
}  # fmt: skip


@pytest.fixture(scope="module")
def toys(settings, sources, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toys")
    for name, (more, tail) in TOYS.items():
        (folder / f"{name}.py").write_text(HEAD.replace("NAME", name).replace("MORE", more) + tail)
    return dataclasses.replace(settings, paths=(folder,), only=tuple(TOYS), threads=(1,))


def test_a_killed_run_goes_on_and_every_fate_is_a_row(toys, tmp_path, monkeypatch, caplog):
    taken = []

    def die(self, workers, those, threads, where):
        if where[1] == 1 and not taken:
            taken.append(where)
            raise KeyboardInterrupt
        return turn(self, workers, those, threads, where)

    turn = runner._Run._round
    monkeypatch.setattr(runner._Run, "_round", die)
    with pytest.raises(KeyboardInterrupt):
        runner.run(tmp_path, toys)
    assert not (tmp_path / runner.TABLE).exists()
    record = toys.work / "artefacts" / "cnn_mnist" / "toy_good.json"
    before = record.stat().st_mtime_ns
    with caplog.at_level("INFO"):
        rows = {row["path"]: row for row in runner.run(tmp_path, toys)}
    assert any("resuming" in message for message in caplog.messages)
    assert record.stat().st_mtime_ns == before, "what was exported is not exported again"
    assert {name: (row["status"], row["stage"]) for name, row in rows.items()} == {
        "toy_good": ("ok", "measure"),
        "toy_wrong": ("wrong", "numbers"),
        "toy_expected": ("expected_failure", "load"),
        "toy_mended": ("ok", "measure"),
        "toy_fixed": ("ok", "measure"),
        "toy_alone": ("ok", "measure"),
        "toy_fails": ("failed", "export"),
    }
    good = rows["toy_good"]
    assert good["max_logit_difference"] == 0 and good["accuracy_change"] == 0 and good["note"] == "looked up"
    assert good["dynamic_batch"] == "true" and good["latency_p50_ms"] > 0 and good["artefact_bytes"] > 0
    assert good["rounds"] == 2 and good["peak_memory_mib"] > 1 and good["throughput_b32_per_s"] > 0
    assert rows["toy_fixed"]["dynamic_batch"] == "false", "the runtime died of a batch of three, and only that"
    assert "expected to fail at load, did not" in rows["toy_mended"]["note"]
    assert rows["toy_expected"]["report_url"] and "known upstream" in rows["toy_expected"]["note"]
    assert "no such luck" in rows["toy_fails"]["note"] and rows["toy_fails"]["exports"] == "false"
    assert "latency_p50_ms" not in rows["toy_wrong"], "the speed of wrong answers is not measured"
    table = runner.read(tmp_path / runner.TABLE)
    assert [row["path"] for row in table] == sorted(TOYS)
    rounds = runner.read(tmp_path / runner.ROUNDS)
    assert len([row for row in rounds if row["path"] == "toy_good"]) == 2 * len(spec.BATCHES)
    assert not (toys.work / "unfinished" / "deploy.jsonl").exists()


def test_a_runtime_of_one_thread_is_not_asked_for_more(toys, tmp_path):
    of_two = dataclasses.replace(toys, only=("toy_alone",), threads=(1, 2), rounds=1)
    one, two = runner.run(tmp_path, of_two)
    assert (one["threads"], one["status"]) == (1, "ok")
    assert (two["threads"], two["status"], two["note"]) == (2, "unsupported", runner.ONE_THREAD)


def test_an_artefact_is_kept_until_what_decides_it_changes(toys, sources):
    path = spec.find("toy_good", toys.paths)
    folder, first = runner.exported(path, sources["cnn_mnist"], toys)
    assert runner.exported(path, sources["cnn_mnist"], toys)[1] == first
    changed = dataclasses.replace(sources["cnn_mnist"], key="another")
    assert runner.exported(path, changed, toys)[1]["key"] != first["key"] and folder.is_dir()
