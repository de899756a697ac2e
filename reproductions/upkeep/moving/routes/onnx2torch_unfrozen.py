"""The same, and then every constant that floats becomes a parameter: onnx2torch keeps operands of MatMul as buffers."""

from reproductions.upkeep.moving.routes import Route, _common, onnx2torch

ROUTE = Route(
    id="onnx2torch_unfrozen",
    title="ONNX: tf2onnx, onnx2torch, buffers made parameters",
    leaves="tensorflow",
    arrives="pytorch",
    documented=onnx2torch.ROUTE.documented,
    leave_needs=onnx2torch.ROUTE.leave_needs,
    leave_environment="onnx",
    arrive_needs=onnx2torch.ROUTE.arrive_needs,
    environment="onnx2torch",
    layout="leaves",
)
leave = _common.keras_to_onnx


def arrive(context, folder):
    """Convert, then register the buffers that hold weights as parameters."""
    return _common.unfrozen(onnx2torch.arrive(context, folder))
