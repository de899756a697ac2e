"""PyTorch to ONNX to LiteRT by onnx2tf, in an environment of its own."""

import os
import pathlib
import shutil
import subprocess
import tempfile

from reproductions.deployment.paths import _litert, _torch, litert_torch, torch_onnx_dynamo
from reproductions.deployment.spec import Artefact, Expectation, Path

LIMIT_S = 600
PATH = Path(
    id="torch_onnx2tf",
    title="PyTorch to ONNX to LiteRT (onnx2tf)",
    framework="pytorch",
    runtime="litert",
    requires=(*torch_onnx_dynamo.EXPORTER, *_litert.RUNTIME),
    deploys=_litert.RUNTIME,
    imports=(_litert.MODULE,),
    export_imports=("torch.export", "torch.onnx", "onnxscript"),
    expected={
        "bert_encoder": Expectation(
            stage="export",
            match="onnx2tf: ValueError: Cannot convert a partially known TensorShape",
            reason="onnx2tf does not convert the transformer, from neither of PyTorch's exporters",
        )
    },
    extra="onnx2tf",
    tool="onnx2tf",
    export_timeout_s=2 * LIMIT_S,
)


def export(model, folder, request):
    """Convert once a batch size; raises RuntimeError with the converter's last words."""
    # It calls onnxsim by its name, and belongs to another TensorFlow than this process.
    commands = pathlib.Path(request.command("onnx2tf", "onnx2tf"))
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    variables["PATH"] = f"{commands.parent}{os.pathsep}{variables.get('PATH', '')}"
    with tempfile.TemporaryDirectory() as scratch:
        exported = pathlib.Path(scratch, "exported.onnx")
        _torch.to_onnx(model, exported, request)
        for rows in request.batches:
            given, made = pathlib.Path(scratch, f"given{rows}.onnx"), pathlib.Path(scratch, f"made{rows}")
            shutil.copyfile(exported, given)  # it writes over the file that it is given
            command = [str(commands), "-i", str(given), "-o", str(made), "-b", str(rows), "-n"]
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=LIMIT_S, check=False, env=variables, cwd=scratch
            )
            file = next(made.glob("*_float32.tflite"), None)
            if done.returncode or file is None:
                lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()] or ["no message"]
                raise RuntimeError(f"onnx2tf: {lines[-1].strip()[:250]}")
            shutil.copyfile(file, folder / f"model_b{rows}.tflite")
    return Artefact(f"model_b{request.batches[0]}.tflite", batches=request.batches)


def load(folder, request):
    """Prepare an interpreter a batch size; images come channel-last here, as TensorFlow has them."""
    predict = litert_torch.load(folder, request)
    return lambda batch: predict(batch.transpose(0, 2, 3, 1) if batch.ndim == 4 else batch)
