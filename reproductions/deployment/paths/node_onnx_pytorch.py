"""The ONNX file of PyTorch in Node, on onnxruntime-node."""

from __future__ import annotations

import pathlib

from reproductions.deployment import outside, web
from reproductions.deployment.paths import torch_onnx_dynamo as exporter
from reproductions.deployment.spec import Path, Request

PATH = Path(
    id="node_onnx_pytorch",
    title="onnxruntime-node, from PyTorch",
    framework="pytorch",
    runtime="onnxruntime_node",
    requires=(*exporter.EXPORTER, *outside.NODE),
    export_imports=exporter.PATH.export_imports,
    in_process=False,
    extra="web",
    tool="onnxruntime_node",
)
export = exporter.export


def load(folder: pathlib.Path, request: Request):
    """Return what answers in Node."""
    from reproductions.deployment.node.driver import open_node

    return open_node("onnxruntime-node", folder, outside.files(folder, "*.onnx"), threads=request.threads)


def install_bytes() -> int:
    """Return what Node takes of the npm registry, in bytes."""
    return web.bytes_of("node", "onnxruntime-node")
