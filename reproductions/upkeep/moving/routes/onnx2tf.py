"""PyTorch to ONNX by PyTorch's exporter, ONNX to a Keras 3 file by onnx2tf, a command in an environment of its own."""

import os
import shutil
import subprocess
from pathlib import Path

from reproductions.upkeep.moving.routes import Route, _common

LIMIT_S = 300
ROUTE = Route(
    id="onnx2tf",
    title="ONNX: PyTorch's exporter, onnx2tf",
    leaves="pytorch",
    arrives="tensorflow",
    documented="https://github.com/PINTO0309/onnx2tf",
    leave_needs=("onnx", "onnxscript"),
    leave_environment="onnx",
    arrive_needs=("onnx2tf",),
    environment="onnx2tf",
)
leave = _common.torch_to_onnx


def arrive(context, folder):
    """Convert to a SavedModel and load it; raises RuntimeError with the converter's last words."""
    import sys

    import tensorflow as tf

    given, made = folder / "given.onnx", folder / "saved"
    shutil.copyfile(folder / _common.ONNX, given)  # it writes over the file that it is given
    commands = Path(sys.executable).parent
    variables = os.environ | {"PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    variables.pop("KERAS_BACKEND", None)
    # The number of rows is fixed, as its pages advise: operations that need a known shape fail without.
    rows = str(len(context.inputs))
    command = [str(commands / "onnx2tf"), "-i", str(given), "-o", str(made), "-b", rows, "-n", "-osd"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=variables, cwd=folder
    )
    if done.returncode or not (made / "saved_model.pb").is_file():
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no message"]
        raise RuntimeError(f"onnx2tf: {lines[-1].strip()[:250]}")
    return _Loaded(tf.saved_model.load(str(made)))


class _Loaded:
    """A SavedModel that is called like a Keras model."""

    def __init__(self, loaded):
        self.loaded = loaded
        self.serve = loaded.signatures["serving_default"]
        self.name, self.variables = "loaded", list(getattr(loaded, "variables", []))
        self.trainable_variables = list(getattr(loaded, "trainable_variables", []))
        (self.argument,) = self.serve.structured_input_signature[1]

    def __call__(self, inputs, training=False):
        import tensorflow as tf

        wanted = self.serve.structured_input_signature[1][self.argument].dtype
        (logits,) = self.serve(**{self.argument: tf.cast(inputs, wanted)}).values()
        return logits
