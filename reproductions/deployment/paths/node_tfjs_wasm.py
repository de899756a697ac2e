"""TensorFlow.js on WebAssembly in Node: a SavedModel through its converter, in an environment of its own."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import tf_saved_model as exporter
from reproductions.deployment.spec import Artefact, Path, Request

PATH = Path(
    id="node_tfjs_wasm",
    title="TensorFlow.js (wasm) in Node",
    framework="tensorflow",
    runtime="tfjs_node_wasm",
    artefact="folder",
    requires=(*exporter.PATH.requires, *outside.NODE),
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
    """Return what answers in Node."""
    from reproductions.deployment.node.driver import open_node

    files = outside.files(folder / "graph", "model.json")
    return open_node("tfjs-wasm", folder / "graph", files, threads=request.threads)


def install_bytes() -> int:
    """Return what Node takes of the npm registry, in bytes."""
    return web.bytes_of("node", "@tensorflow/")
