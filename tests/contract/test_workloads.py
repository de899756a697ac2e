"""Every workload folder keeps the contract; a new one is tested by being there."""

import numpy as np
import pytest

from reproductions import batches, datasets, environments, registry
from reproductions.spec import FRAMEWORKS

WORKLOADS = registry.discover()
each = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))


@each
def test_folder_is_complete(workload):
    for name in ("workload.yaml", "weights.py", "pytorch.py", "tensorflow.py", "README.md"):
        assert (workload.folder / name).is_file(), f"{workload.id}: {name} is missing"


@each
def test_weights_survive_the_way_into_each_framework_and_back(workload):
    weights = workload.module("weights")
    # The sizes of `paper` hold up to 140 million weights: the mapping is the same, the memory is not.
    for preset in (workload.presets[name] for name in ("smoke", "quick")):
        parameters = weights.initial(np.random.default_rng(3), preset.sizes)
        for framework in FRAMEWORKS:
            there = getattr(weights, f"to_{framework}")(parameters, preset.sizes)
            back = getattr(weights, f"from_{framework}")(there, preset.sizes)
            assert back.keys() == parameters.keys()
            for name, value in parameters.items():
                np.testing.assert_array_equal(back[name], value, err_msg=f"{workload.id} {framework} {name}")


@each
def test_initial_weights_depend_on_the_seed_alone(workload):
    sizes = workload.preset("smoke").sizes
    initial = workload.module("weights").initial
    same, again, other = (initial(np.random.default_rng(seed), sizes) for seed in (1, 1, 2))
    assert all(np.array_equal(same[name], again[name]) for name in same)
    assert any(not np.array_equal(same[name], other[name]) for name in same)


@each
def test_presets_name_known_things(workload):
    assert {"smoke", "quick", "standard", "paper"} <= workload.presets.keys()
    for preset in workload.presets.values():
        assert set(preset.environments) <= environments.load().keys()
        assert set(preset.steps) == set(workload.phases)
        assert (preset.accuracy is None) or workload.input != "synthetic", "accuracy on synthetic data means nothing"
    assert set(workload.datasets) <= datasets.registry().keys()


@each
def test_tolerances_leave_room_for_rounding_and_none_for_another_formula(workload):
    # The ladder runs in float64; what is wider has its reason in the workload's README.
    # TensorFlow holds the square root of two in the exact GELU as a float32 number, also in float64.
    exact = 1e-7 if "exact GELU" in workload.model else 1e-9
    limits = {"logits": exact, "loss": exact, "gradient": exact, "trace_loss": 1e-5, "trace_gradient_norm": 1e-5}
    # Rounding adds up over tens of layers and, through units that switch, over twenty steps.
    limits |= {"float32_logits": 1e-4, "float32_trace_loss": 5e-2}
    further = {"state": 0.1, "bfloat16_logits": 0.1, "bfloat16_trace_loss": 0.1}
    assert limits.keys() <= workload.tolerances.keys() <= limits.keys() | further.keys()
    assert all(
        workload.tolerances[name] <= limit for name, limit in (limits | further).items() if name in workload.tolerances
    )


@each
def test_inputs_have_the_declared_kind(workload):
    sizes = workload.preset("smoke").sizes
    if workload.input == "image":
        inputs = batches.inputs("image", np.full((2, 28, 28), 255, np.uint8), sizes)
        assert inputs.shape == (2, 28, 28, 1) and inputs.dtype == np.float32 and inputs.max() == 1
    elif workload.input == "synthetic":
        inputs, labels = workload.module("data").make(np.random.default_rng(0), sizes, 3)
        several = inputs if isinstance(inputs, tuple) else (inputs,)
        assert all(len(array) == 3 and array.dtype in (np.float32, np.int32) for array in several)
        assert len(labels) == 3 and labels.dtype == np.int32 and labels.max() < sizes.get("classes", 2**31)
        assert workload.module("data").describe(sizes).startswith("synthetic")
    else:
        inputs = batches.inputs("text", np.full((2, 512), 19_999, np.int32), sizes)
        assert inputs.shape == (2, sizes["tokens"]) and inputs.max() == 1, "words beyond the vocabulary are unknown"
