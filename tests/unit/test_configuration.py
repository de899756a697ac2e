import pytest
import yaml

from analysis import configuring
from reproductions.errors import SurveyError


@pytest.fixture
def defaults(root):
    return yaml.safe_load((root / "config" / "config.yaml").read_text())


def faults(tmp_path, defaults, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text)
    with pytest.raises(SurveyError) as caught:
        configuring.read([file], defaults | (yaml.safe_load(text) or {}))
    return str(caught.value)


def test_defaults_pass(root, defaults):
    configured = configuring.read([root / "config" / "config.yaml"], defaults)
    assert list(configured.workloads) == ["cnn_mnist", "gru_text", "bert_encoder"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("thread: 2", "mine.yaml: thread: unknown key; did you mean 'threads'?"),
        ("threads: two", "mine.yaml: threads: 'two' is not of type integer; correct the value"),
        ("threads: 0", "mine.yaml: threads: 0 is less than the minimum of 1; correct the value"),
        ("device: gpus", "mine.yaml: device: 'gpus' is not known; did you mean 'gpu'?"),
        ("environments: [tund]", "mine.yaml: environments.0: 'tund' is not known; did you mean 'tuned'?"),
        ("python: {torch: python3}", "mine.yaml: python.torch: unknown key; did you mean 'pytorch'?"),
        ("workloads: {cnn_mnst: mnist5k}", "workloads.cnn_mnst: no such workload; did you mean 'cnn_mnist'?"),
        (
            "workloads: {cnn_mnist: mnist6k}",
            "workloads.cnn_mnist: 'mnist6k' is not one of its data sets; did you mean 'mnist5k'?",
        ),
        ("preset: quik", "preset: 'quik' is not a preset of cnn_mnist; did you mean 'quick'?"),
        ("seed: [", "mine.yaml: not valid YAML"),
    ],
)
def test_each_fault_names_file_field_and_remedy(tmp_path, monkeypatch, defaults, text, expected):
    monkeypatch.chdir(tmp_path)
    if text == "seed: [":
        (tmp_path / "mine.yaml").write_text(text)
        with pytest.raises(SurveyError, match=expected):
            configuring.read(["mine.yaml"], defaults)
    else:
        assert expected in faults(tmp_path, defaults, text)


def test_readme_of_the_keys_is_generated_from_the_schema(root):
    assert (root / "config" / "README.md").read_text() == configuring.document(), "run `python -m analysis config-docs`"


def test_every_key_has_a_default_and_a_description(defaults):
    schema = yaml.safe_load(configuring.SCHEMA.read_text())
    assert schema["properties"].keys() == defaults.keys()
    assert all(len(field["description"]) > 20 for field in schema["properties"].values())


def test_arguments_are_quoted(defaults):
    configured = configuring.read([], defaults | {"cache": "a folder; rm"})
    assert "'--cache=a folder; rm'" in configured.arguments("cnn_mnist", "results")


def test_environments_of_upkeep_are_made_only_if_asked(defaults):
    usual = configuring.read([], defaults).upkeep_arguments().split()
    assert not [argument for argument in usual if argument.startswith(("--extra", "--environment"))]
    own = defaults | {"upkeep": {"extra": ["old_files"], "environments": {"onnx": "/some/python"}}}
    asked = configuring.read([], own).upkeep_arguments().split()
    assert "--extra=old_files" in asked and "--environment=onnx=/some/python" in asked


def test_smoke_folder_always_takes_the_smoke_preset(defaults):
    configured = configuring.read([], defaults)
    assert configured.preset("results/smoke") == "smoke" and configured.preset("results") == "quick"
