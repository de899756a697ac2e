"""What the suite's figures choose from several sets and tracks, and what they say about it."""

from __future__ import annotations

import io
from datetime import date

import numpy as np
import pandas as pd
import pytest

from analysis import style
from analysis.adoption_data import AdoptionDataError
from analysis.figures import (
    _sets,
    _sweeps,
    discover,
    performance_idiomatic,
    performance_literature,
    performance_machines,
    performance_pipelines,
    performance_precisions,
    performance_ratios,
    performance_steps,
)
from analysis.literature import literature
from analysis.report import Column, PageTable, build_table
from tests.page_fixtures import ROOT, measured_tables


@pytest.fixture(scope="module")
def tables():
    return measured_tables()


def picture(drawing):
    from matplotlib.figure import Figure

    style.use()
    figure = Figure(figsize=drawing.size)
    drawing.draw(figure)
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg")
    return buffer.getvalue()


def test_this_run_leads_and_a_set_that_landed_stands_in_where_it_measured_nothing(tables):
    ratios = tables["performance_ratios"]
    own = ratios[(ratios["origin"] == "this run") & (ratios["workload"] != "gru_text")]
    landed = ratios[ratios["origin"] == "landed"]
    chosen = _sets.leading(pd.concat([own, landed]))
    assert chosen.groupby("workload")["origin"].agg(set).to_dict() == {
        "bert_encoder": {"this run"},
        "cnn_mnist": {"this run"},
        "gru_text": {"landed"},
    }
    broken = ratios.assign(status=ratios["status"].where(ratios["origin"] != "this run", "failed"))
    assert set(_sets.leading(broken)["origin"]) <= {"landed", "contributed"}


@pytest.mark.parametrize("name", [n for n, module in discover().items() if module.SECTION == "performance"])
def test_tracks_are_never_in_one_plot(tables, name):
    drawing = discover()[name].make({table: tables[table].copy() for table in discover()[name].REQUIRES})
    modes = {
        mode
        for column in ("pytorch_mode", "tensorflow_mode", "mode")
        if column in drawing.data
        for mode in drawing.data[column].dropna()
    }
    assert modes == {"idiomatic"} if name == "performance_idiomatic" else "idiomatic" not in modes


def test_rows_of_others_are_marked_and_never_pooled(tables):
    drawing = performance_machines.make({name: tables[name] for name in performance_machines.REQUIRES})
    assert set(drawing.data["origin"]) == {"this run", "landed", "contributed"}
    keys = ["workload", "phase", "pytorch_mode", "tensorflow_mode"]
    assert drawing.data.groupby(keys)["ratio"].nunique().min() >= 2
    assert "C contributed" in picture(drawing) and "contributed, other-cpu-8c-def456" in drawing.subtitle
    alone = tables["performance_ratios"][tables["performance_ratios"]["origin"] == "contributed"]
    forest = performance_ratios.make({"performance_ratios": alone})
    assert "contributed, other-cpu-8c-def456" in picture(forest)
    assert forest.sources == ("contributed set of machine other-cpu-8c-def456",)
    assert "this run" not in forest.subtitle and "a set contributed from other-cpu-8c-def456" in forest.subtitle


def test_two_sets_of_one_machine_are_not_called_another_machine(tables):
    given = {name: tables[name] for name in performance_machines.REQUIRES}
    assert performance_machines.make(given).finding.question == "Is it the same on another machine?"
    given["performance_ratios"] = given["performance_ratios"].assign(machine="one")
    finding = performance_machines.make(given).finding
    assert finding.question == "Does the same machine say it again?"
    assert finding.evidence.endswith("of 1 machine")


def test_one_set_alone_says_how_to_bring_another(tables):
    ratios = tables["performance_ratios"]
    own = ratios[ratios["origin"] == "this run"]
    drawing = performance_machines.make(
        {"performance_ratios": own, "performance_machines": tables["performance_machines"]}
    )
    assert drawing.data.empty and "python -m reproductions export" in drawing.limits


