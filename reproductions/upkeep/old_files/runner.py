"""Does what it is told in a release of any age: a JSON object a line in, one out. Runs in old Pythons.

Started by path in an environment that holds nothing of this project: ``python runner.py`` finds its neighbours beside
it, and the kinds of file by their path.
"""

import json
import os
import platform
import sys
import warnings


def load_kind(path):
    """Return the module of a kind of file."""
    import importlib.util

    spec = importlib.util.spec_from_file_location("kind", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def version(side):
    """Say the release that is asked."""
    if side == "pytorch":
        import torch

        return "torch " + torch.__version__
    import models
    import tensorflow as tf

    name = "tf-keras" if os.environ.get("TF_USE_LEGACY_KERAS") else "keras"
    return "tensorflow " + tf.__version__ + ", " + name + " " + models.keras_version()


def answer(task):
    """Return what came of one task."""
    kind = load_kind(task["kind"])
    found = {"version": version(task["side"]), "python": platform.python_version()}
    try:
        if task["do"] == "save":
            found["outputs"] = kind.save(task["network"], task["folder"])
        else:
            found["outputs"] = kind.load(task["way"], task["network"], task["folder"])
    except Exception as error:  # whatever it is, it is the answer
        found["error"] = type(error).__name__ + ": " + str(error)
    return found


def main():
    """Answer every line of the input."""
    warnings.simplefilter("ignore")
    answers = os.fdopen(os.dup(1), "w", 1)
    os.dup2(2, 1)
    for line in sys.stdin:
        answers.write(json.dumps(answer(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
