"""Deployment paths: the registry, the verdict on numbers, the rows. No framework is started here."""

import argparse
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import multinomial

from reproductions.deployment import commands, environments, models, runner, spec, states
from reproductions.deployment.spec import Artefact, Expectation, Path, Request
from reproductions.errors import SurveyError

PATHS = spec.discover()


def toy(**values):
    return Path(**{"id": "toy", "title": "Toy", "framework": "pytorch", "runtime": "numpy"} | values)


def module(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text("from reproductions.deployment.spec import Artefact, Path\n" + text)


def prepared(logits, labels):
    return models.Prepared("cnn_mnist", None, {}, "mnist5k", labels, {"pytorch": logits}, {}, "key")


# -- registry ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_every_path_is_whole(path):
    assert path.title and path.runtime and path.requires
    assert path.imports or not path.in_process, "a runtime of this process is imported before loading is timed"
    assert set(path.models) <= set(spec.MODELS) and set(path.expected) <= set(path.models)
    found = path.module()
    assert callable(found.export) and callable(found.load) and found.__doc__
    assert path.tool in states.load(), "its tool has no line in states.yaml"
    assert path.extra is None or path.extra in environments.load()
    for failure in path.expected.values():
        assert failure.reason and failure.stage in ("export", "load", "run", "numbers")


def test_listing_paths_imports_no_framework():
    code = (
        "import sys\n"
        "for name in ('torch', 'tensorflow', 'keras', 'onnx', 'onnxruntime', 'openvino', 'executorch'):\n"
        "    sys.modules[name] = None\n"
        "from reproductions.__main__ import main\n"
        "sys.exit(main(['deploy', 'list']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(f"{name}: " in done.stdout for name in PATHS)


def test_a_module_in_another_folder_is_a_path(tmp_path):
    text = "PATH = Path('mine', 'Mine', 'pytorch', 'numpy')\n"
    module(tmp_path, "mine", text + "def export(model, folder, request):\n    return Artefact('a')\n")
    (tmp_path / "_shared.py").write_text("")
    found = spec.discover([tmp_path])
    assert len(found) == len(PATHS) + 1
    before = found["mine"].digest()
    assert found["mine"].export(None, tmp_path, None) == Artefact("a")
    (tmp_path / "_shared.py").write_text("# changed\n")
    assert spec.find("mine", [tmp_path]).digest() != before, "what paths share decides their artefacts as well"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("mine", "", "has no PATH"),
        ("mine", "PATH = Path('other', 'Mine', 'pytorch', 'numpy')\n", "is called as its path"),
        ("torch_eager", "PATH = Path('torch_eager', 'Mine', 'pytorch', 'numpy')\n", "exists already"),
    ],
)
def test_a_faulty_module_is_named(tmp_path, name, text, message):
    module(tmp_path, name, text)
    sys.modules.pop(f"deployment_path_{name}", None)
    with pytest.raises(SurveyError, match=message):
        spec.discover([tmp_path])


def test_an_unknown_path_gets_a_hint():
    with pytest.raises(SurveyError, match="did you mean 'torch_eager'"):
        spec.find("torch_eagre")
    with pytest.raises(SurveyError, match="not a folder"):
        spec.discover(["/nowhere/at/all"])


@pytest.mark.parametrize("values", [{"framework": "jax"}, {"artefact": "cloud"}])
def test_a_path_takes_only_what_there_is(values):
    with pytest.raises(ValueError, match="toy: "):
        toy(**values)


def test_a_request_travels_as_plain_values():
    request = Request("cnn_mnist", "/there", "pytorch", 2, {"side": 28}, environments={"tfjs": "/prefix"})
    assert Request(**request.plain()) == request
    assert request.command("tfjs", "converter") == "/prefix/bin/converter"


def test_what_is_missing_is_named_with_the_remedy():
    path = toy(requires=("numpy", "no-such-package|nor-this", "command:no-such-program|nor-that", "command:sh|bash"))
    package, program = path.missing()
    assert "no-such-package or nor-this" in package and "pip install" in package
    assert program.startswith("no-such-program (get it:")
    assert set(path.versions()) == {"numpy"} and path.deployed() == ("numpy", "no-such-package|nor-this")


