"""What the paths of pages and of Node share: files of an export, TensorFlow.js' converter in its own environment."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from reproductions.deployment import remote
from reproductions.deployment.spec import Artefact, Expectation, Request

BROWSER = "command:chromium|chromium-browser|google-chrome|google-chrome-stable|chrome"
#: What a page needs besides its export, and what Node needs.
PAGE = ("playwright", BROWSER, "command:npm")
NODE = ("command:node", "command:npm")
ERFC = "https://github.com/tensorflow/tensorflow/issues/90899"
CONVERTING_S = 600
#: The same for both back ends: the converter refuses before a back end is asked. Were it to pass, WebAssembly would
#: still lack Einsum (https://github.com/tensorflow/tfjs/issues/7439).
TFJS_EXPECTED = {
    "bert_encoder": Expectation(
        stage="export",
        match="Erfc",
        reason="exact GELU becomes Erfc, which the converter does not know",
        report=ERFC,
    )
}


def files(folder: Path, pattern: str) -> list[dict]:
    """Return the option ``files`` of what a path exported, with the batch size where the name holds one (``_b32``).

    Raises FileNotFoundError if nothing matches.
    """
    found = {path.name: re.search(r"_b?(\d+)$", path.stem) for path in sorted(folder.glob(pattern))}
    if not found:
        raise FileNotFoundError(f"{folder.name}: no file {pattern}; the export wrote none")
    return remote.files({int(match[1]) if match else None: name for name, match in found.items()})


def export_for_tfjs(export: Callable, model: object, folder: Path, request: Request) -> Artefact:
    """Write a SavedModel with ``export`` and TensorFlow.js' graph model of it to ``folder/graph``.

    Raises RuntimeError with the converter's own words if it fails.
    """
    with tempfile.TemporaryDirectory() as scratch:
        saved = Path(scratch)
        export(model, saved, request)
        (found,) = saved.rglob("saved_model.pb")
        command = [
            request.command("tfjs", "tensorflowjs_converter"),
            "--input_format=tf_saved_model",
            "--output_format=tfjs_graph_model",
            "--signature_name=serving_default",
            str(found.parent),
            str(folder / "graph"),
        ]
        # The converter belongs to another TensorFlow than this process.
        variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=CONVERTING_S, check=False, env=variables)
    if done.returncode or not (folder / "graph" / "model.json").is_file():
        raise RuntimeError(f"tensorflowjs_converter: {_complaint(done.stderr)}")
    return Artefact("graph")


def _complaint(text: str) -> str:
    """Return what the converter says is wrong: unsupported operations are named on the lines after that."""
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    start = next((place for place, line in enumerate(lines) if "Unsupported Ops" in line), len(lines) - 1)
    return " ".join(lines[start : start + 3])[:300]
