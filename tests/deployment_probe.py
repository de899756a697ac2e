"""Exports and loads many paths in one process, for tests: ``python -m tests.deployment_probe JOB`` answers in JSON.

A real run has a process an export and another a load; here the start of one framework is shared by all its paths.
"""

import json
import sys
import traceback
from pathlib import Path

import numpy as np

from reproductions.deployment import models, spec

ROWS = 40


def probe(path, model, request, folder, wanted):
    """Return how far a path comes with a model and how far its logits are off."""
    stage = "export"
    try:
        folder.mkdir(parents=True)
        artefact = path.export(model, folder, request)
        size = artefact.bytes(folder)
        stage = "load"
        predict = path.load(folder, request)
        stage = "run"
        rows = models.rows(request)[:ROWS]
        logits = models.answers(predict, rows, 32)
        singles = models.answers(predict, rows[:2], 1)
    except Exception as error:
        traceback.print_exc()
        return {"status": "failed", "stage": stage, "message": f"{type(error).__name__}: {error}"[:2000]}
    off = max(np.abs(logits - wanted[:ROWS]).max(), np.abs(singles - wanted[:2]).max())
    agree = float((logits.argmax(1) == wanted[:ROWS].argmax(1)).mean())
    return {"status": "ok", "stage": "numbers", "off": float(off), "agree": agree, "bytes": size}


def main():
    job = json.loads(Path(sys.argv[1]).read_text())
    found = {}
    for name in job["models"]:
        request = spec.Request(**job["requests"][name])
        model = models.source(request)
        with np.load(Path(request.arrays) / f"logits-{request.framework}.npz") as arrays:
            wanted = arrays["logits"]
        for path_id in job["paths"][name]:
            folder = Path(job["folder"]) / name / path_id
            found[f"{path_id} {name}"] = probe(spec.find(path_id), model, request, folder, wanted)
    Path(job["out"]).write_text(json.dumps(found))


if __name__ == "__main__":
    main()