def test_the_size_of_an_artefact_is_what_is_deployed(tmp_path):
    for name, length in (("model_b1.bin", 3), ("model_b32.bin", 50), ("weights", 7)):
        (tmp_path / name).write_bytes(b"x" * length)
    assert Artefact("model_b1.bin", batches=(1, 32), needs=("weights",)).bytes(tmp_path) == 10
    assert Artefact(".").bytes(tmp_path) == 60


def test_a_failure_is_the_expected_one_only_at_its_stage_and_in_its_words():
    expected = Expectation("load", "Erfc", "not an operator")
    assert expected.meets("load", "Fatal error", "log: No Op registered for Erfc")
    assert not expected.meets("export", "Erfc")
    assert not expected.meets("load", "no such file")
    with pytest.raises(ValueError, match="stage"):
        Expectation("somewhere", "", "")


# -- numbers -----------------------------------------------------------------------------------------------------------
def test_answers_are_compared_with_the_source_and_with_the_labels():
    rng = np.random.default_rng(0)
    wanted = rng.standard_normal((40, 10)).astype(np.float32)
    labels = wanted.argmax(1)
    labels[:4] = (labels[:4] + 1) % 10
    logits = wanted.copy()
    logits[5] = np.roll(wanted[5], 1)  # one answer that was right is now wrong
    found = runner.numbers(prepared(wanted, labels), "pytorch", logits, wanted[:8] + 0.5)
    assert found["accuracy_source"] == 0.9 and found["accuracy"] == 0.875 and found["argmax_agreement"] == 0.975
    assert found["accuracy_change_low"] < found["accuracy_change"] == -0.025 < found["accuracy_change_high"]
    assert found["max_logit_difference"] >= 0.5, "single rows count as well"
    assert found["test_rows"] == 40


def test_a_slow_path_is_judged_by_the_rows_it_answered():
    wanted = np.eye(10, dtype=np.float32)
    found = runner.numbers(prepared(wanted, np.arange(10)), "pytorch", wanted[:6], wanted[:2])
    assert found["test_rows"] == 6 and found["accuracy"] == found["accuracy_source"] == 1


@pytest.mark.parametrize("fault", [lambda x: x[:, :3], lambda x: np.where(x > 0.5, np.nan, x)])
def test_another_shape_or_nan_is_wrong(fault):
    wanted = np.eye(10, dtype=np.float32)
    with pytest.raises(runner.Wrong):
        runner.numbers(prepared(wanted, np.arange(10)), "pytorch", fault(wanted), wanted[:2])


def test_full_agreement_still_has_an_interval():
    same = np.ones(100, bool)
    change, low, high = runner.accuracy_change(same, same)
    assert change == 0 and -0.03 < low < 0 < high < 0.03
    fewer, more = np.arange(100) < 90, np.arange(100) < 98
    change, low, high = runner.accuracy_change(fewer, more)
    assert runner.accuracy_change(more, fewer) == pytest.approx((-change, -high, -low)) and high < 0


@pytest.mark.parametrize("rows", [64, 200])
@pytest.mark.parametrize("rates", [(0.0, 0.01), (0.01, 0.01), (0.01, 0.05), (0.1, 0.05), (0.2, 0.2)])
def test_the_interval_of_a_change_of_accuracy_covers_what_it_says(rows, rates):
    """Exact: every pair of counts that can be, with its probability; no simulation."""
    counts = [(gained, lost) for gained in range(rows + 1) for lost in range(rows + 1 - gained)]
    gained, lost = np.array(counts).T
    bounds = np.array([runner.change_interval(*pair, rows) for pair in counts])
    wanted = rates[0] - rates[1]
    inside = (bounds[:, 0] <= wanted) & (wanted <= bounds[:, 1])
    cells = np.stack([gained, lost, rows - gained - lost], axis=1)
    likely = multinomial.pmf(cells, rows, [*rates, 1 - sum(rates)])
    assert likely.sum() == pytest.approx(1)
    assert likely[inside].sum() > 0.93