def test_sets_that_contradict_each_other_are_counted(tables):
    ratios = tables["performance_ratios"].copy()
    turned = ratios["origin"] == "contributed"
    ratios.loc[turned, ["ratio", "low", "high"]] = (1 / ratios.loc[turned, ["ratio", "high", "low"]]).to_numpy()
    drawing = performance_machines.make({"performance_ratios": ratios, "performance_machines": ratios.head(0)})
    assert drawing.title.startswith("Sets contradict each other in 4 comparisons")


def test_a_series_gains_only_where_the_intervals_at_its_ends_are_apart(tables):
    sweeps = tables["performance_sweeps"]
    rows = _sweeps.chosen(sweeps, lambda axis: axis == "batch")
    assert set(_sweeps.series(rows)["gains"]) == {"tensorflow"}
    calm = rows.assign(ratio=1.0, low=0.9, high=1.1)
    assert set(_sweeps.series(calm)["gains"]) == {""}
    drawing = _sweeps.make(
        calm,
        lambda axis: axis == "batch",
        larger="Larger batches",
        axis="batch size",
        question="?",
        command="x",
        limits="y",
    )
    assert drawing.title == "Larger batches settle nothing in any of 3 series"


def test_lost_points_of_a_sweep_say_why(tables):
    sweeps = tables["performance_sweeps"].copy()
    lost = (sweeps["axis"] == "batch") & (sweeps["value"] == 128)
    sweeps.loc[lost, ["ratio", "low", "high"]] = np.nan
    sweeps.loc[lost, "status"] = "oom"
    drawing = discover()["performance_batch"].make({"performance_sweeps": sweeps})
    assert "128: out of memory" in picture(drawing)


def test_many_workloads_get_a_small_panel_each(tables):
    ratios = tables["performance_ratios"]
    own = ratios[(ratios["origin"] == "this run") & (ratios["workload"] == "gru_text")]
    many = pd.concat([own.assign(workload=f"w{n}", workload_title=f"Workload {n}") for n in range(7)])
    drawing = performance_ratios.make({"performance_ratios": many})
    svg = picture(drawing)
    assert all(f"Workload {n}" in svg for n in range(7)) and drawing.size[1] < 12
    few = performance_ratios.make({"performance_ratios": own})
    assert "Workload" not in picture(few) and len(few.data) * 7 == len(drawing.data)


def test_break_even_points_stand_under_the_panels(tables):
    drawing = performance_steps.make({name: tables[name] for name in performance_steps.REQUIRES})
    svg = picture(drawing)
    assert "XLA never" in svg and "steps; paid back after" in svg
    assert set(drawing.data["steps"].dropna()) == {10, 100, 1000}


def test_the_idiomatic_figure_says_that_it_is_not_to_be_set_beside(tables):
    drawing = performance_idiomatic.make({"performance_ratios": tables["performance_ratios"]})
    assert "never set beside the matched ones" in drawing.limits
    assert set(drawing.data["parity"]) == {"not asked"} and drawing.data["low"].notna().all(), "drawn, not put aside"
    assert drawing.title.startswith("Idiomatic PyTorch leads in") and "parity" not in picture(drawing)


# -- published results -------------------------------------------------------------------------------------------------
def test_published_ratios_are_speeds_of_pytorch_over_tensorflow(tables):
    table = tables["literature"]
    novac = table[(table["study"] == "novac2022") & (table["phase"] == "infer")].iloc[0]
    assert novac["ratio"] == pytest.approx(2.667 / 1.174)
    faster = table[
        (table["better"] == "higher") & (table["measures"] == "speed") & table["pytorch_value"].notna()
    ].iloc[0]
    assert faster["ratio"] == pytest.approx(faster["pytorch_value"] / faster["tensorflow_value"])
    assert table.loc[table["measures"] != "speed", "ratio"].isna().all()
    assert table["ratio"].notna().sum() == 272


def test_ours_lies_only_beside_the_like_and_says_its_device(tables):
    given = {name: tables[name] for name in performance_literature.REQUIRES}
    drawing = performance_literature.make(given)
    ours = drawing.data[drawing.data["study"].str.startswith("this run")]
    assert set(ours["phase"]) == {"train", "infer"} and set(ours["device"]) == {"CPU"}
    assert "ours CPU" in picture(drawing) and "a CPU" in drawing.limits
    none = performance_literature.make(given | {"performance_ratios": tables["performance_ratios"].head(0)})
    assert "ours CPU" not in picture(none)


