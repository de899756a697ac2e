"""Triton through PyTriton: NVIDIA's server from a wheel, with ONNX Runtime in Python behind it."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from reproductions.deployment.servers import Job, Server, _onnx, serve

SERVER = Server(
    id="pytriton_onnx",
    title="Triton through PyTriton, ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    path="torch_onnx_dynamo",
    distributions=("nvidia-pytriton", "onnxruntime"),
    extra="pytriton",
    get="its own environment, with a Python that has a shared library (Debian's has): --extra pytriton",
    tool="pytriton",
)


def request(job: Job, row: np.ndarray) -> tuple[str, dict]:
    """Return route and body in the open inference protocol."""
    return "/v2/models/classifier/infer", _onnx.body(row[np.newaxis].astype(job.dtype), "inputs")


def answer(job: Job, value: object) -> np.ndarray:
    """Return logits (1, classes)."""
    return _onnx.logits(value)


def main(job: Job) -> None:
    """Serve until the process is ended."""
    from pytriton.decorators import batch
    from pytriton.model_config import ModelConfig, Tensor
    from pytriton.triton import Triton, TritonConfig

    session = _onnx.session(job)
    wanted = session.get_inputs()[0]
    kind = _onnx.TYPES[wanted.type]

    @batch
    def infer(inputs):
        return session.run(None, {wanted.name: inputs.astype(kind, copy=False)})[:1]

    http, grpc, metrics = job.ports[:3]
    config = TritonConfig(
        http_address="127.0.0.1",
        http_port=http,
        grpc_address="127.0.0.1",
        grpc_port=grpc,
        metrics_port=metrics,
        allow_gpu_metrics=False,
    )
    with Triton(config=config, workspace=Path(job.scratch, "workspace")) as triton:
        triton.bind(
            model_name="classifier",
            infer_func=infer,
            inputs=[Tensor(name="inputs", dtype=np.dtype(job.dtype).type, shape=job.shape)],
            outputs=[Tensor(name="logits", dtype=np.float32, shape=(-1,))],
            config=ModelConfig(max_batch_size=32),
        )
        triton.serve()


if __name__ == "__main__":
    sys.exit(serve(main))