def test_with_many_rows_the_interval_is_walds():
    gained, lost, rows = 4_000, 5_000, 1_000_000
    low, high = runner.change_interval(gained, lost, rows)
    change = (gained - lost) / rows
    error = np.sqrt((gained + lost) / rows - change**2) / np.sqrt(rows)
    assert (low, high) == pytest.approx((change - 1.96 * error, change + 1.96 * error), rel=1e-3)


def test_floats_are_judged_by_their_logits_and_integers_by_their_accuracy():
    good = {"max_logit_difference": 1e-5, "accuracy_change": -0.5}
    runner.verdict(toy(), good)
    with pytest.raises(runner.Wrong, match=r"accuracy falls by 50\.0 points"):
        runner.verdict(toy(quantized=True), good)
    with pytest.raises(runner.Wrong, match="off the source"):
        runner.verdict(toy(), {"max_logit_difference": 1e-3, "accuracy_change": 0.0})
    with pytest.raises(runner.Wrong):
        runner.verdict(toy(), {"max_logit_difference": float("nan"), "accuracy_change": 0.0})
    runner.verdict(toy(quantized=True), {"max_logit_difference": 0.5, "accuracy_change": -0.01})


def test_whole_batches_are_asked_and_the_last_is_filled_up():
    asked = []

    def predict(batch):
        asked.append(len(batch))
        return batch * 2

    rows = np.arange(70, dtype=np.float32).reshape(70, 1)
    assert np.array_equal(models.answers(predict, rows, 32), rows * 2) and asked == [32, 32, 32]
    assert len(models.answers(predict, rows, 32, lambda: False)) == 32, "out of time after the first batch"
    with pytest.raises(ValueError, match="shape"):
        models.answers(lambda batch: batch[:5], rows, 32)


def test_images_are_channel_first_and_ids_long_for_pytorch_alone():
    images, ids = np.zeros((2, 28, 28, 1), np.float32), np.zeros((2, 16), np.int32)
    assert models.inputs("pytorch", images).shape == (2, 1, 28, 28) and models.inputs("pytorch", ids).dtype == np.int64
    assert models.inputs("keras_torch", images).shape == images.shape
    assert models.inputs("tensorflow", ids).dtype == np.int32


# -- rows --------------------------------------------------------------------------------------------------------------
def blocks(threads, restarts=2, rounds=3, cpu=2.0):
    return [
        {
            "batch_size": batch,
            "restart": restart,
            "round": number,
            "wall_ms": [batch * (3.0 + restart)] * 20,
            "cpu_ms": cpu and batch * cpu,
            "flags": ["contention"] if number == 0 else [],
        }
        for batch in spec.BATCHES
        for restart in range(restarts)
        for number in range(rounds)
    ]


def test_latency_is_wall_time_and_throughput_goes_by_the_clock():
    row = runner._statistics(blocks(1), 1)
    assert row["clock"] == "cpu" and row["throughput_b32_per_s"] == 500
    assert row["latency_p50_low_ms"] <= row["latency_p50_ms"] <= row["latency_p50_high_ms"]
    assert row["latency_p50_ms"] == 3.5 and row["latency_p99_ms"] == 4.0
    assert row["flags"] == "contention 4/12" and (row["rounds"], row["restarts"]) == (6, 2)
    assert runner._statistics(blocks(2), 2)["clock"] == "wall"
    outside = runner._statistics(blocks(1, cpu=None), 1)
    assert outside["clock"] == "wall" and outside["throughput_b32_low"] <= outside["throughput_b32_per_s"]


def test_a_tail_of_too_few_calls_is_left_empty():
    row = runner._statistics(blocks(1, restarts=1, rounds=2), 1)
    assert row["latency_p99_ms"] == "" and row["latency_p95_ms"] == 3.0
    assert row["latency_p50_low_ms"] == "", "one restart says nothing of how restarts differ"


def test_rows_of_other_paths_stay_and_the_same_are_replaced(tmp_path):
    def rows(path, note):
        return [{"path": path, "model": "cnn_mnist", "threads": threads, "note": note} for threads in (1, 2)]

    table = tmp_path / "matrix.csv"
    runner._merge(table, runner.COLUMNS, rows("b", "old") + rows("a", "old"))
    runner._merge(table, runner.COLUMNS, rows("b", "new"))
    assert [(row["path"], row["threads"], row["note"]) for row in runner.read(table)] == [
        ("a", "1", "old"),
        ("a", "2", "old"),
        ("b", "1", "new"),
        ("b", "2", "new"),
    ]
    runner._merge(table, runner.COLUMNS, [], replaced=[("a", "cnn_mnist")])
    assert {row["path"] for row in runner.read(table)} == {"b"}


