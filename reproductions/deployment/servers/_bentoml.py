"""The service that ``bentoml serve`` imports. Annotations are read as types, so they are not postponed here."""

import os

import bentoml
import numpy as np

from reproductions.deployment.servers import Job


@bentoml.service(name="classifier", workers=1, traffic={"timeout": 30})
class Classifier:
    """One model, one row a request."""

    def __init__(self) -> None:
        self.job = Job.read(os.environ["SURVEY_JOB"])
        self.model = self.job.predict()

    @bentoml.api
    def predict(self, inputs: np.ndarray) -> np.ndarray:
        """Return logits (1, classes)."""
        return self.model(inputs.astype(self.job.dtype))
