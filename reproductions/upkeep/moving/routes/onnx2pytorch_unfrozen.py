"""As onnx2pytorch, and then every constant that floats becomes a parameter: it keeps many weights as buffers."""

from reproductions.upkeep.moving.routes import Route, _common, onnx2pytorch

ROUTE = Route(
    id="onnx2pytorch_unfrozen",
    title="ONNX: tf2onnx, onnx2pytorch, buffers made parameters",
    leaves="tensorflow",
    arrives="pytorch",
    documented=onnx2pytorch.ROUTE.documented,
    leave_needs=onnx2pytorch.ROUTE.leave_needs,
    leave_environment="onnx",
    arrive_needs=onnx2pytorch.ROUTE.arrive_needs,
    environment="onnx2torch",
    layout="leaves",
)
leave = _common.keras_to_onnx


def arrive(context, folder):
    """Convert, then register the buffers that hold weights as parameters."""
    return _common.unfrozen(onnx2pytorch.arrive(context, folder))
