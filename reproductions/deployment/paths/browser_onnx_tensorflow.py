"""The ONNX file of TensorFlow in a page, on ONNX Runtime Web."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import _erfc, _tensorflow
from reproductions.deployment.paths import tf_tf2onnx as exporter
from reproductions.deployment.spec import Path, Request

PATH = Path(
    id="browser_onnx_tensorflow",
    title="ONNX Runtime Web (wasm), from TensorFlow",
    framework="tensorflow",
    runtime="onnxruntime_web",
    requires=(*_tensorflow.KERAS, "tf2onnx", "onnx", *outside.PAGE),
    export_imports=exporter.PATH.export_imports,
    expected=_erfc.ONNX,
    in_process=False,
    extra="web",
    tool="onnxruntime_web",
)
export = exporter.export


def load(folder: pathlib.Path, request: Request):
    """Return what answers in the page."""
    from reproductions.deployment.browser.driver import open_page

    files = outside.files(folder, "*.onnx")
    return open_page("onnxruntime_web.html", folder, files, threads=request.threads)


def install_bytes() -> int:
    """Return what the page takes of the npm registry, in bytes."""
    return web.bytes_of("browser", "onnxruntime-web")
