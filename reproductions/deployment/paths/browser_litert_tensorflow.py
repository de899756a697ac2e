"""TensorFlow's LiteRT files in a page, on LiteRT.js; a file for each batch size, since it refuses an open one."""

from __future__ import annotations

import pathlib
import tempfile

from reproductions.deployment import outside, web
from reproductions.deployment.paths import _tensorflow
from reproductions.deployment.spec import Artefact, Path, Request

PATH = Path(
    id="browser_litert_tensorflow",
    title="LiteRT.js (wasm), from TensorFlow",
    framework="tensorflow",
    runtime="litert_js",
    requires=(*_tensorflow.KERAS, *outside.PAGE),
    export_imports=("tensorflow", "keras"),
    in_process=False,
    extra="web",
    tool="litert_js",
)


def export(model, folder: pathlib.Path, request: Request) -> Artefact:
    """Convert once a batch size, through a SavedModel of that size."""
    import tensorflow as tf

    for rows in request.batches:
        with tempfile.TemporaryDirectory() as scratch:
            signature = _tensorflow.signature(request, rows)
            model.export(scratch, format="tf_saved_model", input_signature=signature, verbose=False)
            converted = tf.lite.TFLiteConverter.from_saved_model(scratch).convert()
        (folder / f"model_b{rows}.tflite").write_bytes(converted)
    return Artefact(f"model_b{request.batches[0]}.tflite", batches=request.batches)


def load(folder: pathlib.Path, request: Request):
    """Return what answers in the page."""
    from reproductions.deployment.browser.driver import open_page

    return open_page("litert.html", folder, outside.files(folder, "*.tflite"), threads=request.threads)


def install_bytes() -> int:
    """Return what the page takes of the npm registry, in bytes."""
    return web.bytes_of("browser", "@litertjs/")
