"""Real servers, pages and Node with the real models at their smallest: each has to answer what the model says.

What is not installed is skipped with what is missing; nothing is fetched from the npm registry for a test.
"""

from __future__ import annotations

import csv

import pytest

from reproductions.deployment import models, runner, servers, serving, spec, web

pytestmark = pytest.mark.frameworks
MODEL = "cnn_mnist"


@pytest.fixture(scope="module")
def settings(cache, tmp_path_factory):
    return runner.Settings(
        work=tmp_path_factory.mktemp("deployment"),
        cache=cache,
        models=(MODEL,),
        recipe=models.SMOKE,
        threads=(1,),
        restarts=1,
        rounds=1,
        seconds=0.02,
    )


@pytest.mark.parametrize("name", ["litserve_pytorch", "litserve_tensorflow", "bentoml_onnx", "ray_serve_onnx"])
def test_a_server_answers_as_its_model_does_and_is_loaded(name, settings, tmp_path):
    pytest.importorskip("aiohttp", reason="the generator of load sends with aiohttp (extra deploy)")
    material = serving.Material(settings, rows=4)
    if missing := material.missing(servers.discover()[name]):
        pytest.skip(f"missing: {missing}")
    options = serving.Options(models=[MODEL], only=[name], restarts=1, load=serving.SMOKE)
    rows = serving.measure(tmp_path, options, material)
    assert {(row["status"], row["note"]) for row in rows} == {("ok", "")} or all(
        row["status"] == "ok" and "late" in row["note"] for row in rows
    ), rows
    assert rows[0]["rate_per_s"] == serving.SMOKE.rates[0]
    for row in rows:
        assert row["sent"] == row["answered"] + row["errors"] + row["rejected"]
        assert row["start_s"] > 0
        assert row["versions"]
    with (tmp_path / serving.TABLE).open(newline="") as handle:
        assert [row["server"] for row in csv.DictReader(handle)] == [name] * len(rows)


REMOTE = [
    "browser_onnx_pytorch",
    "browser_onnx_tensorflow",
    "browser_litert_pytorch",
    "browser_litert_tensorflow",
    "browser_tfjs_wasm",
    "browser_tfjs_cpu",
    "node_onnx_pytorch",
    "node_tfjs_wasm",
    "node_tfjs_cpu",
]


@pytest.mark.parametrize("name", REMOTE)
def test_a_page_or_node_answers_as_its_model_does(name, settings, tmp_path):
    from dataclasses import replace

    from reproductions.deployment import environments

    path = spec.find(name)
    where = "node" if name.startswith("node") else "browser"
    if missing := path.missing():
        pytest.skip(f"missing: {'; '.join(missing)}")
    if not web.fetched(where):
        pytest.skip(f"the packages of {where}/ are not fetched; run `python -m reproductions deploy run --extra web`")
    if path.extra == "tfjs" and not environments.prefix("tfjs").is_dir():
        pytest.skip("the environment tfjs is not made; run `python -m reproductions deploy run --extra tfjs`")
    [row] = runner.run(tmp_path, replace(settings, only=[name], extra=(path.extra,)))
    assert (row["status"], row["stage"]) == ("ok", "measure"), row["note"]
    assert row["clock"] == "wall"
    assert row["load_ms"] > 0
    assert row["first_answer_ms"] > 0
    assert row["latency_p50_ms"] > 0
    assert row["peak_memory_mib"] > 10
    assert row["install_bytes"] > 1_000_000
    assert row["dynamic_batch"] == ("false" if "litert" in name else "true")


def test_what_answers_outside_this_process_says_so():
    found = {name: path for name, path in spec.discover().items() if not path.in_process}
    assert set(found) == set(REMOTE)
    for path in found.values():
        assert path.extra in ("web", "tfjs")
        assert hasattr(path.module(), "install_bytes")
