"""The interface that LitServe puts before PyTorch and before TensorFlow alike; in a module that its workers import."""

from __future__ import annotations

import litserve

from reproductions.deployment.servers import ROUTE, Job, inputs


class Classifier(litserve.LitAPI):
    """One model, one row a request."""

    def __init__(self, job: Job):
        super().__init__()
        self.job = job

    def setup(self, device: str) -> None:
        """Load the model in the worker."""
        self.model = self.job.predict()

    def decode_request(self, request):
        """Return inputs (1, ...); LitServe finds the parameter by its name."""
        return inputs(self.job, request)

    def predict(self, x):
        """Return logits (1, classes)."""
        return self.model(x)

    def encode_response(self, output):
        """Return what becomes JSON."""
        return {"logits": output.tolist()}


def main(job: Job) -> None:
    """Serve until the process is ended."""
    server = litserve.LitServer(Classifier(job), accelerator="cpu", workers_per_device=1, api_path=ROUTE)
    server.run(host="127.0.0.1", port=job.port, log_level="warning", generate_client_file=False)
