"""A failure that several paths out of TensorFlow have in common."""

from reproductions.deployment.spec import Expectation

#: TensorFlow writes exact GELU with Erfc, which ONNX does not have; the converter puts it into the file all the same.
ONNX = {
    "bert_encoder": Expectation(
        stage="load",
        match="Erfc",
        reason="exact GELU becomes Erfc, which is not an ONNX operator, so the file is not valid",
        report="https://github.com/onnx/tensorflow-onnx/pull/2463",
    )
}
