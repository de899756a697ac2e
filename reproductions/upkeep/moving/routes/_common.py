"""What several routes share: names of a model's arrays, and Keras to ONNX."""

from __future__ import annotations

from pathlib import Path

import numpy as np

OPSET = 17
ONNX = "model.onnx"


def arrays(engine) -> dict[str, np.ndarray]:
    """Return parameters and running statistics of an engine's model under the framework's names."""
    model = engine.model
    if not hasattr(model, "trainable_variables"):
        return {name: value.detach().cpu().numpy().copy() for name, value in _torch_values(model)}
    import keras

    from reproductions.frameworks._keras import name_of

    return {
        name_of(model, value): np.array(keras.ops.convert_to_numpy(value))
        for value in model.variables
        if "seed_generator" not in value.path
    }


def _torch_values(model) -> list:
    kept = model.state_dict().keys()
    return [*model.named_parameters(), *((name, value) for name, value in model.named_buffers() if name in kept)]


def keras_to_onnx(engine, context, folder: Path) -> None:
    """Write an engine's Keras model as ONNX by tf2onnx, for any number of rows."""
    import tensorflow as tf
    import tf2onnx

    model, batch = engine.model, context.inputs
    signature = [tf.TensorSpec([None, *batch.shape[1:]], batch.dtype, name="inputs")]
    function = tf.function(lambda inputs: model(inputs, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, input_signature=signature, opset=OPSET, output_path=str(folder / ONNX))


def torch_to_onnx(engine, context, folder: Path) -> None:
    """Write an engine's PyTorch module as ONNX by the exporter that is PyTorch's default, for any number of rows."""
    import torch

    sample = torch.from_numpy(np.ascontiguousarray(context.inputs))
    sample = sample if sample.is_floating_point() else sample.long()
    engine.model.eval()
    torch.onnx.export(
        engine.model,
        (sample,),
        str(folder / ONNX),
        input_names=["inputs"],
        output_names=["logits"],
        dynamic_shapes=({0: torch.export.Dim("rows", min=2)},),
        external_data=False,
        verbose=False,
    )


def unfrozen(model):
    """Return a PyTorch module whose buffers that hold weights have become parameters.

    Constants of a single number are parts of the graph (an epsilon, a scale), not weights, and stay.
    """
    import torch

    for module in model.modules():
        for name, value in list(module.named_buffers(recurse=False)):
            if value.is_floating_point() and value.numel() > 1:
                delattr(module, name)
                module.register_parameter(name, torch.nn.Parameter(value.detach().clone()))
    return model
