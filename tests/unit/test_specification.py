import pytest

from reproductions import registry
from reproductions.errors import SurveyError
from reproductions.spec import load


def edited(variant, *edits):
    with pytest.raises(SurveyError) as caught:
        variant("cnn_mnist", "mine", *edits)
    return str(caught.value)


def test_unknown_key_names_file_field_and_what_was_meant(variant):
    message = edited(variant, ("workload.yaml", "tolerances:", "tolerence: 1\ntolerances:"))
    assert "mine/workload.yaml: tolerence: unknown key; did you mean 'tolerances'?" in message


def test_wrong_type_names_the_field(variant):
    message = edited(variant, ("workload.yaml", "restarts: 3", "restarts: many"))
    assert "presets.quick.restarts: 'many' is not of type integer" in message


def test_missing_key_is_named(variant):
    message = edited(variant, ("workload.yaml", "task: image classification\n", ""))
    assert "task missing; add it" in message


def test_every_fault_is_reported_at_once(variant):
    message = edited(
        variant, ("workload.yaml", "restarts: 3", "restarts: 0"), ("workload.yaml", "rounds: 6", "rounds: 0")
    )
    assert "restarts" in message and "rounds" in message


def test_broken_yaml_names_the_file(variant):
    assert "mine/workload.yaml: not valid YAML" in edited(variant, ("workload.yaml", "task:", "task: ["))


def test_unknown_workload_suggests_the_nearest():
    with pytest.raises(SurveyError, match="did you mean 'cnn_mnist'"):
        registry.find("cnn_mnst")


def test_unknown_preset_lists_the_known_ones(workloads):
    with pytest.raises(SurveyError, match="choose one of smoke, quick"):
        workloads["gru_text"].preset("huge")


def test_two_folders_of_one_name_are_an_error(variant, tmp_path):
    variant("cnn_mnist", "mine")
    with pytest.raises(SurveyError, match="exists already"):
        registry.discover([tmp_path / "workloads", tmp_path / "workloads"])


def test_preset_sizes_are_laid_over_the_workloads(workloads):
    workload = load(workloads["cnn_mnist"].folder)
    assert workload.preset("smoke").sizes["conv1"] < workload.preset("quick").sizes["conv1"]
    assert workload.preset("smoke").sizes["classes"] == 10


def test_digest_changes_with_the_code(variant, workloads):
    same = variant("cnn_mnist", "same")
    other = variant("cnn_mnist", "other", ("pytorch.py", "max_pool2d", "avg_pool2d"))
    assert same.digest() == workloads["cnn_mnist"].digest() != other.digest()


def test_correcting_the_minutes_of_the_plan_makes_nothing_stale(variant, workloads):
    other = variant("cnn_mnist", "other", ("workload.yaml", "    minutes: ", "    minutes: 1"))
    assert other.preset("quick").minutes != workloads["cnn_mnist"].preset("quick").minutes
    assert other.digest() == workloads["cnn_mnist"].digest()


@pytest.mark.parametrize(("name", "part"), [("weights", "to_pytorch"), ("tensorflow", "build")])
def test_a_module_without_one_of_its_functions_is_named(variant, name, part):
    other = variant("cnn_mnist", "other", (f"{name}.py", f"def {part}(", f"def {part}_gone("))
    with pytest.raises(SurveyError, match=rf"other/{name}\.py: {part}: missing"):
        other.module(name)
