"""TensorFlow to ONNX by tf2onnx, ONNX to a module by onnx2torch."""

from reproductions.upkeep.moving.routes import Route, _common

ROUTE = Route(
    id="onnx2torch",
    title="ONNX: tf2onnx, onnx2torch",
    leaves="tensorflow",
    arrives="pytorch",
    documented="https://pypi.org/project/onnx2torch/",
    leave_needs=("tf2onnx", "onnx"),
    leave_environment="onnx",
    arrive_needs=("onnx2torch", "torchvision"),
    environment="onnx2torch",
    layout="leaves",
)
leave = _common.keras_to_onnx


def arrive(context, folder):
    """Convert with the defaults."""
    import onnx2torch

    return onnx2torch.convert(str(folder / _common.ONNX))
