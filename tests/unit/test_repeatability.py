"""What two measurements and many repeats say, on both sides of every bound."""

import numpy as np
import psutil
import pytest

from reproductions import repeatability
from reproductions.__main__ import main


def row(part, number, ratio, width, phase="train"):
    values = ("cnn_mnist", "mnist5k", phase, 32, "", "float32", 1, "tuned", "matched", "eager", "function")
    cell = dict(zip(repeatability.CELL, values, strict=True))
    bounds = {"low": ratio * (1 - width), "high": ratio * (1 + width)}
    rest = {"metric": "cpu", "pairs": 12, "restarts": 3, "status": "ok", "flagged": 0, "date": "2026-11-26"}
    return cell | bounds | rest | {"part": part, "number": number, "ratio": ratio}


@pytest.mark.parametrize(
    ("first", "second", "width", "verdict"),
    [
        (1.00, 1.02, 0.02, "agree"),
        (1.02, 1.00, 0.02, "agree"),
        (1.00, 1.04, 0.02, "differ"),
        (1.00, 1.40, 0.05, "wide"),
        (1.00, 1.00, float("nan"), "wide"),
    ],
)
def test_two_measurements_must_agree_where_their_intervals_are_narrow(first, second, width, verdict):
    (found,) = repeatability.agreement([row("complete", 0, first, width), row("complete", 1, second, width)])
    assert found["verdict"] == verdict


def test_cells_of_two_precisions_are_not_mixed_up():
    rows = [row("complete", number, 1.0, 0.01) for number in (0, 1)]
    rows += [row("complete", number, 2.0, 0.01) | {"precision": "bfloat16"} for number in (0, 1)]
    assert [one["verdict"] for one in repeatability.agreement(rows)] == ["agree", "agree"]


def test_cell_that_one_measurement_lacks_is_not_compared():
    assert repeatability.agreement([row("complete", 0, 1.0, 0.01), row("repeat", 1, 1.0, 0.01)]) == []


@pytest.mark.parametrize(("misses", "verdict"), [(0, "covers"), (2, "covers"), (3, "misses")])
def test_intervals_are_counted_against_the_median_of_the_others(misses, verdict):
    rows = [row("repeat", number, 1.5 if number < misses else 1.0, 0.05) for number in range(20)]
    (found,) = repeatability.coverage(rows)
    assert (found["held"], found["of"], found["verdict"]) == (20 - misses, 20, verdict)


def test_intervals_of_the_right_width_cover_and_too_narrow_ones_do_not():
    rng = np.random.default_rng(1)
    drawn = np.exp(rng.normal(0, 0.02, 20))
    honest, proud = ([row("repeat", n, ratio, width) for n, ratio in enumerate(drawn)] for width in (0.04, 0.008))
    assert repeatability.coverage(honest)[0]["verdict"] == "covers"
    assert repeatability.coverage(proud)[0]["verdict"] == "misses"


def test_missing_interval_covers_nothing():
    (found,) = repeatability.coverage([row("repeat", number, 1.0, float("nan")) for number in range(20)])
    assert found["held"] == 0


def test_document_says_goals_and_cells(tmp_path):
    rows = [row("complete", 0, 1.0, 0.01), row("complete", 1, 1.05, 0.01)]
    rows += [row("repeat", number, 1.0, 0.05, "infer") for number in range(20)]
    verdicts = [*repeatability.agreement(rows), *repeatability.coverage(rows)]
    text = repeatability.document(rows, verdicts, repeatability.Options(tmp_path, tmp_path))
    assert "| within 3% | at most 5.0% in 1 cells | no |" in text
    assert "| at least 18 of 20 | 20 to 20 of 20 | yes |" in text
    assert "| cnn_mnist, train, batch 32, tuned, threads 1: eager / function | 1.000 [0.990, 1.010]" in text


def test_neighbour_burns_a_core_and_ends_with_the_measurement():
    with repeatability.neighbour():
        (process,) = (child for child in psutil.Process().children() if "while True" in " ".join(child.cmdline()))
        assert process.is_running()
    assert not process.is_running()


def test_too_few_repeats_are_refused(capsys, lock):
    assert main(["repeatability", "--repeats", "2"]) == 2
    assert "each repeat is judged by the others" in capsys.readouterr().err
