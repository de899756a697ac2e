"""TensorFlow.js in plain JavaScript in a page: a SavedModel through its converter, in an environment of its own."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import tf_saved_model as exporter
from reproductions.deployment.spec import Artefact, Path, Request

PATH = Path(
    id="browser_tfjs_cpu",
    title="TensorFlow.js (cpu)",
    framework="tensorflow",
    runtime="tfjs_cpu",
    artefact="folder",
    requires=(*exporter.PATH.requires, *outside.PAGE),
    export_imports=exporter.PATH.export_imports,
    expected=outside.TFJS_EXPECTED,
    in_process=False,
    single_threaded=True,
    extra="tfjs",
    tool="tfjs",
)


def export(model, folder: pathlib.Path, request: Request) -> Artefact:
    """Write a SavedModel, and from it what TensorFlow.js reads."""
    return outside.export_for_tfjs(exporter.export, model, folder, request)


def load(folder: pathlib.Path, request: Request):
    """Return what answers in a page."""
    from reproductions.deployment.browser.driver import open_page

    files = outside.files(folder / "graph", "model.json")
    return open_page("tfjs.html", folder / "graph", files, threads=request.threads, backend="cpu")


def install_bytes() -> int:
    """Return what the page takes of the npm registry, in bytes."""
    return web.bytes_of("browser", "@tensorflow/")