def test_no_pooled_number_is_published(tables):
    drawing = performance_literature.make({name: tables[name] for name in performance_literature.REQUIRES})
    words = " ".join((drawing.title, drawing.subtitle, drawing.description, drawing.finding.answer))
    pooled = np.exp(np.log(tables["literature"]["ratio"].dropna()).mean())
    assert f"{pooled:.2f}" not in words and "mean" not in words.replace("meant", "") and "median" not in words


def test_a_row_that_breaks_the_schema_is_named(tmp_path):
    lines = (ROOT / "data" / "literature.csv").read_text().splitlines()
    lines[4] = lines[4].replace(",infer,", ",inference,")
    (tmp_path / "literature.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(AdoptionDataError, match=r'literature\.csv: row 5: phase "inference" is not known'):
        literature(tmp_path / "literature.csv")


def test_every_workload_that_the_literature_names_is_planned_or_there(tables, workloads):
    planned = {"cnn_resolution", "vgg19", "resnet50", "mobilenet_v2", "unet2d", "lstm_text", "bert_encoder", "gru_text"}
    assert set(tables["literature"]["workload"]) - {""} <= planned | set(workloads)


# -- tables on the page ------------------------------------------------------------------------------------------------
def test_a_long_table_is_cut_and_says_so():
    frame = pd.DataFrame({"x": range(10), "primary": [True, False] * 5})
    spec = PageTable(
        "t", "numbers", "performance", "c", "x", (Column("x", "X", row=True),), most=3, only={"primary": True}
    )
    shown = build_table(spec, frame, date(2026, 11, 26))
    assert [row[0].text for row in shown["rows"]] == ["0", "2", "4"]
    assert shown["more"] == "3 of 10 rows; numbers.csv holds them all"


def test_pipelines_of_both_are_paired_by_restart_and_round(tables):
    rows = tables["performance_pipelines"]
    found = performance_pipelines.paired(rows)
    assert set(found["workers"]) == {"0", "2"}, "only tf.data chooses by itself"
    assert (found["low"] > 1.1).all() and found["ratio"].median() == pytest.approx(1.5, rel=0.1)
    drawing = performance_pipelines.make({"performance_pipelines": rows})
    assert drawing.title == f"DataLoader leads in {len(found)}, tf.data in 0 of {len(found)} pipelines"


def test_a_precision_stands_beside_float32_and_gains_only_where_the_intervals_are_apart(tables):
    rows = performance_precisions.chosen(tables["performance_ratios"])
    per_pair = rows.groupby(performance_precisions.KEYS, dropna=False)["precision"].agg(list)
    assert all(own[0] == "float32" and own[1:] == ["bfloat16"] for own in per_pair) and len(per_pair)
    lower = rows["precision"] == "bfloat16"
    moved = rows.copy()
    moved.loc[lower, ["ratio", "low", "high"]] = moved.loc[lower, ["ratio", "low", "high"]] * 10
    assert set(performance_precisions.shifts(moved)["gains"]) == {"pytorch"}
    moved.loc[lower, ["ratio", "low", "high"]] = moved.loc[lower, ["ratio", "low", "high"]] / 100
    drawing = performance_precisions.make({"performance_ratios": moved})
    assert drawing.title == f"Lower precision helps PyTorch in 0, TensorFlow in {len(per_pair)} of {len(per_pair)}"
    assert "bfloat16" in picture(drawing)


def test_a_precision_is_held_against_float32_of_the_same_set(tables):
    ratios = tables["performance_ratios"]
    own = (ratios["origin"] == "this run") & (ratios["precision"] != "float32")
    rows = performance_precisions.chosen(ratios[~own])  # this run has float32 alone
    assert len(rows) and "this run" not in set(rows["origin"]) and set(rows["precision"]) == {"float32", "bfloat16"}


def test_a_precision_alone_says_what_brings_the_comparison(tables):
    ratios = tables["performance_ratios"]
    drawing = performance_precisions.make({"performance_ratios": ratios[ratios["precision"] == "float32"]})
    assert drawing.data.empty and "preset=standard" in drawing.limits
