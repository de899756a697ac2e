"""Ray Serve before ONNX Runtime, with the model that PyTorch exported."""

from __future__ import annotations

import atexit
import shutil
import sys
import tempfile

from reproductions.deployment.servers import ROUTE, Job, Server, inputs, serve

SERVER = Server(
    id="ray_serve_onnx",
    title="Ray Serve, ONNX Runtime",
    framework="pytorch",
    runtime="onnxruntime",
    path="torch_onnx_dynamo",
    distributions=("ray", "onnxruntime"),
    get="pip install 'ray[serve]' onnxruntime (extra deploy)",
    tool="ray_serve",
)
#: Ray keeps at least this much for passing objects between processes; nothing is passed here.
OBJECT_STORE_BYTES = 100 * 2**20


def environment(job: Job) -> dict[str, str]:
    """Return what keeps Ray from telling its makers that it was used."""
    return {"RAY_USAGE_STATS_ENABLED": "0"}


def main(job: Job) -> None:
    """Serve until the process is ended."""
    import ray
    from ray import serve as ray_serve

    # A path of a socket below it must stay under 107 bytes, so it cannot be the scratch folder.
    folder = tempfile.mkdtemp(prefix="ray-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    ray.init(include_dashboard=False, log_to_driver=False, object_store_memory=OBJECT_STORE_BYTES, _temp_dir=folder)

    @ray_serve.deployment(num_replicas=1)
    class Classifier:
        def __init__(self):
            self.model = job.predict()

        async def __call__(self, request):
            logits = self.model(inputs(job, await request.json()))
            return {"logits": logits.tolist()}

    ray_serve.start(http_options={"host": "127.0.0.1", "port": job.port})
    ray_serve.run(Classifier.bind(), name="classifier", route_prefix=ROUTE, blocking=True)


if __name__ == "__main__":
    sys.exit(serve(main))
