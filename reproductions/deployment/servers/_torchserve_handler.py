"""What TorchServe runs in its workers; it goes into the archive alone and imports nothing of the survey."""

import json
import os

import torch


class Classifier:
    """A TorchScript file that answers JSON; TorchServe looks for the only class of the module."""

    def initialize(self, context) -> None:
        """Load the model once a worker."""
        torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
        folder, file = context.system_properties["model_dir"], context.manifest["model"]["serializedFile"]
        self.model = torch.jit.load(os.path.join(folder, file)).eval()  # noqa: PTH118  as its documentation has it

    def handle(self, data, context) -> list:
        """Return one answer a request, of those that TorchServe hands over together."""
        answers = []
        for item in data:
            body = item.get("body") or item.get("data")
            body = json.loads(body) if isinstance(body, (bytes, bytearray, str)) else body
            with torch.inference_mode():
                answers.append({"logits": self.model(torch.as_tensor(body["inputs"])).tolist()})
        return answers
