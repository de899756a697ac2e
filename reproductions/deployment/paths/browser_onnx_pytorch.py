"""The ONNX file of PyTorch in a page, on ONNX Runtime Web."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import torch_onnx_dynamo as exporter
from reproductions.deployment.spec import Path, Request

PATH = Path(
    id="browser_onnx_pytorch",
    title="ONNX Runtime Web (wasm), from PyTorch",
    framework="pytorch",
    runtime="onnxruntime_web",
    requires=(*exporter.EXPORTER, *outside.PAGE),
    export_imports=exporter.PATH.export_imports,
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
