"""TensorFlow to ONNX by tf2onnx, ONNX to a module by onnx2pytorch."""

from reproductions.upkeep.moving.routes import Route, _common

ROUTE = Route(
    id="onnx2pytorch",
    title="ONNX: tf2onnx, onnx2pytorch",
    leaves="tensorflow",
    arrives="pytorch",
    documented="https://pypi.org/project/onnx2pytorch/",
    leave_needs=("tf2onnx", "onnx"),
    leave_environment="onnx",
    arrive_needs=("onnx2pytorch",),
    environment="onnx2torch",
    layout="leaves",
)
leave = _common.keras_to_onnx


def arrive(context, folder):
    """Convert; without ``experimental`` it takes one row at a time."""
    import onnx
    from onnx2pytorch import ConvertModel

    return _Whole(ConvertModel(onnx.load(str(folder / _common.ONNX)), experimental=True))


def _Whole(model):
    import torch

    class Whole(torch.nn.Module):
        """Its ``to`` takes a device alone, so a module around it is what is moved and cast."""

        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, inputs):
            return self.model(inputs)

    return Whole()
