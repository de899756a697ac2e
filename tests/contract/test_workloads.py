"""Every workload folder keeps the contract; a new one is tested by being there."""

import numpy as np
import pytest

from reproductions import batches, datasets, environments, registry
from reproductions.spec import MODES

WORKLOADS = registry.discover()
each = pytest.mark.parametrize("workload", WORKLOADS.values(), ids=list(WORKLOADS))


@each
def test_folder_is_complete(workload):
    for name in ("workload.yaml", "weights.py", "pytorch.py", "tensorflow.py", "README.md"):
        assert (workload.folder / name).is_file(), f"{workload.id}: {name} is missing"


@each
def test_weights_survive_the_way_into_each_framework_and_back(workload):
    weights = workload.module("weights")
    for preset in workload.presets.values():
        parameters = weights.initial(np.random.default_rng(3), preset.sizes)
        for framework in MODES:
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
    assert {"smoke", "quick"} <= workload.presets.keys()
    for preset in workload.presets.values():
        assert set(preset.environments) <= environments.load().keys()
        assert set(preset.steps) == set(workload.phases)
    assert set(workload.datasets) <= datasets.registry().keys()


@each
def test_tolerances_are_tight_enough_to_catch_a_planted_difference(workload):
    # The smallest planted fault of tests/parity moves a gradient by more than one per cent.
    assert workload.tolerances["gradient"] <= 1e-2
    assert workload.tolerances["logits"] <= 1e-3


@each
def test_inputs_have_the_declared_kind(workload):
    sizes = workload.preset("smoke").sizes
    if workload.input == "image":
        inputs = batches.inputs("image", np.full((2, 28, 28), 255, np.uint8), sizes)
        assert inputs.shape == (2, 28, 28, 1) and inputs.dtype == np.float32 and inputs.max() == 1
    else:
        inputs = batches.inputs("text", np.full((2, 512), 19_999, np.int32), sizes)
        assert inputs.shape == (2, sizes["tokens"]) and inputs.max() == 1, "words beyond the vocabulary are unknown"
