"""Defaults without a framework: laws of initial weights, what is trained for which default, effects over seeds."""

import json

import numpy as np
import pytest

from reproductions.upkeep import defaults
from reproductions.upkeep.defaults import laws, measure

LAWS = ("zeros", "ones", "normal(1)", "uniform(0.05)", laws.FAN_IN, laws.GLOROT)
FAN_IN, FAN_OUT = 300, 2000


def read(**changed):
    """Return what a reading may give: side by side the same, except the defaults that are named."""
    values = dict.fromkeys(defaults.discover(), 0.5) | {"initialisers": {"kernels": laws.FAN_IN, "biases": laws.FAN_IN}}
    found = {side: {"version": f"{side} 1", "values": dict(values), "faults": {}} for side in defaults.SIDES}
    found["tensorflow"]["values"] |= changed
    return found


@pytest.mark.parametrize("law", LAWS)
def test_a_law_is_recognised_from_what_it_draws(law):
    drawn = laws.draw(law, np.random.default_rng(1), (20_000,), FAN_IN, FAN_OUT)
    assert laws.recognise(drawn, FAN_IN, FAN_OUT) == law and drawn.dtype == np.float32


@pytest.mark.parametrize("shape", [(100, 400), (400, 100)])
def test_an_orthogonal_matrix_is_recognised_whichever_way_it_lies(shape):
    drawn = laws.draw("orthogonal", np.random.default_rng(1), shape, *shape)
    assert drawn.shape == shape and laws.recognise(drawn, *shape) == "orthogonal"


def test_an_unknown_law_is_refused():
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="no law"):
        laws.recognise(rng.exponential(1, 5000), FAN_IN, FAN_OUT)
    with pytest.raises(ValueError, match="no law"):
        laws.recognise(np.where(rng.random(5000) < 0.5, -1.0, 1.0) * (1 + 0.2 * rng.random(5000)), FAN_IN, FAN_OUT)


def test_uniform_laws_of_one_seed_differ_in_their_limit_alone():
    rngs = [np.random.default_rng(3) for _ in range(2)]
    first = laws.draw(laws.FAN_IN, rngs[0], (50,), FAN_IN, FAN_OUT)
    second = laws.draw(laws.GLOROT, rngs[1], (50,), FAN_IN, FAN_OUT)
    ratio = laws.limit(laws.GLOROT, FAN_IN, FAN_OUT) / laws.limit(laws.FAN_IN, FAN_IN, FAN_OUT)
    np.testing.assert_allclose(second, first * ratio, rtol=1e-5)


def test_every_default_is_one_file_that_reads_both_sides():
    for name, module in defaults.discover().items():
        assert module.DEFAULT.id == name and set(module.DEFAULT.asked) == set(defaults.SIDES)
        assert callable(module.pytorch) and callable(module.tensorflow)
        assert module.DEFAULT.network in measure.NETWORKS


def test_two_trainings_of_a_default_differ_in_it_alone():
    every = defaults.discover()
    for name in every:
        found = measure.settings_of(every, read(**{name: 0.99}), name)
        differing = {key for key in found["pytorch"] if found["pytorch"][key] != found["tensorflow"][key]}
        assert differing == {every[name].DEFAULT.setting}


def test_keras_momentum_is_the_weight_of_what_is_kept():
    module = defaults.discover()["batch_norm_momentum"]
    assert defaults.setting(module, "tensorflow", 0.99) == pytest.approx(0.01)
    assert defaults.setting(module, "pytorch", 0.1) == 0.1


def test_a_base_is_trained_once_for_all_defaults_that_share_it():
    modules = {name: defaults.discover()[name] for name in ("adam_epsilon", "batch_norm_epsilon", "weight_decay")}
    jobs = measure.plan(modules, read(adam_epsilon=1, batch_norm_epsilon=1, weight_decay=1), measure.Options(seeds=2))
    assert len(jobs) == 2 * (1 + 2 + 2), "a base and two changes, and a pair under AdamW, for each seed"
    assert len({json.dumps(job[1], sort_keys=True) for job in jobs.values()}) == 5


def test_what_does_not_differ_is_not_trained_and_what_cannot_be_read_is_told():
    options, told = measure.Options(seeds=2), read()
    del told["tensorflow"]["values"]["dropout"]
    told["tensorflow"]["faults"]["dropout"] = "TypeError: no default for dropout"
    modules = {name: defaults.discover()[name] for name in ("adam_epsilon", "dropout")}
    assert not measure.plan(modules, told, options)
    same, unread = measure.summarise(modules, told, {}, options)
    assert same["status"] == "same" and unread["status"] == "failed" and "no default" in unread["note"]


def test_accuracies_are_paired_by_seed():
    options, told, name = measure.Options(seeds=3), read(adam_epsilon=1), "adam_epsilon"
    modules = {name: defaults.discover()[name]}
    settings, known = measure.settings_of(defaults.discover(), told, name), {}
    for seed, (first, second) in enumerate([(90, 91), (80, 82), (70, 73)], 1):
        for side, correct in (("pytorch", first), ("tensorflow", second)):
            result = {"status": "ok", "correct": correct, "n_test": 100, "n_train": 400}
            known[measure.key("convolutional", settings[side], seed)] = result
    (row,) = measure.summarise(modules, told, known, options)
    assert row["difference"] == pytest.approx(0.02) and row["accuracy_pytorch"] == pytest.approx(0.8)
    # Student t over 0.01, 0.02, 0.03: 0.02 +- 4.303 * 0.01 / sqrt(3)
    assert row["low"] == pytest.approx(0.02 - 4.30265 * 0.01 / 3**0.5, abs=1e-6)
    assert row["wording"] == "no difference settled" and row["seeds"] == 3


@pytest.mark.parametrize(
    ("values", "wording"),
    [
        ([0.02, 0.021, 0.019], "more accurate with TensorFlow's"),
        ([-0.02, -0.021, -0.019], "less accurate with TensorFlow's"),
        ([0.001, -0.001, 0.0], "within one point"),
        ([0.3], "no interval: one seed"),
    ],
)
def test_words_follow_from_the_interval(values, wording):
    assert measure.difference(np.array(values))["wording"] == wording


def test_a_training_that_failed_is_the_row():
    options, told, name = measure.Options(seeds=1), read(adam_epsilon=1), "adam_epsilon"
    settings = measure.settings_of(defaults.discover(), told, name)
    known = {
        measure.key("convolutional", own, 1): {"status": "timeout", "note": "too long"} for own in settings.values()
    }
    (row,) = measure.summarise({name: defaults.discover()[name]}, told, known, options)
    assert (row["status"], row["note"], row["seeds"]) == ("timeout", "too long", 0)


def test_argument_reads_a_signature_and_refuses_one_without_a_default():
    assert defaults.argument(lambda a, eps=1e-8: None, "eps") == 1e-8
    with pytest.raises(TypeError, match="no default for a"):
        defaults.argument(lambda a: None, "a")
