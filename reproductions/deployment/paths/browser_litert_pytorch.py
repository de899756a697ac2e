"""The LiteRT files of PyTorch in a page, on LiteRT.js; a file for each batch size, since it refuses an open one."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import litert_torch as exporter
from reproductions.deployment.spec import Path, Request

PATH = Path(
    id="browser_litert_pytorch",
    title="LiteRT.js (wasm), from PyTorch",
    framework="pytorch",
    runtime="litert_js",
    requires=("torch", "litert-torch", *outside.PAGE),
    export_imports=exporter.PATH.export_imports,
    in_process=False,
    extra="web",
    tool="litert_js",
)
export = exporter.export


def load(folder: pathlib.Path, request: Request):
    """Return what answers in the page."""
    from reproductions.deployment.browser.driver import open_page

    return open_page("litert.html", folder, outside.files(folder, "*.tflite"), threads=request.threads)


def install_bytes() -> int:
    """Return what the page takes of the npm registry, in bytes."""
    return web.bytes_of("browser", "@litertjs/")
