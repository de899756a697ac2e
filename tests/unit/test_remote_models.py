"""Models outside the process: the protocol that pages and Node speak, batches that fit, the page's own server."""

from __future__ import annotations

import base64
import os
import shutil
import urllib.error
import urllib.request

import numpy as np
import pytest

from reproductions.deployment import remote, web
from reproductions.deployment.browser import driver
from reproductions.deployment.node.driver import PROTOCOL
from reproductions.process import Child

WEIGHTS = [[1.0, -1.0], [0.5, 2.0], [0.0, 0.25]]
#: A model that needs no package: three inputs, two classes.
START = """
const weights = [[1, -1], [0.5, 2], [0, 0.25]];
async function start({ files, threads }) {
  const run = async (values, shape) => {
    const logits = new Float32Array(shape[0] * 2);
    for (let row = 0; row < shape[0]; row += 1)
      for (let i = 0; i < 3; i += 1)
        for (let k = 0; k < 2; k += 1) logits[2 * row + k] += values[3 * row + i] * weights[i][k];
    return logits;
  };
  return { run, facts: { isolated: globalThis.crossOriginIsolated === true, threads, files } };
}
"""
NODE = f"""
import {{ createInterface }} from "node:readline";
const {{ protocol }} = await import(process.argv[2]);
{START}
const operations = protocol(start);
for await (const line of createInterface({{ input: process.stdin }})) {{
  const {{ operation, ...request }} = JSON.parse(line);
  process.stdout.write(JSON.stringify({{ ok: true, ...(await operations[operation](request)) }}) + "\\n");
}}
"""
PAGE = f"""<!doctype html><meta charset="utf-8"><output>none yet</output>
<script type="module">
import {{ protocol }} from "./protocol.mjs";
{START}
const output = document.querySelector("output");
window.classifier = protocol(start, (number) => (output.value = number));
</script>
"""


def test_a_batch_that_was_not_exported_is_refused():
    answers = {"load": {"load_ms": 1.0, "facts": {}}}
    options = {"threads": 1, "files": remote.files({1: "one", 32: "many"})}
    predict = remote.Remote(lambda operation, **_: answers[operation], options, close=lambda: None)
    for ask in (predict, lambda batch: predict.timed(batch, 1)):
        with pytest.raises(ValueError, match=r"exported for batches of \[1, 32\], not of 5"):
            ask(np.zeros((5, 3), np.float32))


@pytest.mark.parametrize(("dtype", "kind"), [(np.float32, "float32"), (np.float64, "float32"), (np.int64, "int32")])
def test_arrays_travel_as_the_protocol_takes_them(dtype, kind):
    packed = remote.pack(np.arange(6, dtype=dtype).reshape(2, 3))
    assert (packed["kind"], packed["shape"]) == (kind, [2, 3])
    assert np.frombuffer(base64.b64decode(packed["data"]), "<f4" if kind == "float32" else "<i4").tolist() == [
        *range(6)
    ]


@pytest.mark.skipif(shutil.which("node") is None, reason="Node is not installed")
def test_node_speaks_the_protocol(tmp_path):
    program = tmp_path / "model.mjs"
    program.write_text(NODE)
    command = ["node", str(program), PROTOCOL.as_uri()]
    with Child(command, environment=os.environ, folder=tmp_path, log=tmp_path / "log", timeout_s=60) as child:
        options = {"threads": 1, "files": remote.files(["none"])}
        predict = remote.Remote(child.ask, options, close=child.stop)
        _agrees(predict)


@pytest.mark.browser
@pytest.mark.skipif(driver.find_browser() is None, reason="no browser is installed")
def test_a_page_speaks_the_protocol_and_is_isolated(tmp_path):
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pages, packages = tmp_path / "pages", tmp_path / "packages"
    for folder in (pages, packages / "node_modules"):
        folder.mkdir(parents=True)
    (pages / "page.html").write_text(PAGE)
    shutil.copy(PROTOCOL, pages)
    predict = driver.open_page("page.html", tmp_path, remote.files(["none"]), threads=2, pages=pages, packages=packages)
    try:
        _agrees(predict)
        assert predict.facts["isolated"] is True
        assert 10 < predict.peak_memory_mib < 4000
        assert "chromium" in predict.versions
    finally:
        predict.close()


def _agrees(predict):
    batch = np.random.default_rng(0).normal(size=(700, 3)).astype(np.float32)
    assert predict.first_answer_ms is None
    np.testing.assert_allclose(predict(batch), batch @ np.array(WEIGHTS, np.float32), rtol=1e-4, atol=1e-5)
    assert predict.load_ms >= 0
    assert predict.first_answer_ms >= 0
    times = predict.timed(batch[:1], 5)
    assert len(times) == 5
    assert all(time >= 0 for time in times)


def test_the_page_server_isolates_and_stays_in_its_folders(tmp_path):
    for name in ("pages", "model", "secret"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "file.mjs").write_text(name)
    with driver.serve({"": tmp_path / "pages", "model": tmp_path / "model"}) as address:
        with urllib.request.urlopen(f"{address}/file.mjs") as answer:
            assert answer.read() == b"pages"
            assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
            assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
            assert answer.headers["Content-Type"] == "text/javascript"
        with urllib.request.urlopen(f"{address}/model/file.mjs") as answer:
            assert answer.read() == b"model"
        for outside in ("/../secret/file.mjs", "/model/../../secret/file.mjs", "/%2e%2e/secret/file.mjs"):
            with pytest.raises(urllib.error.HTTPError, match="404"):
                urllib.request.urlopen(address + outside)


@pytest.mark.parametrize("name", ["browser", "node"])
def test_packages_are_pinned_with_their_licences_and_hashes(name):
    import json

    folder = web.HERE / name
    manifest = json.loads((folder / "package.json").read_text())
    assert set(manifest["licences"]) == set(manifest["dependencies"])
    lock = json.loads((folder / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        if path:
            assert package["integrity"].startswith("sha512-"), path
            assert "resolved" not in package, f"{path}: the lock file names where it was fetched from"
    for package, version in manifest["dependencies"].items():
        assert lock["packages"][f"node_modules/{package}"]["version"] == version


def test_packages_that_cannot_be_fetched_say_so(tmp_path, monkeypatch):
    from reproductions.errors import SurveyError

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SurveyError, match="npm is not installed"):
        web.packages("node", tmp_path / "cache")