def test_a_run_of_some_paths_keeps_what_was_said_of_the_others():
    fresh = {"machine": "m", "python": "3.11", "packages": ["a==1"], "settings": {"rounds": 2}}
    first = fresh | {"versions": {"a": "1"}, "environments": {}}
    second = fresh | {"versions": {"b": "2"}, "environments": {"web": {"mib": 1}}}
    assert runner._beside(first, dict(second))["versions"] == {"a": "1", "b": "2"}
    assert runner._beside(first | {"packages": ["a==2"]}, dict(second))["versions"] == {"b": "2"}
    assert runner._beside({}, dict(second)) == second


# -- registries beside the paths ---------------------------------------------------------------------------------------
def test_every_state_has_a_date_a_page_and_a_reason():
    for state in states.load().values():
        assert state.looked.startswith("20") and state.source and state.why and "\n" not in state.why
        assert state.state in ("maintained", "maintenance", "unclear") or state.since or state.tool == "tfcompile"


def test_an_unknown_state_is_an_error(tmp_path):
    text = "{title: T, state: dead, since: '', release: '', released: '', looked: 2026-01-01, source: s, why: w}"
    (tmp_path / "states.yaml").write_text(f"tool: {text}\n")
    with pytest.raises(SurveyError, match="'dead' is not one of"):
        states.load(tmp_path / "states.yaml")


def test_an_extra_environment_says_what_it_takes_before_it_is_made():
    for name, found in environments.load().items():
        assert found["kind"] in ("pip", "npm") and found["why"] and found["mib"] > 0 and found["seconds"] > 0
        assert f"--extra {name}" in environments.offer(name) and "GiB" in environments.offer(name)
        pinned = [package for package in found.get("packages", ()) if "==" in package or "<" in package]
        assert found["kind"] == "npm" or pinned
    with pytest.raises(SurveyError, match="no extra environment"):
        environments.entry("nothing")


# -- command line ------------------------------------------------------------------------------------------------------
def options(*arguments):
    parser = argparse.ArgumentParser()
    commands.add_parser(parser.add_subparsers())
    return parser.parse_args(["deploy", *arguments])


def test_a_plan_runs_nothing_and_says_what_is_left_out(capsys, tmp_path):
    found = options("plan", "--smoke", "--only", "torch_onnx2tf", "torch_eager", "--work", str(tmp_path))
    assert found.run(found) == 0
    said = capsys.readouterr().out
    assert "torch_onnx2tf, cnn_mnist: skipped, missing:" in said and "--extra onnx2tf" in said
    assert "about" in said and not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ["--only", "torch_eagre"],
        ["--models", "resnet50"],
        ["--extra", "nothing"],
        ["--restarts", "0"],
        ["--threads", "0"],
    ],
)
def test_what_is_not_there_is_refused(arguments):
    found = options("plan", *arguments)
    with pytest.raises(SurveyError):
        found.run(found)


def test_a_run_without_its_packages_is_rows_that_say_so(tmp_path, lock):
    text = "PATH = Path('absent', 'Absent', 'pytorch', 'numpy', requires=('no-such-package',))\n"
    module(tmp_path / "paths", "absent", text)
    found = options(
        "run", "--only", "absent", "--paths", str(tmp_path / "paths"), "--out", str(tmp_path / "out"),
        "--work", str(tmp_path / "work"), "--report", str(tmp_path / "report.json"), "--threads", "1", "2",
    )  # fmt: skip
    assert found.run(found) == 0
    rows = runner.read(tmp_path / "out" / runner.TABLE)
    assert len(rows) == 2 * len(spec.MODELS) and {row["status"] for row in rows} == {"skipped"}
    assert all("no-such-package (get it:" in row["note"] and row["installs"] == "false" for row in rows)
    assert (tmp_path / "report.json").is_file() and (tmp_path / "out" / runner.ENVIRONMENT).is_file()
